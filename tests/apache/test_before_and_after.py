"""What a change leaves alone: the bystander, the certified visitor, and everything after `off`."""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from origin_pulls.model.include import State, state
from origin_pulls.sandbox import Sandbox
from tests.apache.client import TLS_1_2, Answer, request
from tests.apache.sites import Sites
from tests.conftest import standing
from tests.server_under_test import UnderTest

pytestmark = pytest.mark.apache

SITE, BYSTANDER = "shop.example", "plain.example"
PASSWORD = "Basic " + base64.b64encode(b"alice:wonderland").decode()
EXEMPTIONS = (
    *("--exempt-name", "mail.shop.example", "--exempt-name", "webmail.shop.example"),
    *("--exempt-path", "/app", "--exempt-net", "192.0.2.0/24"),
)
FORMS = {
    "observe": ("observe", SITE),
    "require": ("enforce", SITE, "--edge-ready"),
    "exemption rule": ("enforce", SITE, "--edge-ready", *EXEMPTIONS),
    "port 80 redirect": ("enforce", SITE, "--edge-ready", "--port80", "redirect"),
    "port 80 for cloudflare": ("enforce", SITE, "--edge-ready", "--port80", "cloudflare"),
}
PATHS = (
    "/",
    "/index.html",
    "/nothing",
    "/app",
    "/app/",
    "/app/front/controlled?x=1",
    "/secret/",
    "/denied/",
    "/satisfy/",
    "/cgi-bin/front.cgi?x=1",
    "/cgi-sys/nothing",
    "/.well-known/acme-challenge/x",
    "/.htaccess",
    "/~shop/",
    "/a%2fb",
    "//index.html",
)
HOSTS = (
    "www.shop.example",
    "mail.shop.example",
    "webmail.shop.example",
    "WEBMAIL.shop.example",
    "autodiscover.shop.example",
    "shop-parked.example",
    BYSTANDER,
    "unknown.example",
)
Answers = dict[str, Answer]


def plainly(answer: Answer) -> tuple[int | None, list[tuple[str, str]], bytes, str]:
    """All of an answer but the hour, and what Apache itself decides anew each time.

    A program's answer has a length or comes in chunks, as its speed wants it; the methods of
    `Allow` come in any order.
    """
    headers = [
        (name, ",".join(sorted(value.split(","))) if name.lower() == "allow" else value)
        for name, value in answer.headers
        if name.lower() not in ("date", "content-length", "transfer-encoding")
    ]
    return answer.status, headers, answer.body, answer.refusal


def certified(sites: Sites) -> Answers:
    """What somebody with the site's leaf is answered; without one where none was made yet."""
    try:
        shown = sites.leaf(SITE)
    except KeyError:
        shown = None
    visitor = sites.visitor(SITE, shown=shown)
    found = {path: visitor.get(path) for path in PATHS}
    found |= {f"{path} over h2": visitor.get2(path) for path in PATHS}
    found["with password"] = visitor.get("/secret/", Authorization=PASSWORD)
    found["HEAD"] = visitor.send(request("HEAD", "/", SITE))
    found["POST"] = visitor.send(request("POST", "/", SITE, Content_Length="0"))
    found["OPTIONS"] = visitor.send(request("OPTIONS", "/", SITE))
    found["by TLS 1.2"] = visitor.but(tls=TLS_1_2).get()
    return found | {host: visitor.send(request("GET", "/", host)) for host in HOSTS}


def bystanding(sites: Sites) -> Answers:
    """What others than the site's visitors are answered."""
    found = {}
    for name in (BYSTANDER, "any.shop.example", "api.shop.example", "blog.example"):
        for path in PATHS:
            found[f"{name}{path}"] = sites.visitor(name).get(path)
            found[f"{name}{path} over h2"] = sites.visitor(name).get2(path)
            found[f"http://{name}{path}"] = sites.plain_visitor(name).get(path)
    return found


