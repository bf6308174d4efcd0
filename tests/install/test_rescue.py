"""What the page says to type when nothing else works, and for a backup: typed, on a machine."""

from __future__ import annotations

import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.documents import blocks, section
from tests.install.machine import Machine, built
from tests.server_under_test import Ran, UnderTest, replace_program

pytestmark = [pytest.mark.apache, pytest.mark.timeout(600)]

PAGE = "docs/OPERATING.md"
SITE = "blog.example"
AGENT = "origin-pulls-agent.service"
PROGRAM = "/usr/local/bin/origin-pulls"
HANGS = "/run/the-next-reload-hangs"
SETTINGS = "/etc/origin-pulls/config.yaml"
RELAX, END_AGENT, BY_HAND, AFTERWARDS, PROGRAM_GONE = blocks(
    section(PAGE, "When a site is shut and nothing else works")
)
BACKUP, RESTORE = blocks(section(PAGE, "Backup"))
# The machine's /root is not its own; a person chooses a place as well.
PLACES = ("/root/origin-pulls-backup", "/var/lib/origin-pulls-backup")


def typed(machine: Machine, block: str, folder: Path | str = "/") -> Ran:
    """What a person gets who types a block of the page, line after line, until one fails."""
    return machine.run("bash", "-e", "-c", f"cd {folder}\n{block.replace(*PLACES)}")


def typed_well(machine: Machine, block: str, folder: Path | str = "/") -> str:
    ran = typed(machine, block, folder)
    assert ran.code == 0, (block, ran)
    return ran.stdout


@pytest.fixture(scope="module")
def settings(server: Machine) -> bytes:
    """The settings as the machine brings them; programs of a server that a person leans on."""
    httpd = server.at("/usr/local/sbin/httpd")
    httpd.symlink_to(server.root / "usr/sbin/httpd")
    hangs = f'if [ -e {HANGS} ]; then rm {HANGS}; sleep 900; fi; exec "$REAL" "$@"'
    replace_program(server.at("/usr/local/cpanel/scripts/restartsrv_httpd"), hangs)
    return server.at(SETTINGS).read_bytes()


@pytest.fixture
def enforced(server: Machine, release: Path, wheelhouse: Path, settings: bytes) -> Machine:
    """A machine with the product on it and a site enforced, whatever was tried before."""
    if server.run("systemctl", "is-active", AGENT).code:
        server.at("/etc/origin-pulls").mkdir(exist_ok=True)
        server.at(SETTINGS).write_bytes(settings)
        server.install(release, wheelhouse)
    server.good(PROGRAM, "enforce", SITE, "--edge-ready")
    assert UnderTest(server.sandbox).is_enforced(SITE)
    return server


@contextmanager
def hanging(machine: Machine) -> Iterator[None]:
    """The agent hangs in the middle of a change: files are written, Apache has not read them."""
    machine.at(HANGS).touch()
    words = machine.words(PROGRAM, "enforce", SITE, "--edge-ready", "--exempt-path", "/x")
    with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as asking:
        end = time.monotonic() + 60
        while machine.at(HANGS).exists():
            assert time.monotonic() < end, "nobody reloads"
            time.sleep(0.02)
        # Who asked has gone away, so nobody takes the change over.
        asking.send_signal(signal.SIGKILL)
    yield


def demanding(machine: Machine) -> list[Path]:
    """Includes of ours that demand something."""
    found = machine.at("/etc/apache2/conf.d/userdata").rglob("origin-pulls.conf")
    return [path for path in found if "SSLVerify" in path.read_text()]


def is_relaxed(machine: Machine) -> bool:
    site = UnderTest(machine.sandbox)
    return not demanding(machine) and site.is_open(SITE) and site.is_sound()


def stays_relaxed(machine: Machine) -> bool:
    """Whether nothing comes back when the agent looks at the server and the daily look mends."""
    machine.good("systemctl", "is-active", AGENT)
    machine.good(PROGRAM, "reconcile")
    machine.run(PROGRAM, "check-installation", "--repair")
    return is_relaxed(machine)


