"""What both bridges promise: nothing lost, nothing added, and never a blank page."""

from __future__ import annotations

import socket
import threading
import time

import pytest

from tests.bridges.scripted import FRAMED, Bridge, Heard, says, service

LIMIT = 1024 * 1024
BARE = b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\n"


def test_a_request_arrives_with_its_query_unchanged(bridge: Bridge) -> None:
    query = "r=/vhosts&q=%3Cb%3E&page=2&x=%0d%0aX-Origin-Pulls-User:%20root"
    with service(bridge.socket, says(BARE, b"seen")) as heard:
        answered = bridge.ask(query=query)
    assert answered.body == b"seen"
    assert heard.head.split("\r\n")[0] == f"GET /?{query} HTTP/1.0"


def test_what_a_visitor_sends_as_identity_is_dropped(bridge: Bridge) -> None:
    forged = {
        "HTTP_X_ORIGIN_PULLS_USER": "forged",
        "HTTP_X_ORIGIN_PULLS_ACL": "forged",
        "HTTP_X_ORIGIN_PULLS_ADDRESS": "198.51.100.1",
        "HTTP_X_FORWARDED_FOR": "198.51.100.1",
        "HTTP_COOKIE": "session=secret",
        "HTTP_AUTHORIZATION": "whm root:secret",
    }
    with service(bridge.socket, says(BARE)) as heard:
        bridge.ask(forged=forged)
    for word in ("forged", "198.51.100.1", "secret", "X-Forwarded"):
        assert word not in heard.head
    assert "X-Origin-Pulls-Address: 203.0.113.9" in heard.head


@pytest.mark.parametrize("name", ["REMOTE_ADDR", "HTTP_HOST", "HTTP_ORIGIN", "CONTENT_TYPE"])
def test_a_line_break_in_a_header_drops_it(bridge: Bridge, name: str) -> None:
    with service(bridge.socket, says(BARE)) as heard:
        bridge.ask("POST", body=b"a=1", forged={name: "x\r\nX-Origin-Pulls-User: evil"})
    assert "evil" not in heard.head
    assert heard.body == b"a=1"


@pytest.mark.parametrize("query", ["r=/a b", "r=/a\r\nX: y", "r=/\xe9", "r=" + "x" * 4050])
def test_an_address_that_is_none_is_refused(bridge: Bridge, query: str) -> None:
    with service(bridge.socket, says(BARE)) as heard:
        answered = bridge.ask(query=query)
    assert (answered.code, answered.status[:3]) == (0, "400")
    assert heard.requests == []


@pytest.mark.parametrize("method", ["PUT", "DELETE", "GET / HTTP/1.0\r\nX: y\r\n\r\n", "get"])
def test_other_methods_are_refused(bridge: Bridge, method: str) -> None:
    with service(bridge.socket, says(BARE)) as heard:
        assert bridge.ask(method).status[:3] == "405"
    assert heard.requests == []