def plain(sites: Sites) -> Answers:
    """What the site answers on port 80."""
    return {f"http://{path}": sites.plain_visitor(SITE).get(path) for path in PATHS}


def differing(before: Answers, after: Answers) -> dict[str, tuple[object, object]]:
    """The answers that are not what they were."""
    return {
        what: (plainly(before[what]), plainly(after[what]))
        for what in before
        if plainly(before[what]) != plainly(after[what])
    }


def configuration(root: Path) -> dict[str, bytes]:
    """All that Apache may read below its own folder."""
    top = root / "etc/apache2"
    folders = (top / "conf", top / "conf.d", top / "conf.modules.d")
    return {
        str(path.relative_to(top)): path.read_bytes()
        for folder in folders
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture(scope="module", params=FORMS)
def story(request: pytest.FixtureRequest) -> Iterator[Mapping[str, Answers]]:
    """Everything as it was before a change, under it, and after `off`."""
    with standing() as sandbox:
        sites = Sites(UnderTest(sandbox))
        found = {
            "before": certified(sites) | plain(sites),
            "bystanders before": bystanding(sites),
        }
        files = configuration(sandbox.directory)
        sites.change(*FORMS[request.param])
        found |= {"under it": certified(sites), "bystanders under it": bystanding(sites)}
        sites.change("off", SITE, "--port80", "leave", "--no-exempt")
        found |= {"after": certified(sites) | plain(sites), "bystanders after": bystanding(sites)}
        found["uncertified after"] = {path: sites.visitor(SITE).get(path) for path in PATHS}
        now = configuration(sandbox.directory)
        changed = {name: text for name, text in now.items() if files.get(name) != text}
        found["files"] = {
            name: Answer(body=files.get(name, b""), text=text) for name, text in changed.items()
        }
        assert set(files) <= set(now)
        yield found


def test_the_bystanders_answers_stay_as_they_were(story: Mapping[str, Answers]) -> None:
    assert differing(story["bystanders before"], story["bystanders under it"]) == {}


def test_the_certified_visitors_answers_stay_as_they_were(story: Mapping[str, Answers]) -> None:
    before = {what: story["before"][what] for what in story["under it"]}
    assert differing(before, story["under it"]) == {}


def test_after_off_every_answer_is_as_before(story: Mapping[str, Answers]) -> None:
    assert differing(story["before"], story["after"]) == {}


def test_after_off_the_bystanders_answers_are_as_before(story: Mapping[str, Answers]) -> None:
    assert differing(story["bystanders before"], story["bystanders after"]) == {}


def test_after_off_nobody_needs_a_certificate(story: Mapping[str, Answers]) -> None:
    uncertified = story["uncertified after"]
    before = {path: story["before"][path] for path in uncertified}
    assert differing(before, uncertified) == {}


def test_after_off_only_comments_and_the_lines_that_include_them_are_left(
    story: Mapping[str, Answers],
) -> None:
    for name, change in story["files"].items():
        if name == "conf/httpd.conf":
            old, new = (text.decode().splitlines() for text in (change.body, change.text))
            added = [line.strip() for line in new if line not in old]
            assert all(line.startswith('Include "') and SITE in line for line in added), added
        else:
            assert name.endswith("/origin-pulls.conf"), name
            assert state(change.text) is State.COMMENT, (name, change.text)


def test_each_form_refuses_who_has_no_certificate(sandbox: Sandbox) -> None:
    sites = Sites(UnderTest(sandbox))
    outcomes = {}
    for form, words in FORMS.items():
        sites.change(*words, *([] if "--exempt-path" in words else ["--no-exempt"]))
        answer = sites.visitor(SITE).get()
        outcomes[form] = "refused" if answer.is_refused else str(answer.status)
    assert outcomes == {
        "observe": "200",
        "require": "refused",
        "exemption rule": "403",
        "port 80 redirect": "refused",
        "port 80 for cloudflare": "refused",
    }
