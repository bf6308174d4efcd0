"""The panel's programs for plugins and accounts, their traps included."""

from __future__ import annotations

import json
import shutil
import struct
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from origin_pulls.sandbox import Sandbox, switches
from origin_pulls.sandbox.visitor import ask
from tests.conftest import standing

pytestmark = [pytest.mark.apache, pytest.mark.timeout(120)]

BIN = "/usr/local/cpanel/bin"
SCRIPTS = "/usr/local/cpanel/scripts"
HOOK = Path(__file__).parents[2] / "appconfig/hooks/origin-pulls-hook"
CONF = """name=sample
service=whostmgr
url=/cgi/addons/sample/index.cgi
user=root
acls=all,no-such-acl
displayname=Sample
entryurl=addons/sample/index.cgi
"""
TILE = {"id": "sample", "type": "link", "name": "Sample", "uri": "sample/", "icon": "sample.png"}


@pytest.fixture(scope="module")
def panel() -> Iterator[Sandbox]:
    """A panel with our hook registered."""
    with standing() as one:
        (one.directory / "var/lib/origin-pulls").mkdir(parents=True, exist_ok=True)
        place = one.path(f"{BIN[:-4]}/3rdparty/bin/origin-pulls-hook")
        place.parent.mkdir(parents=True)
        shutil.copy(HOOK, place)
        assert one.run(f"{BIN}/manage_hooks", "add", "script", str(place)).returncode == 0
        yield one


def call(one: Sandbox, name: str, **given: str) -> dict[str, Any]:
    """A WHM API call that must go well; its data."""
    words = [f"{key}={value}" for key, value in given.items()]
    done = one.run(f"{BIN}/whmapi1", "--output=json", name, *words)
    answer: dict[str, Any] = json.loads(done.stdout)
    assert answer["metadata"]["result"] == 1, answer
    found: dict[str, Any] = answer["data"]
    return found


def events(one: Sandbox) -> list[str]:
    """What the hook noted since it was asked last, without the rebuilds."""
    found = []
    for path in sorted(one.path("/var/lib/origin-pulls/spool").glob("*.event")):
        lines = dict(line.split(" ", 1) for line in path.read_text().splitlines())
        found.append(" ".join(lines[key] for key in ("event", "user", "newuser") if key in lines))
        path.unlink()
    return [event for event in found if event != "build_apache_conf"]


