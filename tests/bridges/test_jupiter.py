"""cPanel's bridge: it runs as the account, names nobody, and minds the LiveAPI."""

from __future__ import annotations

import subprocess

from origin_pulls.sandbox.layout import FIRST_UID
from tests.bridges.scripted import FRAMED, Bridge, says, service


def test_the_account_is_who_the_kernel_says_and_nothing_names_one(jupiter: Bridge) -> None:
    with service(jupiter.socket, says(FRAMED)) as heard:
        jupiter.ask(REMOTE_USER="root")
    assert heard.uids == [FIRST_UID]
    assert "root" not in heard.head
    assert "shop" not in heard.head
    assert "Acl" not in heard.head


def test_sheets_stand_in_the_head_of_the_frame(jupiter: Bridge) -> None:
    head = FRAMED.replace(b"\r\n\r\n", b"\r\nX-Origin-Pulls-Style: a-1.css\r\n\r\n")
    with service(jupiter.socket, says(head, b"<p>x</p>")):
        page = jupiter.ask().body.decode()
    assert page.index("a-1.css") < page.index("</head>")


def test_without_liveapi_the_page_stands_alone(jupiter: Bridge) -> None:
    with service(jupiter.socket, says(FRAMED, b"<p>here</p>")):
        answered = jupiter.ask(CPANEL_PHPCONNECT_SOCKET="/nowhere")
    assert answered.code == 0
    assert b"<p>here</p>" in answered.body
    assert answered.body.count(b"<!DOCTYPE html>") == 1
    assert b"drawing of a panel" not in answered.body


def test_a_form_with_files_is_refused_because_php_would_swallow_it(jupiter: Bridge) -> None:
    with service(jupiter.socket, says(FRAMED)) as heard:
        answered = jupiter.ask("POST", body=b"x", CONTENT_TYPE="multipart/form-data; boundary=b")
    assert answered.status[:3] == "415"
    assert heard.requests == []


def test_php_finds_no_fault_in_it(jupiter: Bridge) -> None:
    done = subprocess.run(
        ["/usr/bin/php-cgi", "-l", jupiter.script],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.stdout.startswith("No syntax errors detected")
