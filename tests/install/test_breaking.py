"""What goes wrong while something of ours is in use: nothing that sites lean on is taken away."""

from __future__ import annotations

from pathlib import Path

import pytest

from origin_pulls.config import Config
from tests.documents import TOP, blocks, section
from tests.install.killing import killed_at
from tests.install.machine import Machine, tree
from tests.server_under_test import Ran, UnderTest

pytestmark = [pytest.mark.apache, pytest.mark.timeout(600)]

SITE = "blog.example"
AGENT = "origin-pulls-agent.service"
PROGRAM = "/usr/local/bin/origin-pulls"
OURS = "/opt/origin-pulls"
INSTALLER = f"{OURS}/current/install.sh"
STATE = "/var/lib/origin-pulls"
SCHEMA = "plugin/origin_pulls/store/schema.py"
NEW_SCHEMA = "\nMIGRATIONS = (*MIGRATIONS, 'CREATE TABLE later (a TEXT);\\n')\n"
CLI = "plugin/origin_pulls/cli/__init__.py"
NO_PAGES = "\nimport sys\n\nif 'web' in sys.argv and '--help' not in sys.argv:\n    sys.exit(7)\n"
# Something of the newer version that runs still while the older store is put back, and opens it.
STRAGGLER = """
import os, pathlib, sqlite3, sys, time

def _straggle():
    from origin_pulls.store import open_store
    store = pathlib.Path("/var/lib/origin-pulls/store.sqlite")
    for _ in range(6000):
        if os.readlink("/opt/origin-pulls/current").endswith("/1.0.0"):
            with sqlite3.connect(f"file:{store}?mode=ro", uri=True) as found:
                version = found.execute("PRAGMA user_version").fetchone()[0]
            from origin_pulls.store.schema import MIGRATIONS
            if version < len(MIGRATIONS):
                open_store(store).close()
                pathlib.Path("/run/straggled").touch()
                return
        time.sleep(0.01)

if "agent" in sys.argv and "--help" not in sys.argv and not os.fork():
    os.setsid()
    try:
        _straggle()
    finally:
        os._exit(0)
"""
NOWHERE = {"PIP_INDEX_URL": "http://127.0.0.1:9/", "PIP_RETRIES": "0"}
(BY_HAND,) = blocks(section("docs/OPERATING.md", "Roll back"))[1:]


def test_the_program_looks_for_the_lock_that_the_installer_holds() -> None:
    places = (TOP / "appconfig/setup/places.sh").read_text()
    assert f"INSTALLER_LOCK={Config().installation_lock}\n" in places


@pytest.fixture
def enforced(server: Machine, release: Path, wheelhouse: Path) -> Machine:
    """A machine with 1.0.0 on it and a site enforced, whatever was tried before."""
    current = server.at(f"{OURS}/current")
    is_so = current.is_symlink() and current.readlink().name == "1.0.0"
    if not is_so or server.run("systemctl", "is-active", AGENT).code:
        server.install(release, wheelhouse)
    server.good(PROGRAM, "enforce", SITE, "--edge-ready")
    assert UnderTest(server.sandbox).is_enforced(SITE)
    return server


def runs_on(server: Machine, version: str = "1.0.0") -> bool:
    """Whether the version that ran is there whole, answers, and holds the site as before."""
    server.good(INSTALLER, "status")
    name = server.at(f"{OURS}/current").readlink().name
    return name.startswith(version) and UnderTest(server.sandbox).is_enforced(SITE)


def without_wheels(server: Machine, source: Path | str) -> Ran:
    """An installation that cannot be built: no wheels, and the package index does not answer."""
    ran = server.run(f"{source}/install.sh", **NOWHERE)
    assert ran.code == 31, f"{ran.code}\n{ran.stdout}\n{ran.stderr}"
    assert "Nothing was switched" in ran.stderr
    return ran


def test_notes_that_got_lost_are_no_first_installation(enforced: Machine, trees: Path) -> None:
    """A power cut may leave an empty mark."""
    enforced.at(f"{OURS}/under-way").write_text("")
    newer = tree(trees / "unbuildable", "1.1.0")
    assert "its notes are lost" in without_wheels(enforced, newer).stdout
    assert runs_on(enforced)
    assert not enforced.at(f"{OURS}/under-way").exists()


