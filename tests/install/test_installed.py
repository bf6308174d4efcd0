"""What an installed server is like, and what an installer does on it that cannot go well."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest

from tests.documents import blocks, section
from tests.install.machine import Machine, tree
from tests.server_under_test import Ran, UnderTest

pytestmark = [pytest.mark.apache, pytest.mark.timeout(600)]

SITE = "blog.example"
_, BY_HAND = blocks(section("docs/OPERATING.md", "Roll back"))
CURRENT = "/opt/origin-pulls/current"
INSTALLER = f"{CURRENT}/install.sh"
PROGRAM = "/usr/local/bin/origin-pulls"
SCHEMA = "plugin/origin_pulls/store/schema.py"
NEW_SCHEMA = "\nMIGRATIONS = (*MIGRATIONS, 'CREATE TABLE later (a TEXT);\\n')\n"


@pytest.fixture(scope="module")
def installed(server: Machine, release: Path, wheelhouse: Path) -> Machine:
    """A machine with one version installed and one site enforced."""
    server.install(release, wheelhouse)
    server.good(PROGRAM, "enforce", SITE, "--edge-ready")
    return server


def current(machine: Machine) -> str:
    return machine.at(CURRENT).readlink().name


def upgraded(machine: Machine, source: Path, wheelhouse: Path) -> Ran:
    return machine.run(source / "install.sh", "upgrade", "--wheelhouse", wheelhouse)


def is_as_before(machine: Machine, version: str) -> None:
    """This version runs and answers, nothing is under way, the site is enforced."""
    assert current(machine) == version
    assert not machine.at("/opt/origin-pulls/under-way").exists()
    machine.good(INSTALLER, "status")
    machine.good(PROGRAM, "prove", SITE)
    assert UnderTest(machine.sandbox).is_enforced(SITE)


def test_the_agent_carries_out_what_the_program_asks(installed: Machine) -> None:
    log = installed.at("/run/init-origin-pulls-agent.service.log")
    before = log.read_text().count("proving")
    installed.good(PROGRAM, "observe", "shop.example")
    assert UnderTest(installed.sandbox).is_enforced(SITE)
    assert log.read_text().count("proving") > before


def test_folders_and_files_have_their_modes(installed: Machine) -> None:
    group = int(installed.good("getent", "group", "origin-pulls").split(":")[2])
    wanted = {
        "/opt/origin-pulls/releases": (0o755, 0, 0),
        "/etc/origin-pulls": (0o755, 0, 0),
        "/etc/origin-pulls/keys": (0o700, 0, 0),
        "/var/lib/origin-pulls": (0o2755, 0, group),
        "/var/lib/origin-pulls/journal": (0o700, 0, 0),
        "/var/log/origin-pulls": (0o750, 0, group),
        "/run/origin-pulls": (0o755, 0, 0),
        "/run/origin-pulls/admin": (0o700, 0, 0),
        "/run/origin-pulls/account": (0o755, 0, 0),
        "/run/origin-pulls/agent": (0o2750, 0, group),
        "/run/origin-pulls/agent/agent.sock": (0o660, 0, group),
        "/var/lib/origin-pulls/store.sqlite": (0o640, 0, group),
    }
    found = {path: installed.at(path).stat() for path in wanted}
    modes = {
        path: (status.st_mode & 0o7777, status.st_uid, status.st_gid)
        for path, status in found.items()
    }
    assert modes == wanted


def test_nobody_but_root_may_write_anything_of_a_release(installed: Machine) -> None:
    open_to_others = [
        path
        for path in installed.at("/opt/origin-pulls").rglob("*")
        if not path.is_symlink() and (path.stat().st_mode & 0o022 or path.stat().st_uid)
    ]
    assert open_to_others == []


def test_a_version_that_cannot_be_built_is_never_switched_to(
    installed: Machine, trees: Path, wheelhouse: Path
) -> None:
    changes = {"plugin/origin_pulls/cli/__init__.py": "\nraise SystemExit(7)\n"}
    before = current(installed)
    ran = upgraded(installed, tree(trees / "unbuilt", "1.3.0", changes), wheelhouse)
    assert ran.code == 31, ran
    assert "does not start" in ran.stderr
    assert not installed.at("/opt/origin-pulls/releases/1.3.0").exists()
    is_as_before(installed, before)


def test_two_installers_do_not_meet(installed: Machine, release: Path) -> None:
    words = installed.words("flock", "/opt", "sh", "-c", "echo held; read line")
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holding:
        assert holding.stdout is not None
        assert holding.stdout.readline() == b"held\n"
        ran = installed.run(release / "install.sh", "rollback")
        holding.communicate(b"\n")
    assert ran.code == 20
    assert "Another installer runs" in ran.stderr


def test_the_services_of_a_stopped_machine_are_noticed(installed: Machine) -> None:
    installed.good("systemctl", "stop", "origin-pulls-agent.service")
    ran = installed.run(INSTALLER, "status", ORIGIN_PULLS_PATIENCE="0.1")
    installed.good("systemctl", "start", "origin-pulls-agent.service")
    assert ran.code == 1
    assert "origin-pulls-agent.service: inactive" in ran.stdout
    end = time.monotonic() + 60
    while not installed.at("/run/origin-pulls/agent/agent.sock").exists():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_the_units_are_sound(installed: Machine) -> None:
    units = sorted(installed.at("/etc/systemd/system").glob("origin-pulls-*"))
    inner = [f"/etc/systemd/system/{unit.name}" for unit in units]
    ran = installed.run("/usr/bin/systemd-analyze", "verify", "--recursive-errors=no", *inner)
    assert (ran.code, ran.stdout, ran.stderr) == (0, "", "")


def test_the_version_that_runs_is_never_taken_away_when_it_does_not_answer(
    installed: Machine, wheelhouse: Path
) -> None:
    """Neither by installing it again, nor where its first installation was cut off once."""
    version = current(installed)
    config = installed.at("/etc/origin-pulls/config.yaml")
    text = config.read_text()
    for under_way in ("", "action=install\nbefore=\n"):
        config.write_text(f"{text}nonsense: 1\n")
        if under_way:
            installed.at("/opt/origin-pulls/under-way").write_text(under_way)
        begun = time.monotonic()
        ran = installed.run(INSTALLER, "--wheelhouse", wheelhouse)
        took = time.monotonic() - begun
        config.write_text(text)
        assert ran.code == 33, ran
        assert "nothing was removed, and sites are as they were" in ran.stderr
        assert "origin-pulls-web-account.service: has failed" in ran.stdout
        assert took < 60, "a unit that systemd gave up is waited for"
        assert current(installed) == version
        assert UnderTest(installed.sandbox).is_enforced(SITE)
    installed.good(INSTALLER, "--wheelhouse", wheelhouse)
    is_as_before(installed, version)


def test_a_version_that_cannot_read_the_store_is_not_gone_back_to(
    installed: Machine, release: Path, trees: Path, wheelhouse: Path
) -> None:
    newer = tree(trees / "new-schema", "2.0.0", {SCHEMA: NEW_SCHEMA})
    assert upgraded(installed, newer, wheelhouse).code == 0
    ran = installed.run(INSTALLER, "rollback")
    assert ran.code == 35, ran
    copy = "/var/lib/origin-pulls/store-before-2.0.0.sqlite"
    assert f"The store of then is {copy}" in ran.stderr
    is_as_before(installed, "2.0.0")
    ran = upgraded(installed, release, wheelhouse)
    assert ran.code == 35, ran
    assert "1.0.0 cannot read the store: a newer version wrote it" in ran.stderr
    is_as_before(installed, "2.0.0")
    # As the page says it, for who must all the same.
    installed.good("bash", "-e", "-c", f"cd {release}\n{BY_HAND}")
    is_as_before(installed, "1.0.0")
