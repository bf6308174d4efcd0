"""A sandbox comes up, stays the same, comes back after an accident, and leaves nothing."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from origin_pulls.errors import Refused
from origin_pulls.sandbox import Sandbox, apache, machine
from origin_pulls.sandbox.sandbox import take_down
from origin_pulls.sandbox.visitor import ask
from tests.conftest import standing

pytestmark = pytest.mark.apache


@pytest.fixture
def directory() -> Iterator[Path]:
    """A place for a sandbox, emptied afterwards."""
    place = Path(tempfile.mkdtemp(prefix="origin-pulls-"))
    place.chmod(0o711)
    yield place / "box"
    take_down(place / "box")
    place.rmdir()


def test_it_comes_up_with_its_fleet_and_answers(fresh_sandbox: Sandbox) -> None:
    assert fresh_sandbox.is_running
    assert fresh_sandbox.vhosts == 13
    shop = fresh_sandbox.accounts["shop"]
    assert (shop["domain"], shop["owner"], shop["uid"]) == ("shop.example", "root", 61001)
    assert fresh_sandbox.accounts["closed"]["suspended"] is True
    assert fresh_sandbox.accounts["acme"]["owner"] == "reseller1"
    assert fresh_sandbox.accounts["dedi"]["address"] == "127.0.0.2"
    assert ask(fresh_sandbox, "plain.example").status == 200


def test_up_twice_is_as_once(fresh_sandbox: Sandbox) -> None:
    before = (fresh_sandbox.pid, fresh_sandbox.layout.httpd_conf.stat().st_ino)
    again = Sandbox.up(fresh_sandbox.directory)
    assert again.summary() == fresh_sandbox.summary()
    assert (again.pid, again.layout.httpd_conf.stat().st_ino) == before


def test_more_vhosts_are_added_to_a_standing_sandbox(fresh_sandbox: Sandbox) -> None:
    kept = fresh_sandbox.path("/home/shop/public_html/kept.html")
    kept.write_text("kept")
    grown = Sandbox.up(fresh_sandbox.directory, 20)
    assert grown.vhosts == 20
    assert kept.exists()
    assert Sandbox.up(fresh_sandbox.directory, 5).vhosts == 20
    numbers = [account["uid"] for account in grown.accounts.values()]
    assert len(set(numbers)) == len(numbers)


def test_two_run_side_by_side() -> None:
    with standing() as one, standing() as other:
        ports = {one.https_port, one.http_port, other.https_port, other.http_port}
        assert len(ports) == 4
        other.down()
        assert ask(one, "shop.example").status == 200


def test_down_leaves_nothing(directory: Path) -> None:
    sandbox = Sandbox.up(directory)
    sandbox.down()
    assert not directory.exists()
    assert machine.is_free(sandbox.https_port)
    assert apache.parent(sandbox.layout) is None
    assert take_down(directory) is False


def test_a_stopped_sandbox_comes_back_on_its_ports(fresh_sandbox: Sandbox) -> None:
    apache.stop(fresh_sandbox.layout)
    assert not fresh_sandbox.is_running
    again = Sandbox.up(fresh_sandbox.directory)
    assert again.https_port == fresh_sandbox.https_port
    assert ask(again, "shop.example").status == 200


def test_apache_that_died_without_a_word_comes_back(fresh_sandbox: Sandbox) -> None:
    pid = fresh_sandbox.pid
    assert pid
    watched = os.pidfd_open(pid)
    os.kill(pid, signal.SIGKILL)
    select.select([watched], [], [], 10)
    os.close(watched)
    assert not fresh_sandbox.is_running
    assert ask(Sandbox.up(fresh_sandbox.directory), "shop.example").status == 200


def test_an_apache_that_died_is_started_though_its_number_is_another_process_now(
    fresh_sandbox: Sandbox,
) -> None:
    apache.stop(fresh_sandbox.layout)
    fresh_sandbox.layout.pid_file.write_text(f"{os.getpid()}\n")
    assert apache.start(fresh_sandbox.layout) == ""
    assert ask(fresh_sandbox, "shop.example").status == 200


def test_reset_makes_fresh_files_in_the_same_place(fresh_sandbox: Sandbox) -> None:
    page = fresh_sandbox.path("/home/shop/public_html/index.html")
    page.write_text("defaced")
    fresh_sandbox.reset()
    assert "shop.example" in ask(fresh_sandbox, "shop.example").body
    assert Sandbox.load(fresh_sandbox.directory).https_port == fresh_sandbox.https_port


def test_one_that_was_killed_while_it_was_made_is_made_anew(fresh_sandbox: Sandbox) -> None:
    marker = fresh_sandbox.layout.marker
    known = json.loads(marker.read_text())
    marker.write_text(json.dumps(known | {"is_complete": False}))
    fresh_sandbox.path("/etc/userdatadomains.json").unlink()
    with pytest.raises(Refused, match="half made"):
        Sandbox.load(fresh_sandbox.directory)
    again = Sandbox.up(fresh_sandbox.directory)
    assert again.https_port == fresh_sandbox.https_port
    assert again.vhosts == 13


def test_a_kill_at_any_moment_of_its_making_is_got_over(directory: Path) -> None:
    program = (
        "import sys, pathlib, origin_pulls.sandbox as s; s.Sandbox.up(pathlib.Path(sys.argv[1]))"
    )
    steps = (
        "sandbox.json",
        "etc/group",
        "home/acme",
        "usr/local/cpanel/bin/uapi",
        "run/apache2/httpd.pid",
    )
    for step in steps:
        making = subprocess.Popen([sys.executable, "-c", program, directory])
        while making.poll() is None and not (directory / step).exists():
            time.sleep(0.001)
        making.kill()
        making.wait()
        assert ask(Sandbox.up(directory), "shop.example").status == 200
        take_down(directory)


def test_one_that_was_killed_before_its_first_word_is_made(directory: Path) -> None:
    directory.mkdir(mode=0o711)
    (directory / "sandbox.new").write_text('{"https_po')
    assert Sandbox.up(directory).is_running


def test_a_directory_of_somebody_else_is_left_alone(directory: Path) -> None:
    directory.mkdir(mode=0o700)
    foreign = directory / "letter"
    foreign.write_text("dear")
    for act in (Sandbox.up, take_down, Sandbox.load):
        with pytest.raises(Refused):
            act(directory)
    assert foreign.read_text() == "dear"
    assert directory.stat().st_mode & 0o777 == 0o700
    foreign.unlink()
    directory.rmdir()


def test_a_marker_of_somebody_else_is_no_marker(directory: Path) -> None:
    directory.mkdir(mode=0o711)
    marker = directory / "sandbox.json"
    marker.write_text('{"kind": "a game"}')
    with pytest.raises(Refused, match="nothing is touched"):
        take_down(directory)
    marker.unlink()
    directory.rmdir()


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("a b", "cannot hold safely"),
        ('a"b', "cannot hold safely"),
        ("straße", "cannot hold safely"),
        ("x" * 120, "too long"),
    ],
)
def test_a_directory_that_apache_cannot_have_is_refused(place: str, said: str) -> None:
    with pytest.raises(Refused, match=said):
        Sandbox.up(Path("/tmp") / place)
    assert not (Path("/tmp") / place).exists()


def test_a_directory_that_apache_cannot_reach_is_refused() -> None:
    # Not below pytest's tmp_path: Apache's socket there may be too long a path already.
    with (
        tempfile.TemporaryDirectory(prefix="origin-pulls-") as closed,  # mode 0700
        pytest.raises(Refused, match="cannot come by"),
    ):
        Sandbox.up(Path(closed) / "box")


def test_a_real_cpanel_server_is_refused(tmp_path: Path) -> None:
    real = tmp_path / "cpanel"
    real.touch()
    with pytest.raises(Refused, match="real cPanel server"):
        machine.require_fit(real_cpanel=real)


def test_only_root_may(directory: Path) -> None:
    os.seteuid(65534)
    try:
        with pytest.raises(Refused, match="needs root"):
            Sandbox.up(directory)
    finally:
        os.seteuid(0)


def test_owners_and_modes_are_cpanels(fresh_sandbox: Sandbox) -> None:
    expected = {
        "/etc/cpanel/ea4/paths.conf": (0o644, 0, 0),
        "/etc/origin-pulls": (0o755, 0, 0),
        "/etc/origin-pulls/config.yaml": (0o644, 0, 0),
        "/var/cpanel/userdata/shop": (0o750, 0, 61001),
        "/var/cpanel/userdata/shop/shop.example_SSL": (0o640, 0, 61001),
        "/var/cpanel/users/shop": (0o640, 0, 61001),
        "/var/cpanel/ssl/apache_tls/shop.example/combined": (0o640, 0, 0),
        "/home/shop": (0o711, 61001, 61001),
        "/home/shop/public_html": (0o750, 61001, 65534),
        "/etc/apache2/conf/httpd.conf": (0o600, 0, 0),
    }
    for name, wanted in expected.items():
        found = fresh_sandbox.path(name).stat()
        assert (found.st_mode & 0o777, found.st_uid, found.st_gid) == wanted, name
    public = fresh_sandbox.path("/etc/origin-pulls/config.yaml").read_text()
    assert public == f"public_https_port: {fresh_sandbox.https_port}\n"