def test_relaxing_everything_needs_neither_agent_nor_store(enforced: Machine) -> None:
    enforced.good("systemctl", "stop", AGENT)
    for name in ("store.sqlite-wal", "store.sqlite-shm"):
        enforced.at(f"/var/lib/origin-pulls/{name}").unlink(missing_ok=True)
    enforced.at("/var/lib/origin-pulls/store.sqlite").write_bytes(b"nonsense" * 1000)
    for line in RELAX.splitlines():
        typed_well(enforced, line)
        assert is_relaxed(enforced)
    enforced.at("/var/lib/origin-pulls/store.sqlite").unlink()
    enforced.good("systemctl", "start", AGENT)


def test_an_agent_that_hangs_is_ended_and_stays_away(enforced: Machine) -> None:
    with hanging(enforced):
        waiting = typed(enforced, f"timeout 3 {RELAX}")
        assert waiting.code != 0
        assert "waiting for another run" in waiting.stderr
        typed_well(enforced, END_AGENT)
        assert enforced.run("systemctl", "is-active", AGENT).stdout.strip() == "inactive"
        typed_well(enforced, RELAX)
        assert is_relaxed(enforced)
    typed_well(enforced, AFTERWARDS)
    assert stays_relaxed(enforced)


def test_by_hand_where_the_program_is_gone_and_its_agent_hangs(
    enforced: Machine, release: Path
) -> None:
    with hanging(enforced):
        gone = enforced.at("/opt/origin-pulls/releases/1.0.0")
        shutil.rmtree(gone)
        assert typed(enforced, RELAX).code == 127
        typed_well(enforced, END_AGENT)
        typed_well(enforced, BY_HAND)
        assert is_relaxed(enforced)
    # The release is built once; the next time it stands there already.
    subprocess.run(["cp", "-a", built(release), gone], check=True)
    typed_well(enforced, PROGRAM_GONE, release)
    assert stays_relaxed(enforced)
    enforced.good(PROGRAM, "enforce", SITE, "--edge-ready")
    assert UnderTest(enforced.sandbox).is_enforced(SITE)


def test_what_was_emptied_by_hand_may_be_changed_afterwards(enforced: Machine) -> None:
    typed_well(enforced, END_AGENT)
    typed_well(enforced, BY_HAND)
    assert is_relaxed(enforced)
    typed_well(enforced, AFTERWARDS)
    assert stays_relaxed(enforced)
    # An empty file is nobody's edit, so nothing is kept aside of it.
    assert not list(enforced.at("/etc/apache2/conf.d/userdata").rglob("*.kept"))
    enforced.good(PROGRAM, "enforce", SITE, "--edge-ready")
    assert UnderTest(enforced.sandbox).is_enforced(SITE)


def test_the_manual_page_is_where_man_looks_and_the_completion_where_bash_does(
    enforced: Machine,
) -> None:
    # The machine has no settings of man's own.
    man = ("man", "--config-file=/dev/null", "--manpath=/usr/local/share/man", "--warnings")
    shown = enforced.good(*man, "origin-pulls")
    assert "EXIT STATUS" in shown
    completed = enforced.good(
        "bash", "-c", ". /etc/bash_completion.d/origin-pulls; complete -p origin-pulls"
    )
    assert "_origin_pulls" in completed


def test_a_backup_brings_policies_and_certificates_back(enforced: Machine) -> None:
    keys = enforced.at("/etc/origin-pulls/keys")
    before = sorted(path.name for path in keys.iterdir())
    assert before
    typed_well(enforced, BACKUP)
    place = enforced.at(PLACES[1])
    assert [path.stat().st_mode & 0o077 for path in (place, *place.iterdir())] == [0] * 4
    assert SITE in (place / "policies.yaml").read_text()
    enforced.good(PROGRAM, "off", SITE)
    for path in keys.rglob("*"):
        if path.is_file():
            path.unlink()
    # What the store says is not in force, and the page says that this is told.
    told = typed(enforced, RESTORE)
    assert told.code == 1
    assert f"include: {SITE}" in told.stdout
    assert sorted(path.name for path in keys.iterdir()) == before
    enforced.good(PROGRAM, "check-installation", "--repair")
    assert UnderTest(enforced.sandbox).is_enforced(SITE)
    enforced.good("rm", "-rf", PLACES[1])
    with suppress(FileNotFoundError):
        enforced.at(HANGS).unlink()
