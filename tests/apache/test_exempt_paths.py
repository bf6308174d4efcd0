"""Exempt paths and networks: judged by what a request means, never by how it is written."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.apache.client import Answer, raw
from tests.apache.sites import Sites

pytestmark = pytest.mark.apache

SITE = "shop.example"
SIGNS = "/a+b~c@d:e,f=g-h_i.j"
FRIEND, STRANGER = "127.0.0.9", "127.0.0.8"
FRONT = """#!/bin/sh
printf 'Content-Type: text/plain\\r\\n\\r\\nfront controller got %s\\n' "$REQUEST_URI"
"""
FRONT_CONTROLLER = """RewriteEngine On
RewriteCond %{REQUEST_FILENAME} !-f
RewriteRule . cgi-bin/front.cgi [L]
"""


@pytest.fixture(scope="module", autouse=True)
def _enforced(sites: Sites) -> Iterator[None]:
    networks = ("--exempt-net", f"{FRIEND}/32", "--exempt-net", "2001:db8::/32")
    paths = (
        "--exempt-path",
        "/app/open",
        "--exempt-path",
        "/wp-json/",
        "--exempt-path",
        "/a.b",
        "--exempt-path",
        SIGNS,
    )
    sites.enforce(SITE, *paths, *networks)
    files = {
        "app__open__page.html": "<h1>open of shop.example</h1>\n",
        "app__other.html": "<h1>other of shop.example</h1>\n",
        "app__opened.html": "<h1>opened of shop.example</h1>\n",
        "aXb": "<h1>aXb of shop.example</h1>\n",
        SIGNS[1:]: "<h1>open of shop.example</h1>\n",
    }
    with sites.tenant_files("shop", **files):
        yield


def is_given_away(answer: Answer) -> bool:
    """Whether anything of the site came that is not exempt."""
    others = (b"<h1>shop", b"<h1>app", b"<h1>other", b"<h1>opened", b"<h1>secret", b"<h1>aXb")
    return any(page in answer.text for page in (*others, b"front controller got"))


@pytest.mark.parametrize(
    "path",
    [
        "/app/open/page.html",
        "/app//open/page.html",
        "/app/./open/page.html",
        "/app/x/../open/page.html",
        "/app/%6fpen/page.html",
        "/%61pp/open/page.html",
        "/app/open/../open/page.html",
        "/secret/../app/open/page.html",
        "/app/open/page.html?x=/../..",
        SIGNS,
    ],
)
def test_an_exempt_page_is_served_however_its_path_is_written(sites: Sites, path: str) -> None:
    answer = sites.visitor(SITE).get(path)
    assert answer.status == 200
    assert b"<h1>open of shop.example</h1>" in answer.body


@pytest.mark.parametrize("path", ["/app/open", "/app/open/nothing", "/app/open/deep/er?x=1"])
def test_an_exempt_request_is_served_through_the_front_controller_of_its_folder(
    sites: Sites, path: str
) -> None:
    answer = sites.visitor(SITE).get(path)
    # `/app/open` is a folder there, so that mod_dir adds the slash.
    if answer.status == 301:
        answer = sites.visitor(SITE).get(f"{path}/none")
    assert answer.status == 200
    assert b"<h1>app of shop.example</h1>" in answer.body


@pytest.mark.parametrize("path", ["/wp-json", "/wp-json/", "/wp-json/v2/posts?page=2"])
def test_an_exempt_request_is_served_through_the_front_controller_of_the_site(
    sites: Sites, path: str
) -> None:
    with sites.tenant_files("shop", dot_htaccess=FRONT_CONTROLLER, **{"cgi-bin__front.cgi": FRONT}):
        answer = sites.visitor(SITE).get(path)
    assert answer.status == 200
    assert f"front controller got {path}".encode() in answer.body


OTHER_PATHS = [
    "/",
    "/index.html",
    "/app/",
    "/app/other.html",
    "/app/opened.html",
    "/app/ope",
    "/app/opened",
    "/app/open.html",
    "/app/open-/page.html",
    "/app/open;/page.html",
    "/app/open%3b/../other.html",
    "/app/OPEN/page.html",
    "/APP/open/page.html",
    "/app/open/../other.html",
    "/app/open/../../index.html",
    "/app/open/%2e%2e/other.html",
    "/app/open/%2E%2E/%2e%2e/index.html",
    "/app/open/.%2e/other.html",
    "/app/open/./../other.html",
    "/app/open//../other.html",
    "/app/open///..//other.html",
    "/app/open/x/../../other.html",
    "/app/open/..",
    "/app/open/../",
    "/app/open/page.html/../../other.html",
    "/app/open/../../../../index.html",
    "//app/open/../other.html",
    "/app/open/..//..//index.html",
    "/app/open%0a",
    "/app/open%0d%0a",
    "/app/open%20",
    "/app/open%00",
    "/app/open%5c..%5cother.html",
    "/app/open\\..\\other.html",
    "/app/open%2f..%2fother.html",
    "/app%2fopen/page.html",
    "/app/open/..%2fother.html",
    "/app/open%252f..%252fother.html",
    "/app/%25%36fpen/page.html",
    "/index.html/app/open",
    "/index.html/app/open/page.html",
    "/app/other.html/app/open/",
    "/cgi-bin/front.cgi/app/open/page.html",
    "/index.html?/app/open/",
    "/?/app/open/page.html",
    "/index.html#/app/open/",
    "/x/app/open/page.html",
    "/~shop/app/open/page.html",
    "/~shop/index.html",
    "/secret/",
    "/wp-jso",
    "/wp-jsonx",
    "/wp-json.html",
    "/aXb",
    "/aab~c@d:e,f=g-h_i.j",
    "/a+b~c@d:e,f=g-h_iXj",
    "/a%5cb",
    "/.htaccess",
    "/app/open/../.htaccess",
]


@pytest.mark.parametrize("with_front_controller", [False, True], ids=["", "front controller"])
@pytest.mark.parametrize("path", OTHER_PATHS)
def test_a_path_that_means_something_else_gives_nothing_away(
    sites: Sites, path: str, with_front_controller: bool
) -> None:
    files = {"dot_htaccess": FRONT_CONTROLLER, "cgi-bin__front.cgi": FRONT}
    with sites.tenant_files("shop", **files if with_front_controller else {}):
        answer = sites.visitor(SITE).get(path)
        over_h2 = sites.visitor(SITE).get2(path)
    for one in (answer, over_h2):
        assert not is_given_away(one)
        assert one.status in (None, 400, 403, 404)


def test_an_absolute_request_line_is_judged_by_its_path(sites: Sites) -> None:
    text = raw(
        "GET https://shop.example/app/open/../other.html HTTP/1.1",
        f"Host: {SITE}",
        "Connection: close",
    )
    answer = sites.visitor(SITE).send(text)
    assert answer.status == 403
    assert not is_given_away(answer)


@pytest.mark.parametrize(
    "name", ["X-Original-URL", "X-Rewrite-URL", "X-Forwarded-Path", "Referer", "X-Sendfile"]
)
def test_a_path_in_a_header_counts_for_nothing(sites: Sites, name: str) -> None:
    text = raw("GET / HTTP/1.1", f"Host: {SITE}", f"{name}: /app/open/", "Connection: close")
    assert sites.visitor(SITE).send(text).status == 403


# -- networks -------------------------------------------------------------------------------


def test_a_friend_is_served_without_certificate(sites: Sites) -> None:
    answer = sites.visitor(SITE, source=FRIEND).get()
    assert answer.status == 200
    assert b"<h1>shop.example</h1>" in answer.body


def test_a_friend_meets_the_tenants_own_locks(sites: Sites) -> None:
    assert sites.visitor(SITE, source=FRIEND).get("/secret/").status == 401
    assert sites.visitor(SITE, source=FRIEND).get("/denied/").status == 403


def test_a_friend_over_h2_is_served(sites: Sites) -> None:
    assert sites.visitor(SITE, source=FRIEND).get2().status == 200


@pytest.mark.parametrize("source", ["127.0.0.1", STRANGER, "127.0.0.90", "127.9.0.0"])
def test_an_address_beside_the_network_is_refused(sites: Sites, source: str) -> None:
    answer = sites.visitor(SITE, source=source).get()
    assert answer.status == 403
    assert not is_given_away(answer)


@pytest.mark.parametrize(
    "header",
    [
        "CF-Connecting-IP",
        "CF-Connecting-IPv6",
        "True-Client-IP",
        "X-Forwarded-For",
        "X-Real-IP",
        "X-Client-IP",
        "Client-IP",
        "Forwarded",
        "REMOTE-ADDR",
        "CONN-REMOTE-ADDR",
    ],
)
@pytest.mark.parametrize("value", [FRIEND, f"{FRIEND}, 127.0.0.1", f"for={FRIEND}", "2001:db8::1"])
def test_an_address_in_a_header_counts_for_nothing(sites: Sites, header: str, value: str) -> None:
    answer = sites.visitor(SITE, source=STRANGER).get(**{header: value})
    assert answer.status == 403
    assert not is_given_away(answer)


def test_an_address_in_a_header_counts_for_nothing_where_it_is_believed_for_the_logs(
    sites: Sites,
) -> None:
    believing = sites.administrator_lines(f"RemoteIPInternalProxy {STRANGER}")
    with believing, sites.logged(1) as lines:
        answer = sites.visitor(SITE, source=STRANGER).get(**{"CF-Connecting-IP": FRIEND})
    *_, peer, believed, _, _ = lines[-1]
    assert answer.status == 403
    assert (peer, believed) == (STRANGER, FRIEND)
