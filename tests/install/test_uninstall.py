"""Away again: every vhost relaxed and proven, nothing left, also from a server in trouble."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.install.caller import traps, trodden
from tests.install.killing import killed_at, started
from tests.install.machine import Machine
from tests.server_under_test import UnderTest, replace_program

pytestmark = [pytest.mark.apache, pytest.mark.timeout(600)]

SITE = "blog.example"
PROGRAM = "/usr/local/bin/origin-pulls"
INSTALLER = "/opt/origin-pulls/current/install.sh"
BROKEN = "/etc/apache2/conf.d/zz-somebody.conf"
HOOKS = "/var/cpanel/hooks.yaml"
RESTART = "/usr/local/cpanel/scripts/restartsrv_httpd"
SPRITES = "/usr/local/cpanel/base/frontend/jupiter/assets/application_icons/sprites"
# What the system's and the panel's own programs leave behind: backups of passwd, logs, locks,
# the stand-in's log.
OF_OTHERS = (
    *("/etc/.pwd.lock", "/etc/passwd-", "/etc/group-", "/etc/shadow-", "/etc/gshadow-"),
    *("/run/init", "/run/apache2", "/etc/apache2/logs", "/var/cpanel/locks"),
    *("/usr/local/cpanel/logs", "/etc/subuid", "/etc/subgid", "/etc/origin-pulls"),
    *(HOOKS, SPRITES),
)


def installed(machine: Machine, release: Path, wheelhouse: Path, settings: bytes) -> None:
    """The machine with the product on it and one site enforced, one observed."""
    config = machine.at("/etc/origin-pulls/config.yaml")
    config.parent.mkdir(exist_ok=True)
    config.write_bytes(settings)
    machine.install(release, wheelhouse)
    machine.good(PROGRAM, "enforce", SITE, "--edge-ready")
    machine.good(PROGRAM, "observe", "shop.example")
    assert UnderTest(machine.sandbox).is_enforced(SITE)


@pytest.fixture(scope="module")
def settings(server: Machine) -> bytes:
    return server.at("/etc/origin-pulls/config.yaml").read_bytes()


def presented(machine: Machine) -> None:
    """Have it known that Cloudflare presents a certificate of ours to the enforced site."""
    store = sqlite3.connect(machine.at("/var/lib/origin-pulls/store.sqlite"))
    with closing(store), store:
        store.execute(
            "INSERT INTO presented SELECT user, incarnation, server_name, 'zone', server_name, "
            "'zone', '', '[]', '', 0, 0 FROM policy WHERE server_name=?",
            (SITE,),
        )


def forgotten(machine: Machine) -> None:
    """Take that back again."""
    store = sqlite3.connect(machine.at("/var/lib/origin-pulls/store.sqlite"))
    with closing(store), store:
        store.execute("DELETE FROM presented")


def is_relaxed(machine: Machine) -> bool:
    server = UnderTest(machine.sandbox)
    return server.is_open(SITE) and server.is_sound()


def test_nothing_is_left(
    server: Machine, release: Path, wheelhouse: Path, settings: bytes, trees: Path
) -> None:
    cages = server.at("/etc/cagefs/cagefs.mp")
    cages.parent.mkdir()
    cages.write_text("/run/mysqld\n")
    before = server.files(*OF_OTHERS)
    before.pop("/run/origin-pulls", None)  # the sandbox's; on a server it is the services' own
    installed(server, release, wheelhouse, settings)
    assert "/run/origin-pulls/account" in cages.read_text()
    harm = trees / "harm"
    said = server.good(*traps(harm), INSTALLER, "uninstall")
    assert trodden(harm) == []
    assert is_relaxed(server)
    assert server.files(*OF_OTHERS) == before
    assert not server.at("/etc/origin-pulls").exists()
    # Files of the panel's own, which it keeps: our lines are out of them.
    assert "origin-pulls" not in server.at(HOOKS).read_text()
    assert "originpulls" not in server.at(SPRITES).joinpath("icon_spritemap.json").read_text()
    assert "each answers a visitor without a certificate" in said
    assert "nothing: no file, unit, hook" in said
    again = server.good(release / "install.sh", "uninstall")
    assert "is not installed" in again
    assert server.files(*OF_OTHERS) == before


def test_with_keep_data_policies_come_back_with_the_next_installation(
    server: Machine, release: Path, wheelhouse: Path, settings: bytes
) -> None:
    installed(server, release, wheelhouse, settings)
    presented(server)
    # As the README tells people to export it for a sandbox.
    said = server.good(INSTALLER, "uninstall", "--keep-data", ORIGIN_PULLS_ROOT="/var/elsewhere")
    assert "each answers a visitor without a certificate" in said
    assert not server.at("/var/elsewhere").exists()
    assert is_relaxed(server)
    assert "nothing else: no file, unit, hook" in said
    assert f"at Cloudflare our certificates are still presented, to: {SITE}" in said
    assert "their keys are gone" not in said
    forgotten(server)
    again = server.good(release / "install.sh", "uninstall", "--keep-data")
    assert "only the kept data: /etc/origin-pulls, /var/lib/origin-pulls" in again
    assert server.at("/var/lib/origin-pulls/store.sqlite").exists()
    assert server.at("/etc/origin-pulls/keys").is_dir()
    server.install(release, wheelhouse)
    number = server.good(PROGRAM, "jobs").split()[0]
    server.good(PROGRAM, "undo", number, "--edge-ready")
    assert UnderTest(server.sandbox).is_enforced(SITE)
    server.good(INSTALLER, "uninstall")


def test_a_damaged_store_and_stopped_services_keep_nobody_from_leaving(
    server: Machine, release: Path, wheelhouse: Path, settings: bytes
) -> None:
    before = server.files(*OF_OTHERS)
    installed(server, release, wheelhouse, settings)
    server.good("systemctl", "stop", "origin-pulls-agent.service")
    for name in ("store.sqlite-wal", "store.sqlite-shm"):
        server.at(f"/var/lib/origin-pulls/{name}").unlink(missing_ok=True)
    server.at("/var/lib/origin-pulls/store.sqlite").write_bytes(b"nonsense" * 1000)
    server.good(INSTALLER, "uninstall")
    assert is_relaxed(server)
    assert server.files(*OF_OTHERS) == before


def test_a_program_that_does_not_start_keeps_nobody_from_leaving(
    server: Machine, release: Path, wheelhouse: Path, settings: bytes
) -> None:
    installed(server, release, wheelhouse, settings)
    server.at("/opt/origin-pulls/releases/1.0.0/plugin/origin_pulls/errors.py").unlink()
    ran = server.run(INSTALLER, "uninstall")
    assert "going on by hand" in ran.stdout
    # Who could not be asked has proven nothing.
    assert ran.code == 40, ran
    assert f"not proven: {SITE} shop.example" in ran.stderr
    assert not server.at("/opt/origin-pulls").exists()
    assert is_relaxed(server)


def test_somebody_elses_broken_configuration_leaves_comments_until_it_is_mended(
    server: Machine, release: Path, wheelhouse: Path, settings: bytes
) -> None:
    before = server.files(*OF_OTHERS)
    before.pop("/run/origin-pulls", None)  # the sandbox's, where this test is the first
    installed(server, release, wheelhouse, settings)
    server.at(BROKEN).write_text("Nonsense on\n")
    ran = server.run(INSTALLER, "uninstall")
    assert ran.code == 41
    assert "broken by something else" in ran.stdout
    last = ran.stderr[ran.stderr.rindex("install.sh: ") :]
    assert f"Until Apache reads it, these turn visitors away still: {SITE}" in last
    assert "in the folder of an unpacked release" in last
    assert "origin-pulls jobs" not in ran.stdout + ran.stderr, "that program is going"
    assert UnderTest(server.sandbox).ask(SITE).is_refused
    assert not server.at("/opt/origin-pulls").exists()
    server.at(BROKEN).unlink()
    server.good("/usr/local/cpanel/scripts/restartsrv_httpd", "--graceful")
    server.good(release / "install.sh", "uninstall")
    assert is_relaxed(server)
    assert server.files(*OF_OTHERS) == before


def left(server: Machine) -> list[str]:
    """Includes of ours, and registrations in the panel."""
    found = map(str, server.at("/etc/apache2").rglob("origin-pulls.conf"))
    return [*found, *(["hooks"] if "origin-pulls" in server.at(HOOKS).read_text() else [])]


def test_a_change_that_is_asked_for_meanwhile_is_refused(
    server: Machine, release: Path, wheelhouse: Path, settings: bytes
) -> None:
    installed(server, release, wheelhouse, settings)
    with started(server, INSTALLER, "uninstall") as process:
        assert process.stdout is not None
        said = ""
        while "Apache without us" not in said:
            said = process.stdout.readline()
            assert said, "it ended before"
        asked = server.run(PROGRAM, "enforce", "shop.example", "--edge-ready")
        process.stdout.read()
    assert asked.code == 3, asked
    assert "is being uninstalled" in asked.stderr
    assert process.returncode == 0
    assert is_relaxed(server)
    assert left(server) == []


def test_a_change_that_is_under_way_is_waited_for(
    server: Machine, release: Path, wheelhouse: Path, settings: bytes
) -> None:
    """It is carried out by the command itself, as no agent runs."""
    installed(server, release, wheelhouse, settings)
    server.good("systemctl", "stop", "origin-pulls-agent.service")
    reached = server.at("/run/reload-reached")
    slowly = f"[ -e {reached} ] || {{ touch {reached}; sleep 5; }}"
    real = replace_program(server.at(RESTART), f'{slowly}; exec "$REAL" "$@"')
    with started(server, PROGRAM, "enforce", "plain.example", "--edge-ready") as asking:
        end = time.monotonic() + 60
        while not reached.exists():
            assert time.monotonic() < end, "it does not reload"
            time.sleep(0.02)
        ran = server.run(INSTALLER, "uninstall")
        asking.communicate()
    real.replace(server.at(RESTART))
    reached.unlink()
    assert "waiting for another run of Origin Pulls" in ran.stdout
    assert ran.code == 0, ran
    assert is_relaxed(server)
    assert left(server) == []


@contextmanager
def reloads_in_words_alone(server: Machine) -> Iterator[None]:
    """The panel's program says that it restarted Apache, and does not."""
    program = server.at(RESTART).read_text()
    server.at(RESTART).write_text("#!/bin/sh\necho httpd restarted successfully.\n")
    try:
        yield
    finally:
        server.at(RESTART).write_text(program)
        server.good(RESTART, "--graceful")


