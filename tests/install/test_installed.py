"""What an installed server is like, and what an installer does on it that cannot go well."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path

import pytest

from tests.documents import blocks, section
from tests.install.killing import interrupted_at
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


# The machine's own log is not to be had; this stands for it.
JOURNALCTL = "/usr/local/sbin/journalctl"
LOG = '#!/bin/sh\necho "the last words of $2"\n'


@pytest.fixture(scope="module")
def newer(trees: Path) -> Path:
    """A version that changes the store's form."""
    return tree(trees / "new-schema", "2.0.0", {SCHEMA: NEW_SCHEMA})


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


def test_what_is_installed_may_be_looked_at_and_installed_again_from_its_own_folder(
    installed: Machine,
) -> None:
    """It has no wheels any more, and needs neither them nor a network."""
    version = current(installed)
    for words in (("--check",), ("--dry-run",), ("upgrade", "--check"), ("upgrade", "--dry-run")):
        said = installed.good(INSTALLER, *words)
        assert "files are as released" in said
        assert "wheelhouse: none is needed" in said
        is_plan = "--dry-run" in words
        assert ("build nothing" in said) == is_plan
        assert ("leave it /opt/origin-pulls/current, as it is" in said) == is_plan
    said = installed.good(INSTALLER, "upgrade")
    assert f"Installing {version} once more" in said
    is_as_before(installed, version)


def test_what_is_installed_and_was_changed_since_is_not_installed_from(installed: Machine) -> None:
    added = installed.at(f"/opt/origin-pulls/releases/{current(installed)}/static/evil.css")
    added.write_text("evil")
    ran = installed.run(INSTALLER, "--check")
    added.unlink()
    assert ran.code == 18, ran
    assert "./static/evil.css" in ran.stderr


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
    words = installed.words(
        "flock", "/run/origin-pulls.install.lock", "sh", "-c", "echo held; read line"
    )
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holding:
        assert holding.stdout is not None
        assert holding.stdout.readline() == b"held\n"
        ran = installed.run(release / "install.sh", "rollback")
        holding.communicate(b"\n")
    assert ran.code == 20
    assert "Another installer runs" in ran.stderr


def test_the_services_of_a_stopped_machine_are_noticed(installed: Machine) -> None:
    installed.good("systemctl", "stop", "origin-pulls-agent.service")
    begun = time.monotonic()
    ran = installed.run(INSTALLER, "status")
    took = time.monotonic() - begun
    installed.good("systemctl", "start", "origin-pulls-agent.service")
    assert ran.code == 1
    assert "type: systemctl enable --now origin-pulls-agent.service" in ran.stdout
    assert took < 40, "a service that stands still is waited for as if it had just been started"
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
    journalctl = installed.at(JOURNALCTL)
    journalctl.write_text(LOG)
    journalctl.chmod(0o755)
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
        assert "    the last words of origin-pulls-web-account.service" in ran.stdout
        assert took < 60, "a unit that systemd gave up is waited for"
        assert current(installed) == version
        assert UnderTest(installed.sandbox).is_enforced(SITE)
    journalctl.unlink()
    installed.good(INSTALLER, "--wheelhouse", wheelhouse)
    is_as_before(installed, version)


def test_ctrl_c_in_an_upgrade_says_what_to_type_and_the_next_run_goes_on(
    installed: Machine, newer: Path, wheelhouse: Path
) -> None:
    words = (newer / "install.sh", "upgrade", "--wheelhouse", wheelhouse)
    for line in ("release: building", "the agent ends after"):
        ran = interrupted_at(installed, line, *words)
        assert ran.code == 130, ran
        assert ran.stdout.count("install.sh: ") == 1, ran.stdout
        assert "install.sh: Interrupted.\n  Type the same command again" in ran.stdout
        assert "stand still" not in ran.stdout
        installed.good("systemctl", "is-active", "origin-pulls-agent.service")
    assert UnderTest(installed.sandbox).is_enforced(SITE)


def test_a_version_that_cannot_read_the_store_is_not_gone_back_to(
    installed: Machine, newer: Path, release: Path, wheelhouse: Path
) -> None:
    ran = upgraded(installed, newer, wheelhouse)
    assert ran.code == 0, ran
    assert "Installing 2.0.0 in the place of 1.0.0\n" in ran.stdout
    assert "2.0.0 is installed and answers (before: 1.0.0)" in ran.stdout
    ran = installed.run(INSTALLER, "rollback")
    assert ran.code == 35, ran
    copy = "/var/lib/origin-pulls/store-before-2.0.0.sqlite"
    assert f"The store of then is {copy}" in ran.stderr
    is_as_before(installed, "2.0.0")
    ran = upgraded(installed, release, wheelhouse)
    assert ran.code == 35, ran
    assert "1.0.0 cannot read the store: a newer version wrote it" in ran.stderr
    assert "Installing 1.0.0 in the place of 2.0.0, which is newer" in ran.stdout
    is_as_before(installed, "2.0.0")
    # As the page says it, for who must all the same.
    releases = installed.at("/opt/origin-pulls/releases")
    (releases / "0.0.1").mkdir()
    installed.good("bash", "-e", "-c", f"cd {release}\n{BY_HAND}")
    is_as_before(installed, "1.0.0")
    assert {path.name for path in releases.iterdir()} == {"1.0.0", "2.0.0"}


def test_a_damaged_version_is_not_gone_back_to(installed: Machine) -> None:
    file = installed.at("/opt/origin-pulls/releases/2.0.0/plugin/origin_pulls/errors.py")
    text = file.read_bytes()
    file.unlink()
    ran = installed.run(INSTALLER, "rollback")
    file.write_bytes(text)
    assert ran.code == 34, ran
    assert "2.0.0, is damaged" in ran.stderr
    is_as_before(installed, "1.0.0")


def test_a_damaged_version_is_said_and_installed_anew(installed: Machine, release: Path) -> None:
    damaged = current(installed)
    for part in (SCHEMA, "venv/bin/origin-pulls"):
        installed.at(f"/opt/origin-pulls/releases/{damaged}/{part}").unlink()
    ran = installed.run(release / "install.sh", "status")
    assert ran.code == 1
    assert "are not as they were installed; ./install.sh of its release mends that" in ran.stdout
    assert "the vhosts cannot be read: " in ran.stdout
    assert "vhosts with a demand or a look: cannot be told" in ran.stdout
    installed.good(release / "install.sh")
    assert current(installed) != damaged, "a program that runs is never overwritten"
    is_as_before(installed, current(installed))
    # The version to go back to is the one of before, not the damaged one.
    releases = installed.at("/opt/origin-pulls/releases")
    assert {path.name for path in releases.iterdir()} == {current(installed), "2.0.0"}
    assert installed.at("/opt/origin-pulls/previous").readlink().name == "2.0.0"
