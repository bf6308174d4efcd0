"""What an installation lays into WHM and cPanel: read back, taken back when refused, mended."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.install.machine import TOP, Machine

pytestmark = [
    pytest.mark.apache,
    pytest.mark.timeout(600),
    pytest.mark.skipif(
        not (TOP / "appconfig/whm/originpulls.conf").exists()
        or not (TOP / "appconfig/hooks").is_dir(),
        reason="this tree has no pages or hooks to install yet",
    ),
]

CPANEL = "/usr/local/cpanel"
JUPITER = f"{CPANEL}/base/frontend/jupiter"
HOOK = f"{CPANEL}/3rdparty/bin/origin-pulls-hook"
REGISTER = f"{CPANEL}/bin/register_appconfig"
VOLATILE = ("/run", "/etc/apache2/logs", "/var/log", f"{CPANEL}/logs", "/var/lib", "/var/cpanel")


@pytest.fixture(scope="module")
def installed(server: Machine, release: Path, wheelhouse: Path) -> Machine:
    """A machine with everything installed; a refused installation came before it."""
    register = server.at(REGISTER)
    program = register.read_text()
    register.write_text("#!/bin/sh\necho 'that is no ACL'\nexit 1\n")
    before = server.files("/run", "/var/log", "/etc/apache2/logs", f"{CPANEL}/logs")
    ran = server.run(release / "install.sh", "--wheelhouse", wheelhouse)
    register.write_text(program)
    after = server.files("/run", "/var/log", "/etc/apache2/logs", f"{CPANEL}/logs")
    assert ran.code == 32, ran
    assert "WHM does not take the registration" in ran.stdout
    system = ("/etc/.pwd.lock", "/etc/passwd-", "/etc/group-", "/etc/shadow-", "/etc/gshadow-")
    changed = {path for path in before | after if before.get(path) != after.get(path)}
    assert changed - {*system, REGISTER, "/etc/subuid-", "/etc/subgid-"} <= {
        "/etc/origin-pulls",
        "/etc/origin-pulls/config.yaml",
    }
    config = server.at("/etc/origin-pulls/config.yaml")
    config.parent.mkdir(exist_ok=True)
    config.write_text(f"public_https_port: {server.sandbox.https_port}\n")
    server.good(release / "install.sh", "--wheelhouse", wheelhouse)
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
    tile = installed.at(f"{JUPITER}/dynamicui/dynamicui_originpulls.conf")
    assert tile.stat().st_mode & 0o777 == 0o644
    assert installed.at(f"{JUPITER}/originpulls/index.live.php").is_file()
    assert installed.at(f"{CPANEL}/whostmgr/addonfeatures/originpulls").is_file()


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
    installed.good("/usr/local/bin/origin-pulls", "check-installation", "--repair")
    assert files_alone(installed) == before
    assert installed.at("/var/cpanel/apps/originpulls.conf").is_file()
