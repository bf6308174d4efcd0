"""Runs the plugin's own services for a sandbox: the agent, and the pages' two web services."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from origin_pulls.errors import Refused
from origin_pulls.sandbox import files, processes
from origin_pulls.sandbox.layout import Layout

PROGRAM = Path(sys.executable).with_name("origin-pulls")
PATIENCE = 60.0
LOOK_AGAIN = 0.02
# Each service: the words that start it, and the socket on which it then listens.
SERVICES = {
    "agent": (("agent",), "/run/origin-pulls/agent/agent.sock"),
    "web-admin": (("web", "admin"), "/run/origin-pulls/admin/web.sock"),
    "web-account": (("web", "account"), "/run/origin-pulls/account/web.sock"),
}


def start(layout: Layout, names: Sequence[str] = tuple(SERVICES)) -> None:
    """Start those that do not run and wait until each answers; ``Refused`` names who does not."""
    begun = {name: _launch(layout, name) for name in names if pid(layout, name) is None}
    deadline = time.monotonic() + PATIENCE
    for name, process in begun.items():
        # A service tells nobody that it listens: ask its socket until it does, or has gone.
        while not _answers(layout.at(SERVICES[name][1])):
            if process.poll() is not None or time.monotonic() > deadline:
                raise Refused(
                    f"The sandbox's {name} does not start: {_last_words(layout, name)}",
                    hint=f"Its log: {log(layout, name)}",
                )
            time.sleep(LOOK_AGAIN)
        # It lives on without us: that nobody waits for it is meant.
        process.returncode = 0


def stop(layout: Layout, names: Sequence[str] = tuple(SERVICES)) -> None:
    """End them and wait for their end, pages first: nobody is left asking a dead agent."""
    for name in reversed(names):
        processes.end_all(_words(layout, name))


def pid(layout: Layout, name: str) -> int | None:
    """The running service, ``None`` where it does not run."""
    return next(processes.with_words(_words(layout, name)), None)


def running(layout: Layout) -> list[str]:
    """Which of them run."""
    return [name for name in SERVICES if pid(layout, name)]


def log(layout: Layout, name: str) -> Path:
    """Where a service writes what it has to say."""
    return layout.at(f"/var/log/origin-pulls/{name}.log")


def _launch(layout: Layout, name: str) -> subprocess.Popen[bytes]:
    place = log(layout, name)
    files.folder(place.parent, mode=0o750)
    with place.open("ab") as opened:
        return subprocess.Popen(
            [str(PROGRAM), *_words(layout, name)],
            stdin=subprocess.DEVNULL,
            stdout=opened,
            stderr=opened,
            cwd="/",
            start_new_session=True,
        )


def _words(layout: Layout, name: str) -> list[str]:
    return ["--root", str(layout.directory), *SERVICES[name][0]]


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as asking:
        try:
            asking.connect(str(path))
        except OSError:
            return False
        return True


def _last_words(layout: Layout, name: str) -> str:
    text = log(layout, name).read_text(errors="replace")
    return " | ".join(text.splitlines()[-3:]) or "it said nothing"
