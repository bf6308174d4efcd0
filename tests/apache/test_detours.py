"""Detours inside Apache: error pages, internal redirects and what tenants set in between.

A vhost with exemptions lets everybody into the handshake, so its rule alone must hold: whatever
a tenant or an administrator configured, who shows no certificate and is not exempt gets nothing
of the site.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.apache.certificates import Signer
from tests.apache.client import TLS_1_2, Answer, answer_of, raw, request
from tests.apache.sites import Sites

pytestmark = pytest.mark.apache

SITE, MAIL, WEBMAIL = "shop.example", "mail.shop.example", "webmail.shop.example"
CGI = """#!/bin/sh
printf 'Content-Type: text/plain\\r\\n\\r\\ncgi speaks of %s\\n' "$REQUEST_URI"
"""
ELSEWHERE = """#!/bin/sh
printf 'Location: /hidden.html\\r\\n\\r\\n'
"""
FILES = {
    "open__page.html": "<h1>open page</h1>\n",
    "open__front.cgi": CGI,
    "hidden.html": "<h1>hidden page</h1>\n",
    "hidden.html.en": "<h1>hidden page</h1>\n",
    "403.shtml": "<h1>hidden error page</h1>\n",
    "404.shtml": "<h1>hidden error page</h1>\n",
    "cgi-bin__front.cgi": CGI,
    "cgi-bin__elsewhere.cgi": ELSEWHERE,
}
GIVEN_AWAY = (b"<h1>shop.example</h1>", b"<h1>hidden", b"cgi speaks", b"of shop.example</h1>")


@pytest.fixture(scope="module", autouse=True)
def _enforced(sites: Sites) -> Iterator[None]:
    sites.enforce(SITE, "--exempt-path", "/open", "--exempt-name", WEBMAIL)
    with sites.tenant_files("shop", **FILES):
        yield


def is_given_away(answer: Answer) -> bool:
    return any(text in answer.text for text in GIVEN_AWAY)


HTACCESS = {
    "error page of the site": "ErrorDocument 403 /index.html",
    "error page by a program": "ErrorDocument 403 /cgi-bin/front.cgi",
    "error page below the exempt path": "ErrorDocument 403 /open/page.html",
    "error pages for all": "\n".join(
        f"ErrorDocument {code} /hidden.html" for code in (400, 401, 403, 404, 405, 417, 421, 500)
    ),
    "catch-all": "RewriteEngine On\nRewriteRule !^hidden /hidden.html [L]",
    "catch-all to a program": "RewriteEngine On\nRewriteRule !^cgi-bin /cgi-bin/front.cgi [L]",
    "everything is below the exempt path": "RewriteEngine On\nRewriteRule ^ /open/page.html [L]",
    "directory index": "DirectoryIndex hidden.html /cgi-bin/front.cgi",
    "fallback": "FallbackResource /hidden.html",
    "negotiation": "Options +MultiViews\nDirectoryIndex hidden",
    "pass by rewriting": "RewriteEngine On\nRewriteRule ^ - [E=origin_pulls_pass:1]",
    "pass of the redirect by rewriting": "RewriteEngine On\n"
    "RewriteRule ^ - [E=REDIRECT_origin_pulls_pass:1]",
    "pass by SetEnv": "SetEnv origin_pulls_pass 1\nSetEnv REDIRECT_origin_pulls_pass 1",
    "pass by SetEnvIf": "SetEnvIf Request_URI . origin_pulls_pass=1 REDIRECT_origin_pulls_pass=1",
    "pass by SetEnvIfExpr": 'SetEnvIfExpr "true" origin_pulls_pass REDIRECT_origin_pulls_pass=1',
    "pass from a header": "SetEnvIf X-Pass (.*) origin_pulls_pass=$1",
    "status hidden": "RewriteEngine On\nRewriteRule ^ - [E=!REDIRECT_STATUS]",
    "redirect": "Redirect 302 /old /hidden.html",
    "everything granted": "Require all granted\nSatisfy Any",
    "default handler": "SetHandler default-handler",
    "everything a program": "SetHandler cgi-script\nOptions +ExecCGI",
}
PATHS = (
    "/",
    "/index.html",
    "/hidden.html",
    "/hidden",
    "/old",
    "/nothing/here",
    "/cgi-bin/front.cgi",
)


@pytest.mark.parametrize("access", HTACCESS.values(), ids=HTACCESS.keys())
def test_nothing_in_an_htaccess_gives_the_site_away(sites: Sites, access: str) -> None:
    visitor = sites.visitor(SITE)
    with sites.tenant_files("shop", dot_htaccess=f"{access}\n"):
        answers = [ask(path) for path in PATHS for ask in (visitor.get, visitor.get2)]
        with_header = visitor.get("/hidden.html", X_Pass="1")
    for answer in (*answers, with_header):
        assert answer.status == 403
        assert not is_given_away(answer)


SERVER_WIDE = {
    "the site's index": "/index.html",
    "a page": "/hidden.html",
    "a program": "/cgi-bin/front.cgi",
    "a program that redirects": "/cgi-bin/elsewhere.cgi",
    "below the exempt path": "/open/page.html",
    "a program below the exempt path": "/open/front.cgi",
    "nothing": "/nothing",
}
ODD = {
    "no exemption": request("GET", "/", SITE),
    "no such page": request("GET", "/nothing", SITE),
    "an expectation": request("GET", "/", SITE, Expect="miracles"),
    "a trace": request("TRACE", "/", SITE),
    "a trace of the service": request("TRACE", "/", WEBMAIL),
    "a connect": request("CONNECT", "shop.example:443", SITE),
    "a connect to a path": request("CONNECT", "/hidden.html", SITE),
    "two hosts": raw("GET / HTTP/1.1", f"Host: {SITE}", f"Host: {SITE}"),
    "no host": raw("GET / HTTP/1.0"),
    "an old version": b"GET /\r\n",
    "a bad header": raw("GET / HTTP/1.1", f"Host: {SITE}", "no colon"),
    "a bad line": raw("GET / nonsense", f"Host: {SITE}"),
    "a long line": raw(f"GET /{'x' * 9000} HTTP/1.1", f"Host: {SITE}"),
    "a long header": raw("GET / HTTP/1.1", f"Host: {SITE}", f"X: {'x' * 9000}"),
    "many headers": raw("GET / HTTP/1.1", f"Host: {SITE}", *(f"X{n}: 1" for n in range(200))),
    "a bad length": request("POST", "/", SITE, Content_Length="-1"),
    "a bad encoding": request("POST", "/", SITE, Transfer_Encoding="nonsense"),
    "another host": request("GET", "/", "plain.example"),
    "an unknown host": request("GET", "/", "unknown.example"),
    "an encoded slash": request("GET", "/open/..%2fhidden.html", SITE),
    "a null byte": request("GET", "/%00", SITE),
    "a climb": request("GET", "/../../etc/passwd", SITE),
    "the service is off": request("GET", "/", WEBMAIL),
    "a question mark for the service": request("GET", "/%3fx", WEBMAIL),
    "a range": request("GET", "/hidden.html", SITE, Range="bytes=0-9"),
    "an impossible range": request("GET", "/hidden.html", SITE, Range="bytes=99999-"),
    "a condition": request("GET", "/hidden.html", SITE, If_None_Match="*"),
    "a failing condition": request("GET", "/hidden.html", SITE, If_Match='"x"'),
    "an old date": request(
        "GET", "/hidden.html", SITE, If_Unmodified_Since="Mon, 01 Jan 2001 00:00:00 GMT"
    ),
}


@pytest.mark.parametrize("page", SERVER_WIDE.values(), ids=SERVER_WIDE.keys())
def test_no_error_page_of_the_whole_server_gives_the_site_away(sites: Sites, page: str) -> None:
    codes = (400, 403, 404, 405, 408, 411, 412, 413, 414, 416, 417, 421, 431, 500, 501, 503)
    lines = [f"ErrorDocument {code} {page}" for code in codes]
    leaks = {}
    with sites.administrator_lines(*lines):
        for what, text in ODD.items():
            answer = sites.visitor(SITE).send(text)
            if is_given_away(answer):
                leaks[what] = answer
    assert leaks == {}


@pytest.mark.parametrize("odd", ODD.values(), ids=ODD.keys())
def test_no_odd_request_gives_the_site_away(sites: Sites, odd: bytes) -> None:
    for name in (SITE, WEBMAIL):
        answer = sites.visitor(name).send(odd)
        assert answer.status is None or answer.status >= 400
        assert not is_given_away(answer)


@pytest.mark.parametrize(
    "headers",
    [
        {"Range": "bytes=0-9"},
        {"Range": "bytes=0-1,3-4"},
        {"If-None-Match": "*"},
        {"If-Match": "*"},
        {"If-Modified-Since": "Thu, 01 Jan 2099 00:00:00 GMT"},
        {"If-Range": '"x"', "Range": "bytes=0-9"},
        {"Expect": "100-continue"},
        {"Accept": "text/*;q=0", "Negotiate": "trans"},
        {"Accept-Language": "en"},
        {"Cookie": "origin_pulls_pass=1"},
        {"Via": "1.1 x", "X-HTTP-Method-Override": "OPTIONS"},
        {"Connection": "close, Host"},
        {"TE": "trailers", "Accept-Encoding": "gzip"},
    ],
    ids=ascii,
)
def test_no_header_gives_a_page_away(sites: Sites, headers: dict[str, str]) -> None:
    answer = sites.visitor(SITE).get("/hidden.html", **headers)
    assert answer.status == 403
    assert not is_given_away(answer)


# -- what goes with an exempt request, and what does not -------------------------------------


def test_a_page_pushed_along_with_an_exempt_one_is_not_given_away(sites: Sites) -> None:
    links = 'Header add Link "</hidden.html>; rel=preload"\n'
    with sites.tenant_files("shop", open__dot_htaccess=links):
        answer = sites.visitor(SITE).get2("/open/page.html")
    assert answer.status == 200
    assert b"<h1>open page</h1>" in answer.body
    assert b"Forbidden" in answer.text  # what was pushed
    assert not is_given_away(answer)


def test_an_exempt_request_opens_nothing_for_another_stream_of_its_connection(
    sites: Sites,
) -> None:
    visitor = sites.visitor(SITE)
    with visitor.connected("http/1.1") as line:
        first = answer_of(line, raw("GET /open/page.html HTTP/1.1", f"Host: {SITE}"))
        second = answer_of(line, raw("GET /hidden.html HTTP/1.1", f"Host: {SITE}"))
    assert (first.status, second.status) == (200, 403)


def test_an_error_below_an_exempt_path_answers_with_the_sites_own_error_page(
    sites: Sites,
) -> None:
    """The exemption goes with the request through Apache's internal redirects, errors too."""
    answer = sites.visitor(SITE).get("/open/nothing")
    assert answer.status == 404
    assert b"hidden error page" in answer.body


# -- a tenant's own certificate demand --------------------------------------------------------


@pytest.mark.parametrize("mode", ["optional_no_ca", "none"])
def test_a_certificate_that_a_tenant_lets_in_later_does_not_count(
    sites: Sites, keys: Path, mode: str
) -> None:
    """A tenant's `.htaccess` can make Apache take any certificate by a renegotiation (TLS 1.2)."""
    visitor = sites.visitor(SITE, tls=TLS_1_2)
    later = visitor.but(shown=Signer.alone("A stranger").kept(keys)).tls_context()
    access = f"SSLVerifyClient {mode}\nSSLCipherSuite ECDHE-ECDSA-AES128-GCM-SHA256\n"
    with (
        sites.tenant_files("shop", open__dot_htaccess=access),
        sites.logged(2) as lines,
        visitor.connected("http/1.1") as line,
    ):
        line.context = later
        first = answer_of(line, raw("GET /open/page.html HTTP/1.1", f"Host: {SITE}"))
        second = answer_of(line, raw("GET /hidden.html HTTP/1.1", f"Host: {SITE}"))
    assert (first.status, second.status) == (200, 403)
    assert [fields[4] for fields in lines] == ["CN=A stranger", "CN=A stranger"]
