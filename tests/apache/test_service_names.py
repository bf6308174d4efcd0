"""Exempt names in every spelling: a service name leads to its service or nowhere at all."""

from __future__ import annotations

import pytest

from tests.apache.client import Answer, raw, request
from tests.apache.sites import Sites

pytestmark = pytest.mark.apache

SITE, MAIL, WEBMAIL = "shop.example", "mail.shop.example", "webmail.shop.example"
PAGES = (b"<h1>shop.example</h1>", b"of shop.example")
NOT_BEHIND = 503  # cPanel's rule sent it to the service, which does not run here


@pytest.fixture(scope="module", autouse=True)
def _enforced(sites: Sites) -> None:
    options = [word for name in (MAIL, WEBMAIL) for word in ("--exempt-name", name)]
    sites.enforce(SITE, *options)


@pytest.fixture(scope="module")
def port(sites: Sites) -> int:
    return sites.one.sandbox.https_port


def has_page(answer: Answer) -> bool:
    return any(page in answer.text for page in PAGES)


def spelled(text: str, port: int) -> str:
    return text.replace("PORT", str(port))


# -- a service name -------------------------------------------------------------------------


@pytest.mark.parametrize("host", [WEBMAIL, f"{WEBMAIL}:PORT", f" {WEBMAIL}", f"{WEBMAIL}\t "])
def test_a_service_name_as_cpanel_spells_it_leads_to_the_service(
    sites: Sites, port: int, host: str
) -> None:
    answer = sites.visitor(SITE).send(request("GET", "/", spelled(host, port)))
    assert answer.status == NOT_BEHIND


SPELLINGS = [
    "WEBMAIL.shop.example",
    "webmail.SHOP.example",
    "Webmail.Shop.Example:PORT",
    "webmail.shop.example.",
    "webmail.shop.example.:PORT",
    "webmail.shop.example:",
    "webmail.shop.example:1",
    "webmail.shop.example:443",
    "webmail.shop.example:0",
    "webmail.shop.example:0PORT",
    "webmail.shop.example:PORT0",
    "webmail.shop.example:-PORT",
    "webmail.shop.example:PORT:PORT",
    "webmail.shop.example,shop.example",
    "webmail.shop.example, webmail.shop.example",
    "webmail.shop.example shop.example",
    "webmail.shop.example/",
    "webmail.shop.example?",
    "webmail.shop.example#",
    "webmail.shop.example\\",
    "https://webmail.shop.example",
    "user@webmail.shop.example",
    "webmail%2eshop%2eexample",
    "webmail.shop.example%00",
    "webmail.shop.example\x00",
    "webmail.shop.example\x0b",
    "webmail.shop.example\x7f",
    "webmail.shop.example\xa0",
    "webmail..shop.example",
    ".webmail.shop.example",
    "xwebmail.shop.example",
    "webmail.shop.example.evil.example",
    "[webmail.shop.example]",
    '"webmail.shop.example"',
    "webmail.shop-parked.example",
    "cpanel.shop.example",
    "autodiscover.shop.example",
    "127.0.0.1",
    "127.0.0.1:PORT",
    "[::1]",
    "localhost",
    "",
    "*",
    "%{HTTP_HOST}",
]


@pytest.mark.parametrize("name", [SITE, WEBMAIL, MAIL], ids=lambda name: f"SNI {name}")
@pytest.mark.parametrize("host", SPELLINGS, ids=ascii)
def test_no_other_spelling_of_a_service_name_gives_the_site_away(
    sites: Sites, port: int, host: str, name: str
) -> None:
    visitor = sites.visitor(name)
    answer = visitor.send(
        raw("GET / HTTP/1.1", f"Host: {spelled(host, port)}", "Connection: close")
    )
    assert answer.status in (400, 403, 421)
    assert not has_page(answer)


