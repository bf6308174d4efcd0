"""Promises that do not hold yet; each moves to its module when it does."""

from __future__ import annotations

import socket

import pytest

from tests.apache.client import Answer, exchange, raw
from tests.apache.sites import Sites, until

pytestmark = pytest.mark.apache

REDIRECTED = "blog.example"


@pytest.fixture(scope="module")
def redirected(sites: Sites) -> Sites:
    sites.enforce(REDIRECTED, "--port80", "redirect")
    return sites


def plainly(sites: Sites, line: str) -> Answer:
    with socket.create_connection(("127.0.0.1", sites.one.sandbox.http_port), timeout=10) as to:
        return exchange(to, raw(line, f"Host: {REDIRECTED}", "Connection: close"))


# -- to test_port80 -------------------------------------------------------------------------


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
