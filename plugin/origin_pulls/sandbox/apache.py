"""The sandbox's real Apache: start it, stop it, tell it to reload, see whether it lives."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from origin_pulls.errors import Refused
from origin_pulls.sandbox import processes, server_settings
from origin_pulls.sandbox.layout import Layout

PROGRAM = Path("/usr/sbin/apache2")
START_PATIENCE = 60.0
LOOK_AGAIN = 0.01
ONLY_ASKED = frozenset((b"-t", b"-S", b"-M", b"-v", b"-V", b"-l"))  # these serve nobody


def parent(layout: Layout) -> int | None:
    """The number of the running parent process, ``None`` where none lives."""
    try:
        number = int(layout.pid_file.read_text())
    except (FileNotFoundError, ValueError):
        return None
    return number if _is_ours(layout, number) else None


def try_configuration(layout: Layout, conf: Path | None = None) -> subprocess.CompletedProcess[str]:
    """Let Apache test a configuration: the one in force, or another file."""
    other = ["-f", str(conf)] if conf else []
    return _run([str(layout.at("/usr/sbin/httpd")), *other, "-t"])


def start(layout: Layout) -> str:
    """Start Apache and wait until it answers; what went wrong, empty when it runs."""
    if parent(layout):
        return ""
    if not any(_processes(layout)):
        # systemd does that for a service that is down. Apache believes the file as long as any
        # process has the number in it.
        layout.pid_file.unlink(missing_ok=True)
    started = _run([str(layout.at("/usr/sbin/apachectl")), "start"])
    if started.returncode:
        return _last_words(started.stdout)
    settings = server_settings.read(layout)
    deadline = time.monotonic() + START_PATIENCE
    # A daemon tells nobody that it listens: ask its port until it does, or has gone.
    while time.monotonic() < deadline:
        if parent(layout) and _listens(settings.shared_address, settings.https_port):
            return ""
        if not any(_processes(layout)):
            return _last_words(started.stdout) or _last_words(_error_log(layout))
        time.sleep(LOOK_AGAIN)
    return f"Apache did not answer within {START_PATIENCE:g} seconds"


def signal_parent(layout: Layout, number: signal.Signals) -> bool:
    """Send the running parent a signal; whether there was one."""
    found = parent(layout)
    if found is None:
        return False
    os.kill(found, number)
    return True


def stop(layout: Layout) -> None:
    """End every Apache of this sandbox, also one whose pid file is lost, and wait for its end."""
    if found := parent(layout):
        processes.end(found)
    # Children whose parent was killed listen to no gentler signal.
    for process in list(_processes(layout)):
        processes.end(process, signal.SIGKILL)
    layout.pid_file.unlink(missing_ok=True)


def _processes(layout: Layout) -> Iterator[int]:
    """Every living process that was started with this sandbox's configuration."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and _is_ours(layout, int(entry.name)):
            yield int(entry.name)


def _is_ours(layout: Layout, number: int) -> bool:
    words = processes.called(number)
    is_apache = words[:1] == [bytes(PROGRAM)] and bytes(layout.httpd_conf) in words
    return is_apache and not ONLY_ASKED.intersection(words)


def _listens(address: str, port: int) -> bool:
    try:
        with socket.create_connection((address, port), timeout=1):
            return True
    except OSError:
        return False


def _run(words: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )


def _error_log(layout: Layout) -> str:
    try:
        return (layout.logs / "error_log").read_text(errors="replace")
    except FileNotFoundError:
        return ""


def _last_words(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip()]
    return " | ".join(lines[-3:]) or "Apache ended and said nothing"


def require_program() -> None:
    """Refuse where Apache is not installed."""
    if not PROGRAM.is_file():
        raise Refused(
            "There is no Apache on this machine (/usr/sbin/apache2 is missing)",
            hint="apt-get install apache2-bin",
        )