def test_a_body_of_one_mebibyte_arrives_whole(bridge: Bridge) -> None:
    body = b"x=" + bytes(range(256)) * (LIMIT // 256)
    body = body[:LIMIT]
    with service(bridge.socket, says(FRAMED, b"<p>taken</p>")) as heard:
        answered = bridge.ask("POST", body=body)
    assert heard.body == body
    assert b"<p>taken</p>" in answered.body


def test_one_byte_more_is_refused_and_never_sent(bridge: Bridge) -> None:
    with service(bridge.socket, says(BARE)) as heard:
        answered = bridge.ask("POST", body=b"x" * (LIMIT + 1))
    assert (answered.code, answered.status[:3]) == (0, "413")
    assert b"1 MiB" in answered.body
    assert heard.requests == []


@pytest.mark.parametrize("length", ["", "-1", "1e3", "0x10", "3, 3", "\u0663", "9" * 16])
def test_a_length_that_is_no_number_is_refused(bridge: Bridge, length: str) -> None:
    with service(bridge.socket, says(BARE)) as heard:
        answered = bridge.ask("POST", body=b"abc", CONTENT_LENGTH=length)
    assert (answered.code, answered.status[:3]) == (0, "411")
    assert heard.requests == []


def test_a_body_that_breaks_off_is_told(bridge: Bridge) -> None:
    with service(bridge.socket, says(BARE)):
        answered = bridge.ask("POST", body=b"abc", CONTENT_LENGTH="10")
    assert answered.is_away_page
    assert b"broke off" in answered.body


def test_a_service_that_answers_before_it_has_read_all_is_heard(bridge: Bridge) -> None:
    refused = b"HTTP/1.0 429 Too Many Requests\r\nContent-Type: text/plain\r\n\r\nslower"

    def answer_and_stop_reading(connection: socket.socket) -> None:
        connection.sendall(refused)
        connection.shutdown(socket.SHUT_RD)
        # Kept open until the bridge has gone: an end at once would throw the answer away.
        connection.settimeout(60)
        while connection.recv(65536):
            pass

    with service(bridge.socket, answer_and_stop_reading, reads=False):
        answered = bridge.ask("POST", body=b"x" * LIMIT)
    assert answered.status[:3] == "429"
    assert answered.body == b"slower"


def test_a_page_stands_in_the_frame_and_the_header_is_eaten(bridge: Bridge) -> None:
    head = (
        b"HTTP/1.0 200 OK\r\nX-Origin-Pulls-Frame: Domains%20%3Cb%3E%0d%0aX:y\r\n"
        b"X-Origin-Pulls-Style: page-0123456789ab.css\r\nX-Origin-Pulls-Style: ../evil.css\r\n"
        b"X-Origin-Pulls-Script: page-0123456789ab.js\r\n"
        b"X-Origin-Pulls-Script: //evil.example/x.js\r\n"
        b"Content-Security-Policy: default-src 'none'\r\n\r\n"
    )
    with service(bridge.socket, says(head, '<p class="op-x">müde</p>'.encode())):
        answered = bridge.ask()
    page = answered.body.decode()
    assert '<p class="op-x">müde</p>' in page
    assert "sandbox's drawing of a panel" in page
    assert "Domains &#" in page.replace("&lt;", "&#60;")
    assert "<b>" not in page
    assert '<link rel="stylesheet" href="page-0123456789ab.css">' in page
    assert '<script src="page-0123456789ab.js" defer></script>' in page
    assert "evil" not in page
    assert not [name for name, _ in answered.headers if name.startswith("X-Origin-Pulls")]
    # A policy on what a page loads would hit the panel's own scripts.
    assert answered.values("Content-Security-Policy") == ["frame-ancestors 'self'"]
    assert answered.values("X-Content-Type-Options") == ["nosniff"]
    assert answered.values("Content-Type") == ["text/html; charset=utf-8"]


def test_the_status_of_a_framed_page_is_kept(bridge: Bridge) -> None:
    head = b"HTTP/1.0 404 Not Found\r\nX-Origin-Pulls-Frame: Nothing\r\n\r\n"
    with service(bridge.socket, says(head, b"<p>no such vhost</p>")):
        answered = bridge.ask()
    assert answered.status[:3] == "404"
    assert b"<p>no such vhost</p>" in answered.body


def test_a_redirect_passes_as_it_is(bridge: Bridge) -> None:
    head = b"HTTP/1.0 303 See Other\r\nLocation: ?r=/jobs/7\r\nContent-Length: 2\r\n\r\n"
    with service(bridge.socket, says(head, b"ok")):
        answered = bridge.ask("POST", body=b"a=1")
    assert answered.status[:3] == "303"
    assert answered.values("Location") == ["?r=/jobs/7"]
    assert answered.body == b"ok"


def test_repeated_headers_are_kept_and_hop_by_hop_ones_dropped(bridge: Bridge) -> None:
    head = (
        b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\nLink: <a>\r\nlink: <b>\r\n"
        b"Connection: close\r\nKeep-Alive: timeout=5\r\nServer: gunicorn\r\nStatus: 500\r\n\r\n"
    )
    with service(bridge.socket, says(head, b"x")):
        answered = bridge.ask()
    assert answered.values("Link") == ["<a>", "<b>"]
    assert answered.status[:3] == "200"
    for name in ("Connection", "Keep-Alive", "Server"):
        assert answered.values(name) == []


def test_a_download_comes_whole_with_its_headers(bridge: Bridge) -> None:
    content = bytes(range(256)) * 12000
    head = (
        b"HTTP/1.0 200 OK\r\nContent-Type: application/octet-stream\r\n"
        b"Content-Disposition: attachment; filename=domains.csv\r\nContent-Length: %d\r\n\r\n"
    )
    with service(bridge.socket, says(head % len(content), content)):
        answered = bridge.ask()
    assert answered.body == content
    assert answered.values("Content-Disposition") == ["attachment; filename=domains.csv"]
    assert answered.values("Content-Type") == ["application/octet-stream"]


def test_head_gets_headers_and_no_frame(bridge: Bridge) -> None:
    with service(bridge.socket, says(FRAMED)) as heard:
        answered = bridge.ask("HEAD")
    assert heard.head.startswith("HEAD /?r=/vhosts HTTP/1.0")
    assert answered.body == b""
    assert answered.code == 0


GARBAGE = {
    "nothing": b"",
    "no HTTP": b"SSH-2.0-OpenSSH\r\n\r\n",
    "no end": b"HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n",
    "an endless head": b"HTTP/1.0 200 OK\r\n" + b"X: y\r\n" * 20000,
    "an informal status": b"HTTP/1.0 100 Continue\r\n\r\n",
    "no status": b"HTTP/1.0 OK\r\n\r\n",
    "a bare line break": b"HTTP/1.0 200 OK\r\nX: a\nY: b\r\n\r\nbody",
    "a control character": b"HTTP/1.0 200 OK\r\nX: a\x00b\r\n\r\nbody",
    "a folded header": b"HTTP/1.0 200 OK\r\nX: a\r\n b\r\n\r\nbody",
    "a header without a name": b"HTTP/1.0 200 OK\r\n: a\r\n\r\nbody",
    "chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "half a page": b"HTTP/1.0 200 OK\r\nX-Origin-Pulls-Frame: A\r\nContent-Length: 9\r\n\r\nhalf",
    "a page without end": FRAMED + b"x" * (5 * 1024 * 1024),
}


@pytest.mark.parametrize("kind", GARBAGE)
def test_garbage_becomes_a_page_that_says_what_to_type(bridge: Bridge, kind: str) -> None:
    with service(bridge.socket, says(GARBAGE[kind])):
        answered = bridge.ask()
    assert answered.is_away_page
    assert b"half" not in answered.body
    assert answered.values("X-Origin-Pulls-Error") == ["away"]


MAY_BE_DONE = b"may be done all the same: look at Jobs"
NOT_TOUCHED = b"not touched by that"


@pytest.mark.parametrize("kind", ["nothing", "half a page"])
def test_a_form_that_was_heard_may_be_done_whatever_came_back(bridge: Bridge, kind: str) -> None:
    with service(bridge.socket, says(GARBAGE[kind]), says(GARBAGE[kind])):
        posted, looked = bridge.ask("POST", body=b"a=1"), bridge.ask()
    assert posted.is_away_page
    assert MAY_BE_DONE in posted.body
    assert NOT_TOUCHED not in posted.body
    assert NOT_TOUCHED in looked.body
    assert MAY_BE_DONE not in looked.body


def test_a_form_that_nobody_heard_is_not_done(bridge: Bridge) -> None:
    answered = bridge.ask("POST", body=b"a=1")
    assert answered.is_away_page
    assert NOT_TOUCHED in answered.body
    with service(bridge.socket, says(BARE)):
        assert NOT_TOUCHED in bridge.ask("POST", body=b"abc", CONTENT_LENGTH="10").body


def test_a_missing_service_becomes_a_page_that_says_what_to_type(bridge: Bridge) -> None:
    answered = bridge.ask()
    assert answered.is_away_page
    assert b"No such file" in answered.body
    assert b"sandbox's drawing of a panel" in answered.body


def test_a_dead_service_becomes_a_page_that_says_what_to_type(bridge: Bridge) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(bridge.socket))
        bridge.socket.chmod(0o666)
    try:
        answered = bridge.ask()
    finally:
        bridge.socket.unlink()
    assert answered.is_away_page
    assert b"refused" in answered.body