@pytest.mark.parametrize(
    "upgrade",
    [
        "websocket",
        "WebSocket",
        "WEBSOCKET",
        "websocket, h2c",
        "h2c, websocket",
        "foo/1, WebSocket/13",
        "xwebsocketx",
        "websocket\r\nUpgrade: h2c",
        "h2c\r\nUpgrade: websocket",
        "h2c\r\nupgrade: WebSocket",
        " websocket ",
    ],
    ids=ascii,
)
@pytest.mark.parametrize("connection", ["Upgrade", "close", "upgrade, close"])
def test_no_upgrade_makes_a_service_name_serve_the_site(
    sites: Sites, upgrade: str, connection: str
) -> None:
    lines = (f"Host: {WEBMAIL}", f"Upgrade: {upgrade}", f"Connection: {connection}")
    # The second request only closes the connection.
    text = raw("GET / HTTP/1.1", *lines) + request("GET", "/", SITE)
    answer = sites.visitor(SITE).send(text)
    assert answer.status == 403
    assert not has_page(answer)


@pytest.mark.parametrize("upgrade", ["web socket", "web\tsocket", "h2c", "h2", "TLS/1.0", ""])
def test_any_other_upgrade_leads_to_the_service_all_the_same(sites: Sites, upgrade: str) -> None:
    lines = (f"Host: {WEBMAIL}", f"Upgrade: {upgrade}", "Connection: close")
    answer = sites.visitor(SITE).send(raw("GET / HTTP/1.1", *lines))
    assert answer.status == NOT_BEHIND


LINES = [
    ("GET https://shop.example/ HTTP/1.1", f"Host: {WEBMAIL}"),
    ("GET https://shop.example HTTP/1.1", f"Host: {WEBMAIL}"),
    ("GET https://shop.example:PORT/ HTTP/1.1", f"Host: {WEBMAIL}"),
    ("GET http://shop.example/ HTTP/1.1", f"Host: {WEBMAIL}"),
    ("GET https://SHOP.example/ HTTP/1.1", f"Host: {WEBMAIL}"),
    ("GET https://webmail.shop.example./ HTTP/1.1", f"Host: {WEBMAIL}"),
    ("GET https://WEBMAIL.shop.example/ HTTP/1.1", f"Host: {WEBMAIL}"),
    ("GET https://webmail.shop.example:1/ HTTP/1.1", f"Host: {WEBMAIL}"),
    ("GET https://user@webmail.shop.example/ HTTP/1.1", f"Host: {SITE}"),
    ("GET https://shop.example@webmail.shop.example/ HTTP/1.1", f"Host: {SITE}"),
    ("GET https://webmail.shop.example@shop.example/ HTTP/1.1", f"Host: {WEBMAIL}"),
    ("GET https:///index.html HTTP/1.1", f"Host: {WEBMAIL}"),
    ("GET https:index.html HTTP/1.1", f"Host: {WEBMAIL}"),
    ("GET file:///index.html HTTP/1.1", f"Host: {WEBMAIL}"),
    ("GET ftp://shop.example/index.html HTTP/1.1", f"Host: {WEBMAIL}"),
    ("GET / HTTP/1.1", f"Host: {WEBMAIL}", f"Host: {SITE}"),
    ("GET / HTTP/1.1", f"Host: {SITE}", f"Host: {WEBMAIL}"),
    ("GET / HTTP/1.1", f"Host: {WEBMAIL}", f"Host: {WEBMAIL}"),
    ("GET / HTTP/1.1", f"Host: {SITE}", f"X-Forwarded-Host: {WEBMAIL}"),
    ("GET / HTTP/1.1", f"Host: {SITE}", f"X-Host: {WEBMAIL}", f"Forwarded: host={WEBMAIL}"),
    ("GET / HTTP/1.1", f"Host : {WEBMAIL}"),
    ("GET / HTTP/1.1", f" Host: {WEBMAIL}"),
    ("GET / HTTP/1.1", "Host:", f" {WEBMAIL}"),
    ("GET / HTTP/1.1", f"Host: {SITE}", f" {WEBMAIL}"),
    ("GET / HTTP/1.1", f"HTTP_HOST: {WEBMAIL}"),
    ("GET / HTTP/1.0",),
    ("GET / HTTP/1.0", f"Host: {WEBMAIL}."),
    ("GET /",),
    ("GET /index.html HTTP/9.9", f"Host: {SITE}"),
    ("GET  /  HTTP/1.1", f"Host: {SITE}"),
    ("GET\t/\tHTTP/1.1", f"Host: {SITE}"),
    ("GET ?/index.html HTTP/1.1", f"Host: {SITE}"),
    ("GET index.html HTTP/1.1", f"Host: {WEBMAIL}"),
    ("GET * HTTP/1.1", f"Host: {WEBMAIL}"),
    ("GET /index.html?x HTTP/1.1", f"Host: {SITE}", "X-Original-URL: /"),
    ("GET /___proxy_subdomain_webmail/../index.html HTTP/1.1", f"Host: {SITE}"),
    ("GET /index.html HTTP/1.1", f"Host: {SITE}", "origin_pulls_pass: 1"),
    ("GET /index.html HTTP/1.1", f"Host: {SITE}", "REDIRECT-origin_pulls_pass: 1"),
    ("GET /index.html HTTP/1.1", f"Host: {SITE}", "SSL_CLIENT_VERIFY: SUCCESS"),
    ("GET /index.html HTTP/1.1", f"Host: {SITE}", "SSL-Client-Verify: SUCCESS"),
    ("HEAD / HTTP/1.1", f"Host: {SITE}"),
    ("POST / HTTP/1.1", f"Host: {SITE}", "Content-Length: 0"),
    ("PUT /new.html HTTP/1.1", f"Host: {SITE}", "Content-Length: 0"),
    ("DELETE /index.html HTTP/1.1", f"Host: {SITE}"),
    ("PROPFIND / HTTP/1.1", f"Host: {SITE}"),
    ("get / HTTP/1.1", f"Host: {SITE}"),
    ("PRI / HTTP/1.1", f"Host: {SITE}"),
    ("TRACE / HTTP/1.1", f"Host: {SITE}"),
    ("TRACE / HTTP/1.1", f"Host: {WEBMAIL}"),
    ("OPTIONS / HTTP/1.1", f"Host: {SITE}"),
    ("OPTIONS /index.html HTTP/1.1", f"Host: {SITE}"),
    ("CONNECT shop.example:443 HTTP/1.1", f"Host: {SITE}"),
    ("CONNECT webmail.shop.example:443 HTTP/1.1", f"Host: {WEBMAIL}"),
    ("CONNECT / HTTP/1.1", f"Host: {SITE}"),
    ("CONNECT /index.html HTTP/1.1", f"Host: {WEBMAIL}"),
    (
        "GET /index.html HTTP/1.1",
        f"Host: {SITE}",
        "Transfer-Encoding: chunked",
        "Content-Length: 1",
    ),
]


