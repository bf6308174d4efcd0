"""``scripts/restartsrv_httpd``: start, stop, restart and look at Apache; exit code 0 = success."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from signal import SIGHUP, SIGUSR1

from origin_pulls.sandbox import apache, rebuild, switches
from origin_pulls.sandbox.layout import Layout
from origin_pulls.sandbox.programs import later

OPTIONS = (
    *("--check", "--graceful", "--hard", "--help", "--notconfigured-ok", "--reload"),
    *("--restart", "--start", "--status", "--stop"),
)


def main(layout: Layout, words: Sequence[str]) -> int:
    """Do what the option says; a plain call is a restart."""
    if "--help" in words or set(words) - set(OPTIONS):
        sys.stdout.write(f"Usage: restartsrv_httpd [{' | '.join(OPTIONS)}]\n")
        return 0 if "--help" in words else 1
    if "--status" in words or "--check" in words:
        return _status(layout)
    if layout.update_marker.exists():
        sys.stdout.write("An update of Apache is in progress: httpd is not restarted.\n")
        return 1
    problem = _action(words)(layout)
    if problem:
        sys.stdout.write(f"{problem}\nhttpd has failed. Contact your system administrator.\n")
        return 1
    sys.stdout.write("httpd stopped.\n" if "--stop" in words else "httpd restarted successfully.\n")
    return switches.read(layout).restart_code


def _action(words: Sequence[str]) -> Callable[[Layout], str]:
    if "--stop" in words:
        return _stop
    if "--start" in words:
        return apache.start
    if "--hard" in words:
        return _hard
    return _graceful if {"--graceful", "--reload"} & set(words) else restart


def _status(layout: Layout) -> int:
    found = apache.parent(layout)
    said = f"httpd is running with PID {found} (process check)" if found else "httpd is not running"
    sys.stdout.write(f"{said}\n")
    return 0 if found else 1


def _stop(layout: Layout) -> str:
    apache.stop(layout)
    return ""


def _hard(layout: Layout) -> str:
    apache.stop(layout)
    return apache.start(layout)


def restart(layout: Layout) -> str:
    """Test and restart (SIGHUP), or start what does not run; what went wrong, or nothing."""
    if switches.read(layout).restart_rebuilds:
        with rebuild.locked(layout):
            rebuild.rebuild(layout)
    test = apache.try_configuration(layout)
    if test.returncode:
        return test.stdout
    return "" if apache.signal_parent(layout, SIGHUP) else apache.start(layout)


def _graceful(layout: Layout) -> str:
    """What ``apachectl graceful`` does: test, then tell the parent, and not wait for it."""
    positions = switches.read(layout)
    if positions.restart_fails:
        return "httpd did not restart."
    if not positions.graceful_without_test:
        test = apache.try_configuration(layout)
        if test.returncode:
            return test.stdout
    if positions.restart_delay:
        later.graceful(layout, positions.restart_delay)
        return ""
    return "" if apache.signal_parent(layout, SIGUSR1) else apache.start(layout)
