"""After an update of the panel: what was taken away is found, and put back out of the release."""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
import struct
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from origin_pulls.actions import changing
from origin_pulls.engine import installation
from origin_pulls.engine.server import Server
from origin_pulls.model.installation import missing_hooks, wrong_registration
from origin_pulls.sandbox import Sandbox
from tests.conftest import standing
from tests.engine.test_together import agent_of, until
from tests.server_under_test import UnderTest

pytestmark = [pytest.mark.apache, pytest.mark.timeout(180)]

HOOK = Path(__file__).parents[2] / "appconfig/hooks/origin-pulls-hook"
CONF = """name=originpulls
service=whostmgr
url=/cgi/addons/originpulls/index.cgi
user=root
acls=all
displayname=Origin Pulls
entryurl=addons/originpulls/index.cgi
"""
TILE = {
    "id": "originpulls",
    "type": "link",
    "name": "Origin Pulls",
    "icon": "originpulls.png",
    "uri": "originpulls/index.live.php",
    "feature": "originpulls",
}
UNIT = "# Origin Pulls: a stand-in.\n"
SYSTEMD = ("-agent.service", "-check.service", "-check.timer", "-web-admin.socket")
BESIDE = (".tmpfiles", ".logrotate", ".completion")
# Stands for systemd: a unit is active, or enabled, where a file says so.
SYSTEMCTL = """#!/bin/sh
cd {folder} || exit 1
case $1 in
    is-active) cat "$2.active" 2>/dev/null || {{ echo inactive; exit 3; }} ;;
    is-enabled) cat "$2.enabled" 2>/dev/null || {{ echo disabled; exit 1; }} ;;
    start) echo active >"$2.active" ;;
esac
"""
ICON = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR" + struct.pack(">II", 48, 48)


def release(sandbox: Sandbox) -> None:
    """A release as an installation has it, with the least that belongs into a panel."""
    tree = sandbox.path("/opt/origin-pulls/releases/1/appconfig")
    for folder in ("whm", "cpanel", "hooks"):
        (tree / folder).mkdir(parents=True)
    (tree / "whm/index.cgi").write_text("#!/bin/sh\n")
    (tree / "whm/originpulls.svg").write_text("<svg/>")
    (tree / "whm/originpulls.conf").write_text(CONF)
    (tree / "cpanel/index.live.php").write_text("<?php\n")
    (tree / "cpanel/install.json").write_text(json.dumps([TILE]))
    (tree / "cpanel/originpulls.png").write_bytes(ICON)
    shutil.copy(HOOK, tree / "hooks")
    (tree.parent / "static").mkdir()
    (tree.parent / "static/pages.css").write_text(".op {}\n")
    (tree / "systemd").mkdir()
    for ending in (*SYSTEMD, *BESIDE):
        (tree / f"systemd/origin-pulls{ending}").write_text(UNIT)
    (tree.parent / "origin-pulls.8").write_text(".TH origin-pulls 8\n")
    (tree.parent / "venv/bin").mkdir(parents=True)
    (tree.parent / "venv/bin/origin-pulls").write_text("#!/bin/sh\n")
    states = sandbox.path("/run/units")
    states.mkdir(parents=True)
    for ending in SYSTEMD:
        (states / f"origin-pulls{ending}.enabled").write_text("enabled\n")
    systemctl = sandbox.path("/usr/bin/systemctl")
    systemctl.parent.mkdir(parents=True, exist_ok=True)
    systemctl.write_text(SYSTEMCTL.format(folder=states))
    systemctl.chmod(0o755)
    sandbox.path("/opt/origin-pulls/current").symlink_to(tree.parent)
    sandbox.path("/usr/local/cpanel/base/frontend/jupiter").mkdir(parents=True)
    sandbox.path("/etc/cagefs").mkdir()
    sandbox.path("/etc/cagefs/cagefs.mp").write_text("/run/mysqld\n")
    sandbox.path("/var/lib/origin-pulls").mkdir(parents=True)


@pytest.fixture(scope="module")
def one() -> Iterator[UnderTest]:
    """An installation that is whole, with one site enforced."""
    with standing() as sandbox:
        release(sandbox)
        under_test = UnderTest(sandbox)
        first = under_test.run("check-installation", "--repair")
        assert first.code == 0, (first.stdout, first.stderr)
        assert under_test.run("enforce", "acme.example", "--edge-ready").code == 0
        yield under_test


