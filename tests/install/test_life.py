"""An installation's life: installed, upgraded under load, taken back when broken, rolled back."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from origin_pulls.model.proof import Shown
from tests.install.machine import TOP, Machine, tree
from tests.server_under_test import Ran, UnderTest

pytestmark = [pytest.mark.apache, pytest.mark.timeout(600)]

SITE = "blog.example"
BYSTANDER = "plain.example"
BROKEN = "\nimport sys\n\nif 'agent' in sys.argv:\n    raise SystemExit(7)\n"
CURRENT = "/opt/origin-pulls/current"
PROGRAM = "/usr/local/bin/origin-pulls"
VOLATILE = ("/run", "/etc/apache2/logs", "/var/log", "/usr/local/cpanel/logs", "/var/lib")


@pytest.fixture(scope="module")
def installed(server: Machine, release: Path, wheelhouse: Path) -> Machine:
    """A machine with one version installed and one site enforced."""
    server.good(release / "install.sh", "--wheelhouse", wheelhouse)
    server.good(PROGRAM, "enforce", SITE, "--edge-ready")
    return server


def current(machine: Machine) -> str:
    return machine.at(CURRENT).readlink().name


@contextmanager
def visited(machine: Machine) -> Iterator[list[str]]:
    """While it lasts, ask an enforced site and its neighbour again and again; what went wrong."""
    wrong: list[str] = []
    asked = 0
    is_over = threading.Event()
    site = UnderTest(machine.sandbox)

    def visit() -> None:
        nonlocal asked
        while not is_over.is_set():
            for host, shown in ((SITE, Shown.OURS), (BYSTANDER, Shown.NONE)):
                seen = site.ask(host, shown)
                asked += 1
                if seen.status != 200:
                    wrong.append(f"{host}: {seen}")

    thread = threading.Thread(target=visit)
    thread.start()
    try:
        yield wrong
    finally:
        is_over.set()
        thread.join()
    assert asked > 10


def upgraded(machine: Machine, source: Path, wheelhouse: Path, **given: str) -> Ran:
    return machine.run(source / "install.sh", "upgrade", "--wheelhouse", wheelhouse, **given)


def test_an_installed_server_says_that_all_answers(installed: Machine, release: Path) -> None:
    said = installed.good(release / "install.sh", "status")
    assert "origin-pulls-agent.service: answers" in said
    assert "vhosts with a demand or a look: 1" in said


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


def test_twice_is_as_once(installed: Machine, release: Path, wheelhouse: Path) -> None:
    source = Path(CURRENT, "install.sh")  # the version that runs, from its own folder
    installed.good(source, "install", "--wheelhouse", wheelhouse)
    once = installed.files(*VOLATILE)
    installed.good(source, "install", "--wheelhouse", wheelhouse)
    assert installed.files(*VOLATILE) == once


def test_an_upgrade_refuses_no_request(installed: Machine, trees: Path, wheelhouse: Path) -> None:
    newer = tree(trees / "newer", "1.1.0")
    before = current(installed)
    with visited(installed) as wrong:
        ran = upgraded(installed, newer, wheelhouse)
    assert ran.code == 0, ran
    assert wrong == []
    assert (current(installed), before) == ("1.1.0", "1.0.0")
    assert installed.good(PROGRAM, "--version").endswith("1.1.0\n")
    assert UnderTest(installed.sandbox).is_enforced(SITE)


def test_a_broken_upgrade_goes_back_by_itself(
    installed: Machine, trees: Path, wheelhouse: Path
) -> None:
    changes = {"plugin/origin_pulls/cli/__init__.py": BROKEN}
    broken = tree(trees / "broken", "1.2.0", changes)
    before = current(installed)
    ran = upgraded(installed, broken, wheelhouse)
    assert ran.code == 32, ran
    assert "The upgrade failed and was taken back" in ran.stderr
    assert current(installed) == before
    assert not installed.at("/opt/origin-pulls/releases/1.2.0").exists()
    installed.good(PROGRAM, "prove", SITE)
    installed.good(Path(CURRENT, "install.sh"), "status")


def test_a_version_that_cannot_be_built_is_never_switched_to(
    installed: Machine, trees: Path, wheelhouse: Path
) -> None:
    changes = {"plugin/origin_pulls/cli/__init__.py": "\nraise SystemExit(7)\n"}
    before = current(installed)
    ran = upgraded(installed, tree(trees / "unbuilt", "1.3.0", changes), wheelhouse)
    assert ran.code == 31, ran
    assert "does not start" in ran.stderr
    assert current(installed) == before
    assert not installed.at("/opt/origin-pulls/releases/1.3.0").exists()
    assert not installed.at("/opt/origin-pulls/under-way").exists()
    installed.good(PROGRAM, "prove", SITE)


def test_the_same_version_again_is_not_removed_when_it_does_not_answer(
    installed: Machine, wheelhouse: Path
) -> None:
    before = current(installed)
    config = installed.at("/etc/origin-pulls/config.yaml")
    text = config.read_text()
    config.write_text(f"{text}nonsense: 1\n")
    source = Path(CURRENT, "install.sh")
    ran = installed.run(source, "--wheelhouse", wheelhouse)
    config.write_text(text)
    assert ran.code == 33, ran
    assert current(installed) == before
    assert UnderTest(installed.sandbox).is_enforced(SITE)
    installed.good(source, "--wheelhouse", wheelhouse)


@pytest.mark.skipif(
    (TOP / "plugin/origin_pulls/cli/edge.py").exists(), reason="this version knows the edge"
)
def test_the_edge_is_left_only_by_a_version_that_can(installed: Machine) -> None:
    ran = installed.run(Path(CURRENT, "install.sh"), "uninstall", "--edge")
    assert ran.code == 36
    assert not installed.at("/opt/origin-pulls/under-way").exists()
    installed.good(PROGRAM, "prove", SITE)


def test_a_rollback_and_its_undo(installed: Machine, trees: Path, wheelhouse: Path) -> None:
    if not installed.at("/opt/origin-pulls/previous").is_symlink():
        upgraded(installed, tree(trees / "other", "1.0.1"), wheelhouse)
    now = current(installed)
    before = installed.at("/opt/origin-pulls/previous").readlink().name
    installed.good(Path(CURRENT, "install.sh"), "rollback")
    assert current(installed) == before
    installed.good(PROGRAM, "prove", SITE)
    installed.good(Path(CURRENT, "install.sh"), "rollback")
    assert current(installed) == now


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
    ran = installed.run(Path(CURRENT, "install.sh"), "status", ORIGIN_PULLS_PATIENCE="0.1")
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
