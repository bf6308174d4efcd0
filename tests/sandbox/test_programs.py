"""The programs keep cPanel's contract: exit codes, last lines, locks and traps."""

from __future__ import annotations

import fcntl
import subprocess
import time
from collections.abc import Callable

import pytest

from origin_pulls.sandbox import Sandbox, files, switches
from origin_pulls.sandbox.visitor import ask

pytestmark = pytest.mark.apache

REBUILD = "/usr/local/cpanel/scripts/rebuildhttpdconf"
RESTART = "/usr/local/cpanel/scripts/restartsrv_httpd"
ENSURE = "/usr/local/cpanel/scripts/ensure_vhost_includes"
HTTPD = "/usr/sbin/httpd"
PATIENCE = 15.0

INCLUDE = "ssl/2_4/shop/shop.example/a.conf"
HEADER = "Header always set X-Included yes\n"


def lay(sandbox: Sandbox, text: str) -> str:
    """Lay an include of shop.example and tell its Include line."""
    path = sandbox.layout.include_tree / INCLUDE
    files.lay(path, text)
    return f'Include "{path.parent}/*.conf"\n'


def conf(sandbox: Sandbox) -> str:
    """httpd.conf with its comment lines left out."""
    lines = sandbox.layout.httpd_conf.read_text().splitlines(keepends=True)
    return "".join(line for line in lines if not line.lstrip().startswith("#"))