def parts(one: UnderTest, *, repair: bool = False) -> dict[str, str]:
    """The parts that are not simply good, with their states."""
    server = Server.of(one.config)
    try:
        found = installation.check(
            server,
            repair=repair,
            ask=lambda wish: changing.carry_out(one.config, wish, lambda _: None),
        )
    finally:
        server.store.close()
    return {part.name.partition(":")[0]: str(part.state) for part in found if part.said}


def test_what_is_whole_is_left_alone(one: UnderTest) -> None:
    assert one.run("check-installation").code == 0
    assert one.json("check-installation")["good"] is True
    place = one.config.whm_pages / "index.cgi"
    before = place.stat().st_ino
    assert parts(one, repair=True) == {}
    assert place.stat().st_ino == before


def removed(path: Path) -> None:
    path.unlink()


def edited(path: Path) -> None:
    path.write_text(path.read_text(errors="replace") + "\n# edited\n")


def led_astray(path: Path) -> None:
    path.unlink()
    path.symlink_to("/nowhere")


def opened(path: Path) -> None:
    path.chmod(0o777)


# The sheet of the stand-in release, under the name that the pages ask for.
SHEET = "pages-" + hashlib.sha256(b".op {}\n").hexdigest()[:12] + ".css"
PAGES = "/usr/local/cpanel/whostmgr/docroot"
JUPITER = "/usr/local/cpanel/base/frontend/jupiter"


@pytest.mark.parametrize(
    ("place", "harm", "name"),
    [
        (f"{PAGES}/cgi/addons/originpulls/index.cgi", removed, "page in WHM"),
        (f"{PAGES}/cgi/addons/originpulls/index.cgi", edited, "page in WHM"),
        (f"{PAGES}/cgi/addons/originpulls/index.cgi", opened, "page in WHM"),
        (f"{PAGES}/cgi/addons/originpulls/{SHEET}", removed, "static file"),
        (f"{PAGES}/addon_plugins/originpulls.svg", removed, "icon in WHM"),
        (f"{JUPITER}/originpulls/index.live.php", removed, "page in cPanel"),
        (f"{JUPITER}/assets/application_icons/originpulls.png", removed, "icon in cPanel"),
        (f"{JUPITER}/dynamicui/dynamicui_originpulls.conf", removed, "tile in cPanel (Jupiter)"),
        (
            f"{JUPITER}/dynamicui/dynamicui_originpulls.conf",
            lambda path: path.chmod(0o600),
            "tile in cPanel (Jupiter)",
        ),
        ("/var/cpanel/apps/originpulls.conf", removed, "registration in WHM (AppConfig)"),
        ("/var/cpanel/hooks.yaml", removed, "hooks"),
        ("/usr/local/cpanel/3rdparty/bin/origin-pulls-hook", edited, "hook"),
        ("/etc/cagefs/cagefs.mp", lambda path: path.write_text("/run/mysqld\n"), "CageFS"),
        ("/etc/origin-pulls/keys", opened, "permissions"),
        ("/usr/local/bin/origin-pulls", removed, "link"),
        ("/usr/local/bin/origin-pulls", led_astray, "link"),
        ("/etc/systemd/system/origin-pulls-check.timer", removed, "unit"),
        ("/etc/systemd/system/origin-pulls-agent.service", edited, "unit"),
        ("/etc/tmpfiles.d/origin-pulls.conf", removed, "folders at start"),
        ("/etc/logrotate.d/origin-pulls", edited, "rotation of logs"),
        ("/etc/bash_completion.d/origin-pulls", removed, "completion"),
        ("/usr/local/share/man/man8/origin-pulls.8", removed, "manual page"),
        ("/run/units/origin-pulls-web-admin.socket.active", removed, "at work"),
        ("/run/units/origin-pulls-check.timer.active", removed, "at work"),
        ("/etc/apache2/conf.d/userdata/ssl/2_4/acme/acme.example", shutil.rmtree, "include"),
        ("/etc/origin-pulls/trust/acme/acme.example.pem", removed, "include"),
    ],
)
def test_what_an_update_took_away_is_found_and_put_back(
    one: UnderTest, place: str, harm: Callable[[Path], object], name: str
) -> None:
    harm(one.sandbox.path(place))
    assert parts(one) == {name: "bad"}
    assert parts(one, repair=True) == {name: "repaired"}
    assert parts(one) == {}
    assert one.is_enforced("acme.example")
    assert one.is_sound()