@pytest.mark.parametrize("is_interrupted", [False, True])
def test_a_proof_that_was_not_made_is_not_claimed(
    server: Machine,
    release: Path,
    wheelhouse: Path,
    settings: bytes,
    is_interrupted: bool,
) -> None:
    """The site is shut still: neither a damaged store nor an interruption hides that."""
    installed(server, release, wheelhouse, settings)
    with reloads_in_words_alone(server):
        if is_interrupted:
            killed_at(server, "Apache without us", INSTALLER, "uninstall")
        else:
            server.good("systemctl", "stop", "origin-pulls-agent.service")
            for name in ("store.sqlite-wal", "store.sqlite-shm"):
                server.at(f"/var/lib/origin-pulls/{name}").unlink(missing_ok=True)
            server.at("/var/lib/origin-pulls/store.sqlite").write_bytes(b"nonsense" * 1000)
        ran = server.run(INSTALLER, "uninstall")
        assert UnderTest(server.sandbox).ask(SITE).is_refused
    assert ran.code == 40, ran
    assert f"not proven: {SITE}" in ran.stderr
    assert is_relaxed(server)


def test_hooks_that_the_panel_does_not_forget_are_told(
    server: Machine, release: Path, wheelhouse: Path, settings: bytes
) -> None:
    installed(server, release, wheelhouse, settings)
    program = server.at("/usr/local/cpanel/bin/manage_hooks")
    aside = program.with_name("manage_hooks.aside")
    program.rename(aside)
    ran = server.run(INSTALLER, "uninstall")
    aside.rename(program)
    assert ran.code == 41, ran
    assert "registered in cPanel: /usr/local/cpanel/3rdparty/bin/origin-pulls-hook" in ran.stdout
    assert "uninstall once more" in ran.stderr
    assert left(server) == ["hooks"]
    assert "nothing: no file" in server.good(release / "install.sh", "uninstall")
    assert left(server) == []


def test_sites_that_do_not_prove_that_they_answer_are_named(
    server: Machine, release: Path, wheelhouse: Path, settings: bytes
) -> None:
    """Here the panel's last reload leaves no Apache behind."""
    installed(server, release, wheelhouse, settings)
    presented(server)
    program = server.at(RESTART).read_text()
    pid = server.sandbox.pid
    children = f"$(cat /proc/{pid}/task/{pid}/children)"
    server.at(RESTART).write_text(f"#!/bin/sh\nkill -9 {pid} {children}\n")
    ran = server.run(INSTALLER, "uninstall")
    server.at(RESTART).write_text(program)
    server.good(RESTART, "--start")
    assert ran.code == 40, ran
    assert f"not proven: {SITE} shop.example" in ran.stderr
    assert "their keys are gone: delete them there" in ran.stdout
    assert not server.at("/opt/origin-pulls").exists()
    assert is_relaxed(server)