def test_a_python_that_went_away_makes_no_uninstallation(
    enforced: Machine, release: Path, trees: Path, wheelhouse: Path
) -> None:
    python = enforced.at(f"{OURS}/releases/1.0.0/venv/bin/python")
    before = python.readlink()
    python.unlink()
    python.symlink_to("/usr/bin/python-of-then")
    for source in (f"{OURS}/current", tree(trees / "without-wheels", "1.0.0")):
        without_wheels(enforced, source)
        assert enforced.at(f"{OURS}/releases/1.0.0/install.sh").exists()
        assert UnderTest(enforced.sandbox).is_enforced(SITE)
    enforced.good(release / "install.sh", "--wheelhouse", wheelhouse)
    assert runs_on(enforced)
    # For the tests below: as at first.
    python.unlink()
    python.symlink_to(before)
    enforced.good(release / "install.sh", "--wheelhouse", wheelhouse)


def test_a_link_that_was_lost_is_no_first_installation(
    enforced: Machine, release: Path, trees: Path, wheelhouse: Path
) -> None:
    enforced.at(f"{OURS}/current").unlink()
    silent = tree(trees / "silent", "1.3.0", {CLI: NO_PAGES})
    ran = enforced.run(silent / "install.sh", "--wheelhouse", wheelhouse)
    assert ran.code == 33, ran
    assert "nothing was removed" in ran.stderr
    assert enforced.at("/etc/systemd/system/origin-pulls-agent.service").exists()
    assert UnderTest(enforced.sandbox).is_enforced(SITE)
    enforced.good(release / "install.sh", "--wheelhouse", wheelhouse)
    assert runs_on(enforced)


@pytest.fixture(scope="module")
def other_schema(trees: Path) -> Path:
    return tree(trees / "other-schema", "2.0.0", {SCHEMA: NEW_SCHEMA})


def test_there_is_no_upgrade_without_a_copy_of_the_store(
    enforced: Machine, other_schema: Path, wheelhouse: Path
) -> None:
    kept = enforced.at(f"{STATE}/store-before-1.9.0.sqlite")
    kept.write_bytes(b"of an upgrade before")
    obstacle = enforced.at(f"{STATE}/store-before-2.0.0.sqlite.new")
    obstacle.mkdir()
    ran = enforced.run(other_schema / "install.sh", "--wheelhouse", wheelhouse)
    obstacle.rmdir()
    assert ran.code == 37, ran
    assert "Nothing was switched" in ran.stderr
    assert kept.exists()
    assert runs_on(enforced)
    kept.unlink()


def test_a_store_that_was_put_back_stays_so(
    enforced: Machine, trees: Path, wheelhouse: Path
) -> None:
    changes = {CLI: NO_PAGES + STRAGGLER, SCHEMA: NEW_SCHEMA}
    broken = tree(trees / "straggling", "2.1.0", changes)
    ran = enforced.run(broken / "install.sh", "upgrade", "--wheelhouse", wheelhouse)
    assert ran.code == 32, ran
    assert enforced.at("/run/straggled").exists()
    assert "a newer version wrote the store" in ran.stdout
    assert runs_on(enforced)
    enforced.good(PROGRAM, "observe", "shop.example")
    enforced.good(PROGRAM, "off", "shop.example")


def test_a_rollback_of_a_cut_off_upgrade_forgets_nothing_that_was_changed_since(
    enforced: Machine, other_schema: Path, wheelhouse: Path
) -> None:
    upgrade = (other_schema / "install.sh", "upgrade", "--wheelhouse", wheelhouse)
    killed_at(enforced, "web-admin.service: answers", *upgrade)
    # Nobody notices, and it is used for weeks; the looks say it.
    enforced.good(PROGRAM, "enforce", "shop.example", "--edge-ready")
    assert "An installer (install) was cut off" in enforced.run(PROGRAM, "doctor").stdout
    looked = enforced.run(PROGRAM, "check-installation", "--repair")
    assert looked.code == 1
    assert "a run of install.sh (install) was cut off" in looked.stdout
    ran = enforced.run(INSTALLER, "rollback")
    assert ran.code == 35, ran
    assert "would forget what was changed" in ran.stderr
    assert UnderTest(enforced.sandbox).is_enforced("shop.example")
    # All the same, as the page says: the newer store stays beside.
    by_hand = BY_HAND.replace("./install.sh", INSTALLER)
    typed = enforced.run("bash", "-e", "-c", by_hand)
    assert typed.code == 0, typed
    assert enforced.at(f"{STATE}/newer/store.sqlite").exists()
    assert runs_on(enforced)
    assert not enforced.at(f"{OURS}/under-way").exists()
