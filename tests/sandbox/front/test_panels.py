"""The sandbox's WHM and cPanel do what cpsrvd is documented to do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from origin_pulls.sandbox import Sandbox, accounts, files, switches
from origin_pulls.sandbox.front import features
from tests.bridges.scripted import FRAMED, Heard, Play, says, service
from tests.conftest import standing
from tests.sandbox.front.browser import CPANEL_PAGE, WHM_PAGE, Browser, Shown

pytestmark = pytest.mark.apache

CGI = "/usr/local/cpanel/whostmgr/docroot/cgi"
CPANEL_PAGE_FILE = "/usr/local/cpanel/base" + CPANEL_PAGE
PEEK = """<?php
$number = 0;
@stream_socket_client('unix:///run/origin-pulls/admin/web.sock', $number, $reason, 5);
echo $reason;
"""
DUMP = "#!/bin/sh\necho 'Content-Type: text/plain'\necho \"X-Uid: $(id -u)\"\necho\nenv\ncat\n"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """One sandbox with its panels for all tests here: leave it as you found it."""
    with standing(front=True) as one:
        yield one


@pytest.fixture(scope="module")
def root(sandbox: Sandbox) -> Browser:
    """Root in WHM."""
    return Browser(sandbox, whm=True).sign_in("root")


@pytest.fixture(scope="module")
def shop(sandbox: Sandbox) -> Browser:
    """The account ``shop`` in cPanel."""
    return Browser(sandbox, whm=False).sign_in("shop")


@contextmanager
def answering(sandbox: Sandbox, side: str, *plays: Play) -> Iterator[Heard]:
    """A scripted web service on one of the two sockets."""
    folder = files.folder(sandbox.path(f"/run/origin-pulls/{side}"))
    with service(folder / "web.sock", *plays) as heard:
        yield heard


@contextmanager
def turned(sandbox: Sandbox, **positions: object) -> Iterator[None]:
    """Some switches in another position for a while."""
    before = switches.read(sandbox.layout)
    switches.turn(sandbox.layout, **positions)
    try:
        yield
    finally:
        switches.turn(sandbox.layout, **{name: getattr(before, name) for name in positions})


@contextmanager
def cgi(
    sandbox: Sandbox, text: str = DUMP, *, acls: str = "all", mode: int = 0o755
) -> Iterator[str]:
    """Another application in WHM, registered while this lasts."""
    script, conf = sandbox.path(f"{CGI}/other.cgi"), sandbox.path("/var/cpanel/apps/other.conf")
    files.lay(script, text, mode=mode)
    files.lay(conf, f"name=other\nservice=whostmgr\nurl=/cgi/other.cgi\nacls={acls}\n")
    try:
        yield "/cgi/other.cgi"
    finally:
        script.unlink()
        conf.unlink()


def environment(shown: Shown) -> dict[str, str]:
    """What a dumping CGI found."""
    return dict(line.split("=", 1) for line in shown.text.splitlines() if "=" in line)


# -- the way through ----------------------------------------------------------------------


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


# -- signing in ---------------------------------------------------------------------------


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


# -- the token ----------------------------------------------------------------------------


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


# -- what may be run ----------------------------------------------------------------------


def test_an_unregistered_script_is_refused_to_root_too(sandbox: Sandbox, root: Browser) -> None:
    script = sandbox.path(f"{CGI}/unknown.cgi")
    files.lay(script, DUMP, mode=0o755)
    try:
        assert root.get("/cgi/unknown.cgi").status == 403
    finally:
        script.unlink()


@pytest.mark.parametrize("after", ["/", "/vhosts"])
def test_nothing_is_routed_after_a_scripts_name(root: Browser, after: str) -> None:
    assert root.get(WHM_PAGE + after).status == 404


@pytest.mark.parametrize(
    "path",
    [
        "/cgi/addons/originpulls/../originpulls/index.cgi",
        "/cgi/addons/originpulls/%2e%2e/originpulls/index.cgi",
        "/cgi//addons/originpulls/index.cgi",
        "/cgi/addons/originpulls/index.cgi%00",
        "/../../../../etc/passwd",
    ],
)
def test_a_crooked_path_leads_nowhere(root: Browser, path: str) -> None:
    assert root.get(path).status == 404


def test_a_reseller_without_the_privilege_is_refused(sandbox: Sandbox) -> None:
    browser = Browser(sandbox, whm=True).sign_in("reseller1")
    assert browser.open().status == 403
    assert WHM_PAGE not in browser.get("/").text


def test_one_of_the_acls_is_enough(sandbox: Sandbox) -> None:
    browser = Browser(sandbox, whm=True).sign_in("reseller1")
    with cgi(sandbox, acls="edit-account,list-accts") as path:
        assert environment(browser.get(path))["REMOTE_USER"] == "reseller1"
    with cgi(sandbox, acls="edit-account") as path:
        assert browser.get(path).status == 403


def test_behind_a_careless_registration_the_bridge_still_refuses(sandbox: Sandbox) -> None:
    browser = Browser(sandbox, whm=True).sign_in("reseller1")
    conf = sandbox.path("/var/cpanel/apps/originpulls.conf")
    before = conf.read_text()
    conf.write_text(before.replace("acls=all", "acls=any"))
    try:
        with answering(sandbox, "admin", says(FRAMED)) as heard:
            shown = browser.open()
    finally:
        conf.write_text(before)
    assert shown.status == 403
    assert "Only root" in shown.text
    assert heard.requests == []


def test_a_script_that_is_not_executable_is_refused(sandbox: Sandbox, root: Browser) -> None:
    with cgi(sandbox, mode=0o644) as path:
        assert root.get(path).status == 403


@pytest.mark.parametrize("text", ["#!/bin/sh\nexit 1\n", "#!/bin/sh\necho hello\n"])
def test_a_script_that_says_nothing_useful_is_a_500(
    sandbox: Sandbox, root: Browser, text: str
) -> None:
    with cgi(sandbox, text) as path:
        assert root.get(path).status == 500


def test_an_account_opens_pages_of_its_theme_alone(shop: Browser) -> None:
    assert shop.get("/frontend/paper_lantern/originpulls/index.live.php").status in (403, 404)
    assert shop.get(WHM_PAGE).status == 404
    assert shop.get("/frontend/jupiter/originpulls/install.json").status == 404


# -- what a script finds ------------------------------------------------------------------


def test_a_script_finds_the_documented_environment(sandbox: Sandbox, root: Browser) -> None:
    with cgi(sandbox) as path:
        shown = root.ask("POST", f"{root.token}{path}?a=1", b"b=2")
        found = environment(shown)
    assert shown.value("X-Uid") == "0"
    assert found["REMOTE_USER"] == "root"
    assert found["REMOTE_ADDR"] == "127.0.0.1"
    assert found["QUERY_STRING"] == "a=1"
    assert found["CONTENT_LENGTH"] == "3"
    assert found["cp_security_token"] == root.token
    assert found["SCRIPT_NAME"] == path
    assert found["HTTPS"] == "on"
    assert root.cookie in found["HTTP_COOKIE"]
    assert shown.text.endswith("b=2")


def test_authorization_never_arrives_and_custom_headers_by_the_switch(
    sandbox: Sandbox, root: Browser
) -> None:
    sent = {"Authorization": "Basic eDp5", "X_Custom": "here"}
    with cgi(sandbox) as path:
        lost = environment(root.get(path, **sent))
        with turned(sandbox, front_headers="kept"):
            kept = environment(root.get(path, **sent))
    assert "HTTP_X_CUSTOM" not in lost
    assert kept["HTTP_X_CUSTOM"] == "here"
    assert "HTTP_AUTHORIZATION" not in kept


def test_a_page_that_forgets_the_liveapi_gets_a_complaint_below(
    sandbox: Sandbox, shop: Browser
) -> None:
    page = sandbox.path(CPANEL_PAGE_FILE.replace("index", "careless"))
    files.lay(page, "<?php echo '<p>careless</p>';\n")
    try:
        shown = shop.get(CPANEL_PAGE.replace("index", "careless"))
    finally:
        page.unlink()
    assert "<p>careless</p>" in shown.text
    assert "LiveAPI" in shown.text


# -- features, static files, switches -----------------------------------------------------


def test_the_feature_manager_decides_who_sees_the_tile(sandbox: Sandbox, shop: Browser) -> None:
    assert CPANEL_PAGE in shop.get("/").text
    features.turn(sandbox.layout, "default", "originpulls", is_on=False)
    try:
        assert CPANEL_PAGE not in shop.get("/").text
    finally:
        features.turn(sandbox.layout, "default", "originpulls", is_on=True)


@pytest.mark.parametrize("is_whm", [True, False])
def test_static_files_need_the_token_by_the_switch_alone(
    sandbox: Sandbox, root: Browser, shop: Browser, is_whm: bool
) -> None:
    browser = root if is_whm else shop
    path = "/themes/sandbox/whm.css" if is_whm else "/frontend/jupiter/sandbox/jupiter.css"
    assert browser.ask("GET", path).value("Content-Type") == "text/css"
    with turned(sandbox, front_static_token=True):
        assert browser.ask("GET", path).status == 401
        assert browser.get(path).status == 200


def test_a_symlink_is_no_static_file(sandbox: Sandbox, root: Browser) -> None:
    link = sandbox.path(f"{CGI}/addons/originpulls/passwords.css")
    link.symlink_to(sandbox.directory / "sandbox-passwords.json")
    try:
        assert root.get("/cgi/addons/originpulls/passwords.css").status == 403
    finally:
        link.unlink()


def test_a_content_type_may_get_lost(sandbox: Sandbox, root: Browser) -> None:
    with cgi(sandbox) as path, turned(sandbox, front_content_type="lost"):
        shown = root.get(path)
    assert str(shown.value("Content-Type")).startswith("text/html")
    assert shown.value("X-Content-Type-Options") == "nosniff"


def test_a_redirect_may_get_lost(sandbox: Sandbox, root: Browser) -> None:
    answer = b'HTTP/1.0 303 See Other\r\nLocation: ?r=/x\r\n\r\n<a href="?r=/x">on</a>'
    with answering(sandbox, "admin", says(answer)), turned(sandbox, front_redirects="lost"):
        shown = root.open(method="POST", body=b"a=1")
    assert (shown.status, shown.value("Location")) == (200, None)
    assert 'href="?r=/x"' in shown.text


def test_the_body_of_an_error_may_get_lost(sandbox: Sandbox, root: Browser) -> None:
    answer = FRAMED.replace(b"200 OK", b"404 Not Found")
    with (
        answering(sandbox, "admin", says(answer, b"<p>mine</p>")),
        turned(sandbox, front_error_bodies="replaced"),
    ):
        shown = root.open()
    assert shown.status == 404
    assert "<p>mine</p>" not in shown.text


@pytest.mark.parametrize("frame", ["template", "functions", "none"])
def test_whms_frame_may_come_in_three_ways(sandbox: Sandbox, root: Browser, frame: str) -> None:
    with (
        answering(sandbox, "admin", says(FRAMED, b"<p>mine</p>")),
        turned(sandbox, front_frame=frame),
    ):
        shown = root.open()
    assert "<p>mine</p>" in shown.text
    assert ("whm-menu" in shown.text) == (frame != "none")


def test_an_account_page_may_find_no_liveapi(sandbox: Sandbox, shop: Browser) -> None:
    with (
        answering(sandbox, "account", says(FRAMED, b"<p>mine</p>")),
        turned(sandbox, front_liveapi=False),
    ):
        shown = shop.open()
    assert "<p>mine</p>" in shown.text
    assert "cp-top" not in shown.text
