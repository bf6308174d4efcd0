"""Port 80, which no client certificate covers: sent on to HTTPS, or open to Cloudflare alone."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.apache import namespace
from tests.apache.client import Answer, exchange, raw
from tests.apache.namespace import CHALLENGE, CLOUDFLARE, LOOPBACK, SITE, SOMEBODY
from tests.apache.sites import Sites, until

pytestmark = pytest.mark.apache

REDIRECTED, BYSTANDER = "blog.example", "plain.example"
Seen = Mapping[str, Mapping[str, Mapping[str, tuple[int | None, str]]]]
PAGES = (f"<h1>{SITE}</h1>", f"of {SITE}</h1>")


def is_given_away(body: str) -> bool:
    return any(page in body for page in PAGES)


# -- redirect -------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def redirected(sites: Sites) -> Sites:
    """The sites, one of which sends port 80 on to HTTPS."""
    sites.enforce(REDIRECTED, "--port80", "redirect")
    return sites


@pytest.mark.parametrize(
    ("path", "to"),
    [
        ("/", "/"),
        ("/index.html", "/index.html"),
        ("/nothing", "/nothing"),
        ("/secret/", "/secret/"),
        ("/app/front/controlled?x=1&y=2", "/app/front/controlled?x=1&y=2"),
        ("/cgi-bin/front.cgi?x", "/cgi-bin/front.cgi?x"),
        ("/well-known/", "/well-known/"),
        ("/x/../.well-known/../index.html", "/x/../.well-known/../index.html"),
        ("/a%3fb", "/a%3fb"),
        ("/a%2fb", "/a%2fb"),
        ("/a%20b", "/a%20b"),
        ("/caf%c3%a9", "/caf%c3%a9"),
        ("/?to=%2Fwp-admin%2F%3Fa%3D1", "/?to=%2Fwp-admin%2F%3Fa%3D1"),
    ],
)
def test_plain_http_is_sent_to_https(redirected: Sites, path: str, to: str) -> None:
    answer = redirected.plain_visitor(REDIRECTED).get(path)
    port = redirected.one.sandbox.https_port
    assert answer.status == 302
    assert answer.header("Location").lower() == f"https://{REDIRECTED}:{port}{to}".lower()
    assert b"<h1>blog" not in answer.text


@pytest.mark.parametrize("host", ["www.blog.example", "mail.blog.example", "BLOG.example"])
def test_every_name_is_sent_to_itself(redirected: Sites, host: str) -> None:
    answer = redirected.plain_visitor(host).get()
    port = redirected.one.sandbox.https_port
    assert answer.status == 302
    assert answer.header("Location").lower() == f"https://{host.lower()}:{port}/"


@pytest.mark.parametrize("path", ["/%0d%0aX-Injected:%201", "/x%0aX-Injected:1"])
def test_no_header_is_injected(redirected: Sites, path: str) -> None:
    answer = redirected.plain_visitor(REDIRECTED).get(path)
    assert answer.header("X-Injected") == ""


def test_what_proves_a_domain_stays_on_port_80(redirected: Sites) -> None:
    files = {"dot_well-known__acme-challenge__token": "the challenge\n"}
    with redirected.tenant_files("blog", **files):
        answer = redirected.plain_visitor(REDIRECTED).get(CHALLENGE)
    assert (answer.status, answer.body) == (200, b"the challenge\n")


@pytest.mark.parametrize(
    "path",
    [
        "/.well-known/../index.html",
        "/.well-known/%2e%2e/index.html",
        "/index.html/.well-known/",
        "/cgi-bin/front.cgi/.well-known/x",
        "/.well-known",
        "/.WELL-KNOWN/x",
    ],
)
def test_the_exception_for_it_leads_nowhere_else(redirected: Sites, path: str) -> None:
    answer = redirected.plain_visitor(REDIRECTED).get(path)
    assert answer.status == 302
    assert b"<h1>blog" not in answer.text


@pytest.mark.parametrize("word", namespace.CATCH_ALLS)
@pytest.mark.parametrize("path", ["/.well-known/", f"{namespace.PROOF_FOLDER}none?route=/"])
def test_a_proof_that_does_not_exist_opens_no_page_of_a_site_that_redirects(
    redirected: Sites, word: str, path: str
) -> None:
    files = {"dot_well-known__x.txt": "x\n", "dot_htaccess": namespace.CATCH_ALLS[word]}
    with redirected.tenant_files("blog", **files):
        answer = redirected.plain_visitor(REDIRECTED).get(path)
    assert b"<h1>blog" not in answer.text


def test_the_bystander_is_not_sent_away(redirected: Sites) -> None:
    assert redirected.plain_visitor(BYSTANDER).get().status == 200


def test_a_request_without_host_gets_no_page(redirected: Sites) -> None:
    to = ("127.0.0.1", redirected.one.sandbox.http_port)
    with socket.create_connection(to, timeout=10) as line:
        answer = exchange(line, raw("GET / HTTP/1.0"))
    assert b"<h1>blog" not in answer.text


def plainly(sites: Sites, line: str) -> Answer:
    with socket.create_connection(("127.0.0.1", sites.one.sandbox.http_port), timeout=10) as to:
        return exchange(to, raw(line, f"Host: {REDIRECTED}", "Connection: close"))


@pytest.mark.parametrize(
    "line",
    [
        "GET ?x HTTP/1.1",
        "GET http://blog.example HTTP/1.1",
        "GET http://blog.example?x HTTP/1.1",
        "GET HTTP://blog.example/ HTTP/1.1",
        "GET Https://blog.example/index.html HTTP/1.1",
        "GET http:/index.html HTTP/1.1",
        "GET http:///index.html HTTP/1.1",
        "get / HTTP/1.1",
        "get /cgi-bin/front.cgi HTTP/1.1",
        "M-SEARCH /cgi-bin/front.cgi HTTP/1.1",
        "FOO1 /cgi-bin/front.cgi HTTP/1.1",
        "BASELINE-CONTROL /cgi-bin/front.cgi HTTP/1.1",
        "POST /cgi-bin/front.cgi HTTP/1.1",
        "GET //index.html HTTP/1.1",
        "GET /index.html HTTP/1.0",
    ],
)
def test_no_request_line_gives_a_redirected_site_away(redirected: Sites, line: str) -> None:
    answer = plainly(redirected, line)
    assert b"<h1>blog" not in answer.text
    assert b"/cgi-bin/front.cgi\n" not in answer.body


# -- Cloudflare alone -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def seen() -> Seen:
    """What visitors from Cloudflare and from elsewhere see, in a network of their own."""
    if not shutil.which("unshare") or not shutil.which("ip"):
        pytest.skip("needs unshare (util-linux) and ip (iproute2)")
    words = ["unshare", "-n", sys.executable, "-m", "tests.apache.namespace"]
    root = Path(__file__).parents[2]
    ran = subprocess.run(words, cwd=root, capture_output=True, text=True, check=False, timeout=120)
    if "unshare failed" in ran.stderr:
        pytest.skip(f"no network namespace can be made here: {ran.stderr.strip()}")
    assert ran.returncode == 0, ran.stderr
    found: Seen = json.loads(ran.stdout)
    return found


@pytest.mark.parametrize("path", ["/", "/index.html", "/app/"])
def test_cloudflare_is_served(seen: Seen, path: str) -> None:
    status, body = seen[""][CLOUDFLARE][path]
    assert status == 200
    assert is_given_away(body)


def test_cloudflare_is_served_whomever_it_comes_for(seen: Seen) -> None:
    assert seen[""]["handed on"]["/"][0] == 200


def test_cloudflare_is_served_through_a_front_controller(seen: Seen) -> None:
    status, body = seen["front controller"][CLOUDFLARE]["/nothing"]
    assert status == 200
    assert is_given_away(body)


def test_the_server_itself_is_served(seen: Seen) -> None:
    status, body = seen[""][LOOPBACK]["/"]
    assert status == 200
    assert is_given_away(body)


@pytest.mark.parametrize("source", [CLOUDFLARE, SOMEBODY, LOOPBACK])
@pytest.mark.parametrize("path", [CHALLENGE, "/.well-known/pki-validation/token"])
def test_what_proves_a_domain_is_open_to_all(seen: Seen, source: str, path: str) -> None:
    status, body = seen[""][source][path]
    assert (status, body) == (200, "the challenge\n")


CLOSED = [path for path in namespace.PATHS if not path.endswith("/token") or "index" in path]


@pytest.mark.parametrize(
    "with_", ["", "front controller", "error page", "error page of the server"]
)
@pytest.mark.parametrize("path", CLOSED)
def test_somebody_else_is_refused(seen: Seen, path: str, with_: str) -> None:
    status, body = seen[with_][SOMEBODY][path]
    assert status == 403
    assert not is_given_away(body)
    assert "the contact" not in body


def test_no_header_makes_somebody_else_welcome(seen: Seen) -> None:
    assert {header: status for header, (status, _) in seen[""]["forging"].items()} == (
        dict.fromkeys(seen[""]["forging"], 403)
    )


@pytest.mark.parametrize("word", namespace.CATCH_ALLS)
@pytest.mark.parametrize("path", [namespace.PROOF_FOLDER, f"{namespace.PROOF_FOLDER}none?route=/"])
def test_a_proof_that_does_not_exist_opens_no_page_of_a_site_for_cloudflare_alone(
    seen: Seen, word: str, path: str
) -> None:
    _, body = seen["catch-alls"][word][path]
    assert not is_given_away(str(body))


def test_a_refusal_on_port_80_is_logged_as_403(sites: Sites) -> None:
    """Loopback is let in, so the rule is tried with all that is let in taken out of it."""
    sites.enforce("acme.example", "--port80", "cloudflare")
    include = sites.one.include("acme", "acme.example", "std")
    include.write_text(include.read_text().replace("127.0.0.0/8", "192.0.2.0/24"))
    sites.reload()
    assert sites.plain_visitor("acme.example").get("/refused").status == 403
    log = sites.one.root / "etc/apache2/logs/domlogs/acme.example"
    until(lambda: "/refused" in log.read_text())
    assert '"GET /refused HTTP/1.1" 403' in log.read_text()
