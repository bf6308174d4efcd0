"""Killed at any point, the next run of the same command finishes."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
from pathlib import Path

import pytest

from tests.install.machine import Machine
from tests.server_under_test import UnderTest

pytestmark = [pytest.mark.apache, pytest.mark.timeout(600)]

SITE = "blog.example"
PROGRAM = "/usr/local/bin/origin-pulls"
SPRITES = "/usr/local/cpanel/base/frontend/jupiter/assets/application_icons/sprites"
OF_OTHERS = (
    *("/etc/.pwd.lock", "/etc/passwd-", "/etc/group-", "/etc/shadow-", "/etc/gshadow-"),
    *("/run", "/etc/apache2/logs", "/var/cpanel/locks", "/usr/local/cpanel/logs"),
    *("/etc/subuid", "/etc/subgid", "/etc/origin-pulls", "/etc/passwd", "/etc/group"),
    "/kept-release",
    "/var/cpanel/hooks.yaml",
    SPRITES,
    *("/etc/shadow", "/etc/gshadow"),
)


def killed_at(machine: Machine, line: str, *words: str | Path) -> None:
    """Run a command and kill it with all that it started, when it says a line."""
    with started(machine, *words) as process:
        assert process.stdout is not None
        said = []
        for text in process.stdout:
            said.append(text)
            if line in text:
                os.killpg(process.pid, signal.SIGKILL)
                break
        else:
            pytest.fail(f"it never said {line!r}:\n{''.join(said)}")


def killed_after(machine: Machine, seconds: float, *words: str | Path) -> None:
    """Run a command and kill it after so many seconds, if it is not through by then."""
    with started(machine, *words) as process:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def started(machine: Machine, *words: str | Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        machine.words(*words),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )


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
    chance = random.Random()
    seconds = [chance.uniform(0.5, 6) for _ in range(2)]
    print("killed after", seconds)  # noqa: T201 - shown when it fails
    for one in seconds:
        killed_after(server, one, *words)
    killed_at(server, "current: ", *words)
    said = server.good(*words)
    assert "an earlier run (install) was interrupted" in said
    assert not server.at("/opt/origin-pulls/under-way").exists()
    server.good(release / "install.sh", "status")
    server.good(PROGRAM, "enforce", SITE, "--edge-ready")
    assert UnderTest(server.sandbox).is_enforced(SITE)


def test_an_uninstallation_that_was_killed_again_and_again_is_finished_by_the_next(
    server: Machine, release: Path, wheelhouse: Path
) -> None:
    before = server.files(*OF_OTHERS)
    server.install(release, wheelhouse)
    server.good(PROGRAM, "enforce", SITE, "--edge-ready")
    words = (release / "install.sh", "uninstall")
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
    server.good(PROGRAM, "enforce", SITE, "--edge-ready")
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