def eventually(holds: Callable[[], bool]) -> bool:
    """Whether something becomes true; Apache tells nobody when a graceful restart is done."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def is_included(sandbox: Sandbox) -> bool:
    """Whether the running Apache has read the include of shop.example."""
    return ask(sandbox, "shop.example").headers.get("X-Included") == "yes"


def test_a_rebuild_ends_with_the_documented_line(sandbox: Sandbox) -> None:
    before = sandbox.layout.httpd_conf.stat().st_ino
    done = sandbox.run(REBUILD)
    lines = done.stdout.splitlines()
    assert done.returncode == 0
    assert lines[0].startswith("info [rebuildhttpdconf]")
    assert lines[-1] == f"Built {sandbox.layout.httpd_conf} OK"
    assert sandbox.layout.httpd_conf.stat().st_ino != before
    assert list(sandbox.layout.httpd_conf.parent.glob("*work*")) == []


def test_the_scripts_are_found_by_their_short_name(sandbox: Sandbox) -> None:
    assert sandbox.run("/scripts/rebuildhttpdconf", "--help").returncode == 0


def test_a_preview_changes_nothing(sandbox: Sandbox) -> None:
    before = sandbox.layout.httpd_conf.stat().st_ino
    assert sandbox.run(REBUILD, "--preview").returncode == 0
    assert sandbox.layout.httpd_conf.stat().st_ino == before
    assert sandbox.layout.httpd_conf.with_name("httpd-preview.conf").exists()


def test_a_rebuild_takes_up_an_include_but_does_not_restart(fresh_sandbox: Sandbox) -> None:
    line = lay(fresh_sandbox, HEADER)
    assert line not in conf(fresh_sandbox)
    assert fresh_sandbox.run(REBUILD).returncode == 0
    assert line in conf(fresh_sandbox)
    assert not is_included(fresh_sandbox)
    assert fresh_sandbox.run(RESTART, "--graceful").returncode == 0
    assert eventually(lambda: is_included(fresh_sandbox))


def test_a_rebuild_with_a_broken_include_keeps_the_old_file(fresh_sandbox: Sandbox) -> None:
    before = fresh_sandbox.layout.httpd_conf.read_bytes()
    lay(fresh_sandbox, "# first\nNoSuchDirective on\n")
    done = fresh_sandbox.run(REBUILD)
    assert done.returncode == 1
    assert "line 2" in done.stdout
    assert INCLUDE in done.stdout
    assert "NoSuchDirective" in done.stdout
    assert not done.stdout.rstrip().endswith("OK")
    assert fresh_sandbox.layout.httpd_conf.read_bytes() == before
    switches.turn(fresh_sandbox.layout, rebuild_refusal_code=255)
    assert fresh_sandbox.run(REBUILD).returncode == 255


def test_a_broken_include_in_an_included_folder_breaks_the_live_config(
    fresh_sandbox: Sandbox,
) -> None:
    lay(fresh_sandbox, HEADER)
    fresh_sandbox.run(REBUILD)
    lay(fresh_sandbox, "NoSuchDirective on\n")
    assert fresh_sandbox.run(HTTPD, "-t").returncode == 1
    assert fresh_sandbox.run(RESTART, "--graceful").returncode == 1
    assert fresh_sandbox.is_running
    (fresh_sandbox.layout.include_tree / INCLUDE).unlink()
    assert fresh_sandbox.run(HTTPD, "-t").returncode == 1  # an emptied folder breaks it as well
    assert fresh_sandbox.run(REBUILD).returncode == 0
    assert fresh_sandbox.run(HTTPD, "-t").returncode == 0


def test_a_rebuild_waits_for_cpanels_own_lock(sandbox: Sandbox) -> None:
    with sandbox.path("/var/cpanel/locks/httpd.conf.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        waiting = subprocess.Popen([sandbox.path(REBUILD)], stdout=subprocess.DEVNULL)
        with pytest.raises(subprocess.TimeoutExpired):
            waiting.wait(0.5)
        assert sandbox.run(REBUILD, "--nolock").returncode == 0
        fcntl.flock(lock, fcntl.LOCK_UN)
        assert waiting.wait(PATIENCE) == 0


@pytest.mark.parametrize(("switch", "code"), [("rebuild_fails", 1), ("rebuild_lies", 0)])
def test_a_rebuild_may_fail_or_lie(fresh_sandbox: Sandbox, switch: str, code: int) -> None:
    switches.turn(fresh_sandbox.layout, **{switch: True})
    line = lay(fresh_sandbox, HEADER)
    assert fresh_sandbox.run(REBUILD).returncode == code
    assert line not in conf(fresh_sandbox)


def test_apache_is_not_restarted_while_it_is_updated(fresh_sandbox: Sandbox) -> None:
    fresh_sandbox.layout.update_marker.touch()
    for option in ("--graceful", "--restart", "--stop"):
        assert fresh_sandbox.run(RESTART, option).returncode == 1
    assert fresh_sandbox.is_running
    assert fresh_sandbox.run(RESTART, "--status").returncode == 0


def test_stop_start_and_hard_restart(fresh_sandbox: Sandbox) -> None:
    first = fresh_sandbox.pid
    assert fresh_sandbox.run(RESTART, "--hard").returncode == 0
    assert fresh_sandbox.pid not in (first, None)
    assert fresh_sandbox.run(RESTART, "--stop").returncode == 0
    assert not fresh_sandbox.is_running
    assert fresh_sandbox.run(RESTART, "--check").returncode == 1
    assert fresh_sandbox.run(RESTART, "--start").returncode == 0
    assert ask(fresh_sandbox, "shop.example").status == 200


def test_a_garbage_ca_passes_the_test_and_kills_the_parent(fresh_sandbox: Sandbox) -> None:
    garbage = fresh_sandbox.path("/etc/garbage.pem")
    garbage.write_text("garbage\n")
    lay(fresh_sandbox, f"SSLVerifyClient require\nSSLCACertificateFile {garbage}\n")
    assert fresh_sandbox.run(REBUILD).returncode == 0
    assert fresh_sandbox.run(RESTART, "--graceful").returncode == 0
    assert eventually(lambda: not fresh_sandbox.is_running)
    assert fresh_sandbox.run(RESTART, "--start").returncode == 1


def test_a_graceful_restart_may_be_deferred(fresh_sandbox: Sandbox) -> None:
    lay(fresh_sandbox, HEADER)
    fresh_sandbox.run(REBUILD)
    switches.turn(fresh_sandbox.layout, restart_delay=1)
    assert fresh_sandbox.run(RESTART, "--graceful").returncode == 0
    assert not is_included(fresh_sandbox)
    assert eventually(lambda: is_included(fresh_sandbox))


def test_ensure_vhost_includes_restarts_by_itself(fresh_sandbox: Sandbox) -> None:
    switches.turn(fresh_sandbox.layout, includes_restart_delay=0)
    line = lay(fresh_sandbox, HEADER)
    assert fresh_sandbox.run(ENSURE, "--user=shop").returncode == 0
    assert line in conf(fresh_sandbox)
    assert eventually(lambda: is_included(fresh_sandbox))


def test_ensure_vhost_includes_does_not_test_what_it_writes(fresh_sandbox: Sandbox) -> None:
    line = lay(fresh_sandbox, "NoSuchDirective on\n")
    assert fresh_sandbox.run(ENSURE, "--domain=plain.example", "--no-restart").returncode == 0
    assert line not in conf(fresh_sandbox)
    assert fresh_sandbox.run(ENSURE, "--domain=shop.example", "--no-restart").returncode == 0
    assert line in conf(fresh_sandbox)
    assert fresh_sandbox.run(HTTPD, "-t").returncode == 1
    assert fresh_sandbox.is_running


def test_a_configuration_named_by_the_caller_wins(sandbox: Sandbox) -> None:
    done = sandbox.run(HTTPD, "-f", "/nonexistent/httpd.conf", "-t")
    assert done.returncode != 0
    assert "/nonexistent/httpd.conf" in done.stdout


def test_apachectl_tests_before_it_reloads(sandbox: Sandbox) -> None:
    assert sandbox.run("/usr/sbin/apachectl", "configtest").returncode == 0
    assert sandbox.run("/usr/sbin/apachectl", "graceful").returncode == 0
    assert ask(sandbox, "shop.example").status == 200