def _drip(connection: socket.socket) -> None:
    """A byte now and then: each read is short, and there is never an end."""
    until = time.monotonic() + 60
    while time.monotonic() < until:
        connection.sendall(b"H")
        threading.Event().wait(0.1)


@pytest.mark.parametrize("play", [lambda one: _wait_for_end(one), _drip], ids=["silent", "drips"])
def test_a_slow_service_is_given_up(bridge: Bridge, play: object) -> None:
    with service(bridge.socket, play):  # type: ignore[arg-type]
        answered = bridge.impatient().ask()
    assert answered.is_away_page
    assert b"within 1 seconds" in answered.body


def _wait_for_end(connection: socket.socket) -> None:
    connection.recv(1)


def test_a_service_that_falls_silent_in_a_page_is_given_up(bridge: Bridge) -> None:
    def begin(connection: socket.socket) -> None:
        connection.sendall(FRAMED + b"<p>half")
        _wait_for_end(connection)

    with service(bridge.socket, begin):
        answered = bridge.impatient().ask()
    assert answered.is_away_page
    assert b"<p>half" not in answered.body


def test_a_good_request_leaves_no_line_in_the_error_log(bridge: Bridge) -> None:
    with service(bridge.socket, says(FRAMED, b"<p>fine</p>")) as heard:
        answered = bridge.ask("POST", body=b"a=1", HTTP_HOST="server.example:2087")
    assert answered.errors == b""
    assert isinstance(heard, Heard)
    assert "Host: server.example:2087" in heard.head
