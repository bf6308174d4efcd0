"""What an installation lays into WHM and cPanel: read back, taken back when refused, mended."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from tests.install.machine import TOP, Machine

pytestmark = [pytest.mark.apache, pytest.mark.timeout(600)]

CPANEL = "/usr/local/cpanel"
JUPITER = f"{CPANEL}/base/frontend/jupiter"
HOOK = f"{CPANEL}/3rdparty/bin/origin-pulls-hook"
REGISTER = f"{CPANEL}/bin/register_appconfig"
DYNAMICUI = f"{JUPITER}/dynamicui/dynamicui_originpulls.conf"
SPRITES = f"{JUPITER}/assets/application_icons/sprites/icon_spritemap.json"
CAGEFS = "/etc/cagefs/cagefs.mp"
# How each refuses: with an error, or by saying that all is well and listing nothing.
REFUSALS = {
    "echo 'that is no ACL'; exit 1": "WHM does not take the registration",
    "echo 'originpulls registered'": "does not list it as it should",
}
# A caller's shell that is closed to others and points Python and pip somewhere else.
HOSTILE = ("sh", "-c", 'umask 077; cd /; exec "$@"', "sh")
SOCKET = "origin-pulls-web-admin.socket"
OF_SYSTEM = (
    *("/usr/local/bin/origin-pulls", "/usr/local/share/man/man8/origin-pulls.8"),
    *("/etc/logrotate.d/origin-pulls", "/etc/bash_completion.d/origin-pulls"),
    *("/etc/tmpfiles.d/origin-pulls.conf", "/etc/systemd/system/origin-pulls-check.timer"),
)
VOLATILE = ("/run", "/etc/apache2/logs", "/var/log", f"{CPANEL}/logs", "/var/lib", "/var/cpanel")


@pytest.fixture(scope="module")
def installed(server: Machine, release: Path, wheelhouse: Path) -> Machine:
    """A machine with everything installed; a refused installation came before it."""
    server.at("/etc/cagefs").mkdir()
    server.at(CAGEFS).write_text("/run/mysqld")  # a last line without an end
    register = server.at(REGISTER)
    program = register.read_text()
    before = server.files("/run", "/var/log", "/etc/apache2/logs", f"{CPANEL}/logs")
    for does, said in REFUSALS.items():
        register.write_text(f"#!/bin/sh\n{does}\n")
        ran = server.run(release / "install.sh", "--wheelhouse", wheelhouse)
        assert ran.code == 32, ran
        assert said in ran.stdout
    after = server.files("/run", "/var/log", "/etc/apache2/logs", f"{CPANEL}/logs")
    system = ("/etc/.pwd.lock", "/etc/passwd-", "/etc/group-", "/etc/shadow-", "/etc/gshadow-")
    changed = {path for path in before | after if before.get(path) != after.get(path)}
    register.write_text(program)
    # The settings that somebody wrote before stay as well.
    assert changed - {*system, "/etc/subuid-", "/etc/subgid-"} == {REGISTER}
    hostile = {"PYTHONPATH": "/nowhere", "PIP_CONFIG_FILE": "/nowhere", "PYTHONHOME": "/nowhere"}
    words = (release / "install.sh", "--wheelhouse", wheelhouse)
    server.good(*HOSTILE, *words, LC_ALL="tr_TR.UTF-8", **hostile)
    return server


def files_alone(machine: Machine) -> dict[str, str]:
    """The files of a machine, whatever modes their folders have."""
    found = machine.files(*VOLATILE)
    return {path: what for path, what in found.items() if not what.startswith("4")}


def test_whm_lists_the_page_and_it_answers(installed: Machine, release: Path) -> None:
    listed = installed.good(f"{CPANEL}/bin/whmapi1", "get_appconfig_application_list")
    assert "originpulls" in listed
    said = installed.good(release / "install.sh", "status")
    assert "the page in WHM: answers 200" in said
    assert "origin-pulls-web-account.service: answers" in said


def test_accounts_have_a_tile_and_a_feature(installed: Machine) -> None:
    assert installed.at(DYNAMICUI).stat().st_mode & 0o777 == 0o644
    assert "originpulls" in json.loads(installed.at(SPRITES).read_text())
    assert installed.at(f"{JUPITER}/originpulls/index.live.php").is_file()
    assert installed.at(f"{CPANEL}/whostmgr/addonfeatures/originpulls").is_file()


def test_pages_are_readable_whatever_umask_the_installer_was_started_with(
    installed: Machine,
) -> None:
    for folder in (f"{CPANEL}/whostmgr/docroot/cgi/addons/originpulls", f"{JUPITER}/originpulls"):
        assert installed.at(folder).stat().st_mode & 0o777 == 0o755
        modes = {
            path.stat().st_mode & 0o777
            for path in installed.at(folder).iterdir()
            if path.name != "index.cgi"
        }
        assert modes == {0o644}


def test_an_accounts_menu_is_made_anew_after_each_installation(
    installed: Machine, wheelhouse: Path
) -> None:
    """The panel keeps it until the time stamp of this file changes."""
    os.utime(installed.at(DYNAMICUI), (1, 1))
    installed.good("/opt/origin-pulls/current/install.sh", "--wheelhouse", wheelhouse)
    assert installed.at(DYNAMICUI).stat().st_mtime > 1
    assert installed.at(CAGEFS).read_text() == "/run/mysqld\n/run/origin-pulls/account\n"


def test_static_files_have_their_checksum_in_their_name(installed: Machine) -> None:
    for folder in (f"{CPANEL}/whostmgr/docroot/cgi/addons/originpulls", f"{JUPITER}/originpulls"):
        sheets = list(installed.at(folder).glob("*-????????????.css"))
        assert len(sheets) == len(list((TOP / "static").glob("*.css")))


def test_every_event_of_the_hook_is_registered(installed: Machine) -> None:
    described = json.loads(installed.good(HOOK, "--describe"))
    listed = installed.good(f"{CPANEL}/bin/manage_hooks", "list", "--output", "JSON")
    assert described
    assert [entry for entry in described if entry["event"] not in listed] == []


def test_what_a_panels_update_took_away_comes_back(installed: Machine) -> None:
    before = files_alone(installed)
    shutil.rmtree(installed.at(f"{CPANEL}/whostmgr/docroot/cgi/addons/originpulls"))
    shutil.rmtree(installed.at(f"{JUPITER}/originpulls"))
    installed.at(f"{JUPITER}/dynamicui/dynamicui_originpulls.conf").unlink()
    installed.at(HOOK).unlink()
    installed.at("/var/cpanel/apps/originpulls.conf").unlink()
    for path in OF_SYSTEM:
        installed.at(path).unlink()
    installed.good("systemctl", "stop", SOCKET)
    program = "/opt/origin-pulls/current/venv/bin/origin-pulls"  # its link is gone
    told = installed.run(program, "check-installation")
    assert told.code == 1
    assert [path for path in OF_SYSTEM if f": {path}: it is missing" not in told.stdout] == []
    installed.good(program, "check-installation", "--repair")
    for unit in (SOCKET, "origin-pulls-check.timer"):
        installed.good("systemctl", "is-active", unit)
    assert files_alone(installed) == before
    assert installed.at("/var/cpanel/apps/originpulls.conf").is_file()