def test_a_line_that_httpd_conf_lost_is_brought_back(one: UnderTest) -> None:
    conf = one.apache.paths.conf
    line = f'    Include "{one.include("acme", "acme.example").parent}/*.conf"\n'
    text = conf.read_text()
    assert line in text
    conf.write_text(text.replace(line, ""))
    assert parts(one) == {"include": "bad"}
    assert parts(one, repair=True) == {"include": "repaired"}
    assert one.is_enforced("acme.example")


def test_what_else_needs_attention_is_said_and_is_no_part(one: UnderTest) -> None:
    row = ("acme", "", "acme.example", "edge", "It stepped back to observe.", "2026-01-01")
    with closing(sqlite3.connect(one.config.store)) as store, store:
        store.execute("INSERT INTO attention VALUES (?,?,?,?,?,?)", row)
    ran = one.run("check-installation")
    with closing(sqlite3.connect(one.config.store)) as store, store:
        store.execute("DELETE FROM attention")
    assert ran.code == 0, ran
    assert "needs attention: acme.example: It stepped back to observe." in ran.stdout


def test_a_unit_that_somebody_switched_off_is_said_and_left(one: UnderTest) -> None:
    switch = one.sandbox.path("/run/units/origin-pulls-web-admin.socket.enabled")
    active = switch.with_suffix(".active")
    for file in (switch, active):
        file.unlink()
    ran = one.run("check-installation", "--repair")
    assert ran.code == 1
    assert "at work: origin-pulls-web-admin.socket: it is switched off" in ran.stdout
    assert "systemctl enable --now origin-pulls-web-admin.socket" in ran.stdout
    assert not active.exists()
    switch.write_text("enabled\n")
    assert parts(one, repair=True) == {"at work": "repaired"}


def test_a_program_in_the_place_of_the_link_is_said_and_left(one: UnderTest) -> None:
    link = one.config.program_link
    link.unlink()
    link.write_text("somebody's")
    assert parts(one, repair=True) == {"link": "not repaired"}
    assert link.read_text() == "somebody's"
    link.unlink()
    assert parts(one, repair=True) == {"link": "repaired"}


def test_a_symlink_in_the_place_of_a_page_is_not_followed(one: UnderTest) -> None:
    place = one.config.whm_pages / "index.cgi"
    other = one.root / "other"
    other.write_text("precious")
    place.unlink()
    place.symlink_to(other)
    assert parts(one, repair=True) == {"page in WHM": "repaired"}
    assert other.read_text() == "precious"
    assert not place.is_symlink()


def test_an_include_that_somebody_edited_is_said_and_left(one: UnderTest) -> None:
    place = one.include("acme", "acme.example")
    text = place.read_text()
    place.write_text(text + "# mine\n")
    ran = one.run("check-installation", "--repair")
    assert ran.code == 1
    assert "somebody edited its include" in ran.stdout
    assert place.read_text().endswith("# mine\n")
    place.write_text(text)
    assert parts(one) == {}


def test_it_keeps_out_of_an_installation_that_is_under_way(one: UnderTest) -> None:
    one.config.installation_under_way.touch()
    ran = one.run("check-installation", "--repair")
    one.config.installation_under_way.unlink()
    assert ran.code == 3
    assert "under way" in ran.stderr


def test_the_agent_looks_after_an_update_by_itself(one: UnderTest) -> None:
    page = one.config.whm_pages / "index.cgi"
    with agent_of(one):
        page.unlink()
        hook = one.sandbox.path("/usr/local/cpanel/3rdparty/bin/origin-pulls-hook")
        assert (
            one.sandbox.run(str(hook).removeprefix(str(one.root)), "--event=upcp").stdout == "1\n"
        )
        until(page.exists, "the page is back")


def test_without_a_release_it_says_so(fresh_sandbox: Sandbox) -> None:
    ran = UnderTest(fresh_sandbox).run("check-installation")
    assert ran.code == 3
    assert "no installed release" in ran.stderr


@pytest.mark.parametrize("answer", [None, [], {}, {"whostmgr": None}, {"whostmgr": [1, {}]}])
def test_an_answer_without_sense_is_no_registration(answer: object) -> None:
    assert wrong_registration({"service": "whostmgr", "name": "x"}, answer)


@pytest.mark.parametrize("listed", ["", "log line", "{}", '{"a": 1}', '{"a": {"b": [null]}}'])
def test_a_list_without_sense_misses_every_hook(listed: str) -> None:
    assert missing_hooks([("a", "b", "c")], listed) == ["a::b"]