@pytest.mark.parametrize("name", [SITE, WEBMAIL], ids=lambda name: f"SNI {name}")
@pytest.mark.parametrize("lines", LINES, ids=lambda lines: ascii(" | ".join(lines)))
def test_no_request_line_and_no_header_gives_the_site_away(
    sites: Sites, port: int, lines: tuple[str, ...], name: str
) -> None:
    texts = [spelled(line, port) for line in lines]
    answer = sites.visitor(name).send(raw(*texts, "Connection: close"))
    assert not has_page(answer)
    assert answer.status not in (200, 204, 206, 207, 304)


@pytest.mark.parametrize("host", [SITE, WEBMAIL, "WEBMAIL.shop.example"])
def test_options_for_the_whole_server_tells_nothing_of_the_site(sites: Sites, host: str) -> None:
    answer = sites.visitor(SITE).send(request("OPTIONS", "*", host))
    assert answer.status == 200
    assert answer.body == b""


# -- HTTP/2 ---------------------------------------------------------------------------------


# A vertical tab is white space to Apache's HTTP/2, and falls away.
@pytest.mark.parametrize("authority", [WEBMAIL, f"{WEBMAIL}:PORT", f"{WEBMAIL}\x0b"], ids=ascii)
def test_over_h2_a_service_name_leads_to_the_service(
    sites: Sites, port: int, authority: str
) -> None:
    answer = sites.visitor(SITE).get2(authority=spelled(authority, port))
    assert answer.status == NOT_BEHIND


@pytest.mark.parametrize(
    "authority", [one for one in SPELLINGS if one.strip() and "\x0b" not in one], ids=ascii
)
def test_over_h2_no_other_spelling_gives_the_site_away(
    sites: Sites, port: int, authority: str
) -> None:
    answer = sites.visitor(SITE).get2(authority=spelled(authority, port))
    assert not has_page(answer)
    assert answer.status in (None, 400, 403, 421)


