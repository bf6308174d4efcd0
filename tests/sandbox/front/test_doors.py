"""The way to a page: through the bridge and its frame, past the sign-in, with the token."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from origin_pulls.sandbox import Sandbox, accounts, files
from tests.bridges.scripted import FRAMED, says, service
from tests.sandbox.front.browser import CPANEL_PAGE, WHM_PAGE, Browser
from tests.sandbox.front.scenes import CGI, CPANEL_PAGE_FILE, PEEK, answering

pytestmark = pytest.mark.apache


def test_a_page_of_the_service_stands_in_whms_frame(sandbox: Sandbox, root: Browser) -> None:
    with answering(sandbox, "admin", says(FRAMED, b"<p>the domains</p>")) as heard:
        shown = root.open("r=/vhosts")
    assert shown.status == 200
    assert "<p>the domains</p>" in shown.text
    assert "whm-menu" in shown.text
    assert heard.uids == [0]
    assert "X-Origin-Pulls-User: root" in heard.head
    assert heard.head.startswith("GET /?r=/vhosts HTTP/1.0")


def test_an_accounts_page_runs_as_the_account(sandbox: Sandbox, shop: Browser) -> None:
    with answering(sandbox, "account", says(FRAMED, b"<p>my domains</p>")) as heard:
        shown = shop.open("r=/")
    assert "<p>my domains</p>" in shown.text
    assert "LiveAPI" not in shown.text
    assert heard.uids == [sandbox.accounts["shop"]["uid"]]


def test_no_account_is_let_near_roots_socket(sandbox: Sandbox, shop: Browser) -> None:
    folder = files.folder(sandbox.path("/run/origin-pulls/admin"), mode=0o700)
    page = sandbox.path(CPANEL_PAGE_FILE.replace("index", "peek"))
    files.lay(page, PEEK)
    try:
        with service(folder / "web.sock", says(FRAMED)):
            shown = shop.get(CPANEL_PAGE.replace("index", "peek"))
    finally:
        page.unlink()
        folder.chmod(0o755)
    assert "Permission denied" in shown.text


def test_a_form_arrives_and_its_redirect_comes_back(sandbox: Sandbox, root: Browser) -> None:
    answer = b"HTTP/1.0 303 See Other\r\nLocation: ?r=/jobs/7\r\n\r\n"
    with answering(sandbox, "admin", says(answer)) as heard:
        shown = root.open("r=/apply", "POST", b"vhost=7&csrf=x")
    assert (shown.status, shown.value("Location")) == (303, "?r=/jobs/7")
    assert heard.body == b"vhost=7&csrf=x"


def test_ten_megabytes_are_refused_and_the_service_hears_nothing(
    sandbox: Sandbox, root: Browser
) -> None:
    with answering(sandbox, "admin", says(FRAMED)) as heard:
        assert root.open(method="POST", body=b"x" * 10_000_000).status == 413
    assert heard.requests == []


def test_the_machine_outside_sees_nothing_of_it(sandbox: Sandbox) -> None:
    assert sandbox.path(CGI).is_dir()
    assert not Path("/usr/local/cpanel").exists()
    assert not Path("/run/origin-pulls").exists()


def test_the_door_shows_a_form(sandbox: Sandbox) -> None:
    shown = Browser(sandbox, whm=True).ask("GET", "/")
    assert shown.status == 200
    assert 'name="pass"' in shown.text


def test_signing_in_answers_a_program_with_the_token(sandbox: Sandbox) -> None:
    shown = Browser(sandbox, whm=True).post_login("root")
    said = json.loads(shown.body)
    assert said["status"] == 1
    assert said["security_token"].startswith("/cpsess")
    assert "Secure" in str(shown.value("Set-Cookie"))


def test_signing_in_sends_a_person_home(sandbox: Sandbox) -> None:
    browser = Browser(sandbox, whm=True)
    form = f"user=root&pass={sandbox.passwords['root']}".encode()
    shown = browser.ask("POST", "/login/", form)
    assert shown.status == 303
    browser.cookie = str(shown.value("Set-Cookie")).partition(";")[0]
    assert f"{WHM_PAGE}" in browser.ask("GET", str(shown.value("Location"))).text


@pytest.mark.parametrize(
    ("user", "in_whm"),
    [("shop", True), ("root", False), ("closed", False), ("closed", True), ("nosuch", False)],
)
def test_who_does_not_belong_there_stays_outside(sandbox: Sandbox, user: str, in_whm: bool) -> None:
    assert Browser(sandbox, whm=in_whm).post_login(user).status == 401


def test_a_wrong_password_stays_outside(sandbox: Sandbox) -> None:
    assert Browser(sandbox, whm=True).post_login("root", "wrong").status == 401


def test_a_suspended_account_is_out_in_the_middle_of_its_session(sandbox: Sandbox) -> None:
    browser = Browser(sandbox, whm=False).sign_in("plain")
    assert browser.get("/").status == 200
    accounts.suspend(sandbox.layout, "plain")
    try:
        assert browser.open().status == 401
    finally:
        accounts.unsuspend(sandbox.layout, "plain")


def test_signing_out_ends_the_session(sandbox: Sandbox) -> None:
    browser = Browser(sandbox, whm=True).sign_in("root")
    assert browser.get("/logout/").status == 200
    assert browser.get("/").status == 401


def test_a_page_needs_token_and_cookie_of_one_session(sandbox: Sandbox, root: Browser) -> None:
    other = Browser(sandbox, whm=True).sign_in("root")
    assert root.ask("GET", WHM_PAGE).status == 401
    assert root.ask("GET", f"/cpsess0000000000{WHM_PAGE}").status == 401
    assert root.ask("GET", other.token + WHM_PAGE).status == 401
    assert root.ask("GET", root.token + WHM_PAGE, Cookie="x=y").status == 401


def test_a_session_of_one_panel_is_none_in_the_other(sandbox: Sandbox, shop: Browser) -> None:
    browser = Browser(sandbox, whm=True)
    browser.token, browser.cookie = shop.token, shop.cookie.replace("cpsession", "whostmgrsession")
    assert browser.open().status == 401
