"""Killed at any point, the next run of the same command finishes."""

from __future__ import annotations

from pathlib import Path

import pytest

from origin_pulls.model.proof import Shown
from tests.install.killing import chance, killed_after, killed_at, killed_at_step, started, steps_of
from tests.install.machine import Machine, tree
from tests.server_under_test import UnderTest

pytestmark = [pytest.mark.apache, pytest.mark.timeout(600)]

SITE = "blog.example"
PROGRAM = "/usr/local/bin/origin-pulls"
SCHEMA = "plugin/origin_pulls/store/schema.py"
NEW_SCHEMA = "\nMIGRATIONS = (*MIGRATIONS, 'CREATE TABLE later (a TEXT);\\n')\n"
# A random point lies among so many commands of the shell; each run has some more of them.
INSTALLING, GOING_BACK, LEAVING = 1400, 900, 300
SPRITES = "/usr/local/cpanel/base/frontend/jupiter/assets/application_icons/sprites"
OF_OTHERS = (
    *("/etc/.pwd.lock", "/etc/passwd-", "/etc/group-", "/etc/shadow-", "/etc/gshadow-"),
    *("/run", "/etc/apache2/logs", "/var/cpanel/locks", "/usr/local/cpanel/logs"),
    *("/etc/subuid", "/etc/subgid", "/etc/origin-pulls", "/etc/passwd", "/etc/group"),
    "/var/cpanel/hooks.yaml",
    SPRITES,
    *("/etc/shadow", "/etc/gshadow"),
)


def enforced(server: Machine) -> None:
    server.good(PROGRAM, "enforce", SITE, "--edge-ready")
    assert UnderTest(server.sandbox).is_enforced(SITE)


def is_served(server: Machine) -> bool:
    """Whether the site answers the edge, as it does all the time."""
    return UnderTest(server.sandbox).ask(SITE, Shown.OURS).status == 200


def is_settled(server: Machine, version: str) -> None:
    """This version runs and answers, nothing is under way, the site is enforced as before."""
    assert server.at("/opt/origin-pulls/current").readlink().name == version
    assert not server.at("/opt/origin-pulls/under-way").exists()
    server.good("/opt/origin-pulls/current/install.sh", "status")
    assert UnderTest(server.sandbox).is_enforced(SITE)
    assert '"enforce"' in server.good(PROGRAM, "list", "--json", "--mode", "enforce")


@pytest.fixture(scope="module")
def settings(server: Machine) -> bytes:
    return server.at("/etc/origin-pulls/config.yaml").read_bytes()


@pytest.fixture(autouse=True)
def server_settings(server: Machine, settings: bytes) -> None:
    """An uninstallation takes the settings away too: each test finds them again."""
    server.at("/etc/origin-pulls").mkdir(exist_ok=True)
    server.at("/etc/origin-pulls/config.yaml").write_bytes(settings)


def test_an_installation_that_was_killed_again_and_again_is_finished_by_the_next(
    server: Machine, release: Path, wheelhouse: Path
) -> None:
    words = (release / "install.sh", "--wheelhouse", wheelhouse)
    for line in ("user: origin-pulls", "release: building"):
        killed_at(server, line, *words)
    picked = chance()
    for _ in range(2):
        killed_after(server, picked.uniform(0.5, 6), *words)
    killed_at(server, "current: ", *words)
    for _ in range(3):
        killed_at_step(server, picked.randrange(INSTALLING), *words)
    said = server.good(*words)
    assert "an earlier run (install) was interrupted" in said
    assert not server.at("/opt/origin-pulls/under-way").exists()
    server.good(release / "install.sh", "status")
    enforced(server)


def test_an_upgrade_that_was_killed_again_and_again_is_finished_by_the_next(
    server: Machine, release: Path, trees: Path, wheelhouse: Path
) -> None:
    """A rollback likewise: repeated it leads to where it led at first, and not back again."""
    server.install(release, wheelhouse)
    enforced(server)
    picked = chance()
    newer = tree(trees / "newer-by-schema", "1.1.0", {SCHEMA: NEW_SCHEMA})
    upgrade = (newer / "install.sh", "upgrade", "--wheelhouse", wheelhouse)
    killed_at(server, "release: building", *upgrade)
    for _ in range(4):
        killed_at_step(server, picked.randrange(INSTALLING), *upgrade)
        assert is_served(server)
    killed_at(server, "current: ", *upgrade)
    assert is_served(server)
    # Cut off, it may be given up as well: the version that was healthy runs, with its own store.
    rollback = (release / "install.sh", "rollback")
    killed_at(server, "current: ", *rollback)
    for _ in range(3):
        killed_at_step(server, picked.randrange(GOING_BACK), *rollback)
        assert is_served(server)
    assert steps_of(server, *rollback) > GOING_BACK, "a rollback may have ended on the way"
    is_settled(server, "1.0.0")
    assert steps_of(server, *upgrade) > INSTALLING, "an upgrade may have ended on the way"
    is_settled(server, "1.1.0")
    server.good(release / "install.sh", "uninstall")


def test_an_uninstallation_that_was_killed_again_and_again_is_finished_by_the_next(
    server: Machine, release: Path, wheelhouse: Path
) -> None:
    before = server.files(*OF_OTHERS)
    server.install(release, wheelhouse)
    enforced(server)
    words = (release / "install.sh", "uninstall")
    picked = chance()
    for _ in range(3):
        killed_at_step(server, picked.randrange(LEAVING), *words)
        site = UnderTest(server.sandbox)
        assert site.is_open(SITE) or site.ask(SITE).is_refused
    for line in ("No vhost demands", "Apache without us", "includes removed", "Files, units"):
        killed_at(server, line, *words)
    server.good(*words)
    assert UnderTest(server.sandbox).is_open(SITE)
    assert UnderTest(server.sandbox).is_sound()
    assert server.files(*OF_OTHERS).keys() - before.keys() == set()


def test_killed_between_taking_the_includes_away_and_the_rebuild(
    server: Machine, release: Path, wheelhouse: Path
) -> None:
    server.install(release, wheelhouse)
    enforced(server)
    rebuild = server.at("/usr/local/cpanel/scripts/rebuildhttpdconf")
    script = rebuild.read_text()
    rebuild.write_text("#!/bin/sh\nkill -9 0\n")  # its whole group: the installer as well
    with started(server, release / "install.sh", "uninstall") as process:
        process.communicate()
    rebuild.write_text(script)
    assert server.at("/opt/origin-pulls/removing").exists()
    server.good(release / "install.sh", "uninstall")
    assert UnderTest(server.sandbox).is_open(SITE)
    assert UnderTest(server.sandbox).is_sound()
    assert not server.at("/opt/origin-pulls").exists()