def test_an_application_is_registered_read_back_and_forgotten(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    conf = tmp_path / "sample.conf"
    conf.write_text(CONF)
    done = sandbox.run(f"{BIN}/register_appconfig", str(conf))
    assert (done.returncode, done.stdout) == (0, "sample registered\n")
    assert sandbox.path("/var/cpanel/apps/sample.conf").stat().st_mode & 0o777 == 0o600
    (listed,) = call(sandbox, "get_appconfig_application_list")["whostmgr"]
    assert listed["acls"] == ["all"], "an ACL that does not exist is dropped without a word"
    assert listed["entryurl"] == "addons/sample/index.cgi"
    asked = f"{BIN}/is_registered_with_appconfig"
    assert sandbox.run(asked, "whostmgr", "sample").returncode == 0
    assert sandbox.run(f"{BIN}/unregister_appconfig", "sample").returncode == 0
    assert sandbox.run(f"{BIN}/unregister_appconfig", "sample").returncode == 1
    assert sandbox.run(asked, "whostmgr", "sample").returncode == 1


@pytest.mark.parametrize(
    ("line", "other"),
    [
        ("name=sample", "name=a sample"),
        ("service=whostmgr", "service=whm"),
        ("url=/cgi/addons/sample/index.cgi", "url=cgi/x.cgi"),
        ("url=/cgi/addons/sample/index.cgi", "url=/"),
        ("url=/cgi/addons/sample/index.cgi", "url=/cgi"),
        ("service=whostmgr", "service=cpanel"),
    ],
)
def test_a_configuration_against_the_rules_is_refused(
    sandbox: Sandbox, tmp_path: Path, line: str, other: str
) -> None:
    conf = tmp_path / "sample.conf"
    conf.write_text(CONF.replace(line, other))
    assert sandbox.run(f"{BIN}/register_appconfig", str(conf)).returncode == 1
    assert not sandbox.path("/var/cpanel/apps/sample.conf").exists()


def icon(path: Path, size: int = 48) -> None:
    head = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + b"IHDR" + struct.pack(">II", size, size)
    path.write_bytes(head)


@pytest.mark.parametrize("is_archive", [False, True])
def test_a_plugin_gets_its_tile_and_its_feature(
    sandbox: Sandbox, tmp_path: Path, is_archive: bool
) -> None:
    folder = tmp_path / "plugin"
    folder.mkdir()
    (folder / "install.json").write_text(json.dumps([{**TILE, "feature": "sample"}]))
    icon(folder / "sample.png")
    place = folder
    if is_archive:
        place = tmp_path / "plugin.tar.gz"
        with tarfile.open(place, "w:gz") as archive:
            archive.add(folder, "plugin")
    done = sandbox.run(f"{SCRIPTS}/install_plugin", str(place), "--theme=jupiter")
    assert (done.returncode, done.stdout) == (0, "Plugin installed ok\n")
    tile = sandbox.path("/usr/local/cpanel/base/frontend/jupiter/dynamicui/dynamicui_sample.conf")
    assert json.loads(tile.read_text())["id"] == "sample"
    asked = {"user": "shop", "feature": "sample"}
    assert call(sandbox, "verify_user_has_feature", **asked)["has_feature"] == 1
    switches.turn(sandbox.layout, features=False)
    assert call(sandbox, "verify_user_has_feature", **asked)["has_feature"] == 0
    switches.turn(sandbox.layout, features=True)
    (folder / "sample.png").rename(folder / "hidden.png")
    silent = sandbox.run(f"{SCRIPTS}/uninstall_plugin", str(folder))
    assert (silent.returncode, silent.stdout, tile.exists()) == (0, "", True)
    (folder / "hidden.png").rename(folder / "sample.png")
    assert sandbox.run(f"{SCRIPTS}/uninstall_plugin", str(folder)).returncode == 0
    assert not tile.exists()


def test_the_sheet_shows_icons_of_the_right_size_only(sandbox: Sandbox) -> None:
    folder = sandbox.path("/usr/local/cpanel/base/frontend/jupiter/assets/application_icons")
    folder.mkdir(parents=True)
    icon(folder / "good.png")
    icon(folder / "large.png", 512)
    words = ("--application=cpanel", "--theme=jupiter")
    assert sandbox.run(f"{BIN}/sprite_generator", *words).returncode == 0
    assert json.loads((folder / "sprites/icon_spritemap.json").read_text()) == ["good"]


def test_adding_a_hook_twice_registers_it_twice_and_a_lost_script_stays(
    fresh_sandbox: Sandbox,
) -> None:
    place = fresh_sandbox.path("/usr/local/cpanel/3rdparty/bin/hook")
    place.parent.mkdir(parents=True)
    shutil.copy(HOOK, place)
    manage = f"{BIN}/manage_hooks"

    def count() -> int:
        listed = json.loads(fresh_sandbox.run(manage, "list", "--output", "JSON").stdout)
        return len(listed.get("Whostmgr", {}).get("Accounts::Create", []))

    for expected in (1, 2):
        assert fresh_sandbox.run(manage, "add", "script", str(place)).returncode == 0
        assert count() == expected
    assert fresh_sandbox.run(manage, "delete", "script", str(place)).returncode == 0
    assert count() == 0
    fresh_sandbox.run(manage, "add", "script", str(place))
    place.unlink()
    assert fresh_sandbox.run(manage, "delete", "script", str(place)).returncode == 1
    assert count() == 1
    assert fresh_sandbox.run(manage, "prune").returncode == 0
    assert count() == 0


def test_the_life_of_an_account_changes_its_files_and_runs_the_hooks(panel: Sandbox) -> None:
    events(panel)
    call(panel, "createacct", username="fresh", domain="fresh.example", password="x1y2z3")
    call(panel, "start_autossl_check_for_one_user", username="fresh")
    assert ask(panel, "fresh.example").body == "<h1>fresh.example</h1>\n"
    call(panel, "create_subdomain", domain="a.fresh.example")
    addon = {"username": "fresh", "domain": "added.example", "web_vhost_domain": "added"}
    call(panel, "create_parked_domain_for_user", **addon)
    call(panel, "create_parked_domain_for_user", username="fresh", domain="parked.example")
    call(panel, "installssl", domain="a.fresh.example")
    assert ask(panel, "a.fresh.example").status == 200
    assert events(panel) == [
        "Accounts::Create fresh",
        "AutoSSL::installssl fresh",
        "Domain::addsubdomain fresh",
        "Domain::addsubdomain fresh",
        "Domain::park fresh",
        "Domain::park fresh",
        "SSL::installssl fresh",
    ]
    conf = panel.layout.httpd_conf.read_text()
    assert "ServerName added.fresh.example" in conf
    assert "parked.example" in conf
    number = panel.accounts["fresh"]["uid"]
    call(panel, "modifyacct", user="fresh", newuser="renamed")
    assert panel.accounts["renamed"]["uid"] == number
    assert "fresh" not in panel.accounts
    assert ask(panel, "a.fresh.example").status == 200
    call(panel, "suspendacct", user="renamed", reason="unpaid")
    assert panel.accounts["renamed"]["suspended"] is True
    call(panel, "unsuspendacct", user="renamed")
    call(panel, "delete_domain", domain="a.fresh.example")
    call(panel, "delete_ssl_vhost", domain="fresh.example")
    call(panel, "removeacct", username="renamed")
    assert events(panel) == [
        "Accounts::Modify fresh renamed",
        "Accounts::suspendacct renamed",
        "Accounts::unsuspendacct renamed",
        "Domain::delsubdomain renamed",
        "SSL::delssl",
        "Accounts::Remove renamed",
    ]
    assert "renamed" not in panel.layout.httpd_conf.read_text()
    assert not panel.path("/home/renamed").exists()


def test_a_hook_that_fails_is_logged_and_stops_nothing(fresh_sandbox: Sandbox) -> None:
    place = fresh_sandbox.path("/usr/local/cpanel/3rdparty/bin/bad")
    place.parent.mkdir(parents=True)
    place.write_text("#!/bin/sh\ncat >/dev/null\necho complaint >&2\necho '0 no'\n")
    place.chmod(0o755)
    words = ("--manual", "--category", "Whostmgr", "--event", "Accounts::Modify")
    done = fresh_sandbox.run(f"{BIN}/manage_hooks", "add", "script", str(place), *words)
    assert done.returncode == 0
    assert call(fresh_sandbox, "modifyacct", user="plain")["hooks"] == ["0 no"]
    assert "complaint" in fresh_sandbox.path("/usr/local/cpanel/logs/error_log").read_text()


def test_calls_that_mean_nothing_say_so(sandbox: Sandbox) -> None:
    for name, *given in (
        ("removeacct", "username=nobody-there"),
        ("createacct", "username=shop", "domain=x.example"),
        ("modifyacct", "user=shop", "newuser=blog"),
        ("delete_domain", "domain=shop.example"),
        ("create_subdomain", "domain=blog.shop.example"),
    ):
        done = sandbox.run(f"{BIN}/whmapi1", "--output=json", name, *given)
        assert json.loads(done.stdout)["metadata"]["result"] == 0, name