@pytest.mark.parametrize(
    ("pseudo", "headers"),
    [
        ({":authority": SITE}, {"host": WEBMAIL}),
        ({":authority": WEBMAIL}, {"host": SITE}),
        ({":authority": WEBMAIL.upper()}, {"host": WEBMAIL}),
        ({":authority": ""}, {"host": SITE}),
        ({":authority": ""}, {"host": WEBMAIL.upper()}),
        ({":authority": ""}, {}),
        ({":authority": SITE}, {"upgrade": "websocket"}),
        ({":authority": WEBMAIL}, {"upgrade": "websocket"}),
        ({":authority": WEBMAIL, ":method": "CONNECT", ":protocol": "websocket"}, {}),
        ({":authority": SITE, ":method": "CONNECT", ":protocol": "websocket"}, {}),
        ({":authority": "webmail.shop.example:443", ":method": "CONNECT"}, {}),
        ({":authority": WEBMAIL, ":scheme": "http"}, {"host": SITE}),
        ({":authority": SITE, ":scheme": "http"}, {}),
        ({":authority": SITE, ":scheme": "ftp"}, {}),
        ({":authority": WEBMAIL, ":path": "https://shop.example/"}, {}),
        ({":authority": SITE, ":path": f"https://{WEBMAIL}/"}, {}),
        ({":authority": SITE, ":path": "*"}, {}),
        ({":authority": SITE, ":path": "*", ":method": "OPTIONS"}, {}),
        ({":authority": SITE, ":path": "index.html"}, {}),
        ({":authority": SITE, ":path": "//index.html"}, {}),
        ({":authority": SITE, ":method": "HEAD"}, {}),
        ({":authority": SITE, ":method": "POST"}, {}),
        ({":authority": SITE, ":method": "TRACE"}, {}),
        ({":authority": SITE, ":method": "GET / HTTP/1.1\r\nHost: webmail.shop.example"}, {}),
    ],
    ids=ascii,
)
def test_over_h2_no_mixture_gives_the_site_away(
    sites: Sites, pseudo: dict[str, str], headers: dict[str, str]
) -> None:
    answer = sites.visitor(SITE).send2({":path": "/", **pseudo}, **headers)
    assert not has_page(answer)
    if pseudo.get(":method") != "OPTIONS":
        assert answer.status not in (200, 204, 206, 304)


# -- an ordinary name -----------------------------------------------------------------------


@pytest.mark.parametrize("name", [SITE, MAIL])
@pytest.mark.parametrize("host", [MAIL, f"{MAIL}:PORT", "MAIL.Shop.Example", f"{MAIL}:1"])
def test_an_ordinary_exempt_name_serves_the_site(
    sites: Sites, port: int, host: str, name: str
) -> None:
    answer = sites.visitor(name).send(request("GET", "/", spelled(host, port)))
    assert answer.status == 200
    assert has_page(answer)


@pytest.mark.parametrize("name", [MAIL, WEBMAIL, SITE])
@pytest.mark.parametrize(
    "host",
    [
        SITE,
        "www.shop.example",
        "mail.shop-parked.example",
        "shop-parked.example",
        "xmail.shop.example",
        "mail.shop.example.",
        "mail.shop.example.evil.example",
        "mailXshop.example",
    ],
)
def test_an_exempt_name_opens_no_other_name(sites: Sites, host: str, name: str) -> None:
    answer = sites.visitor(name).send(request("GET", "/", host))
    assert answer.status in (403, 421)
    assert not has_page(answer)


def test_an_exempt_request_opens_nothing_for_the_next_one_on_its_connection(sites: Sites) -> None:
    first = raw("GET / HTTP/1.1", f"Host: {MAIL}")
    with sites.visitor(MAIL).connected("http/1.1") as line:
        line.sendall(first + request("GET", "/", SITE))
        text = b"".join(iter(lambda: line.recv(65536), b""))
    assert text.count(b"<h1>shop.example</h1>") == 1
    assert text.count(b"HTTP/1.1 403") == 1


def test_the_service_of_an_exempt_name_is_not_reached_by_its_inner_path(sites: Sites) -> None:
    assert sites.visitor(SITE).get("/___proxy_subdomain_webmail/").status == 403
