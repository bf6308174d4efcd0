"""The front's process: started, found again, ended."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from origin_pulls.errors import Refused
from origin_pulls.sandbox import files, machine, processes
from origin_pulls.sandbox.front import laying
from origin_pulls.sandbox.layout import ADDRESS, Layout

MODULE = "origin_pulls.sandbox.front"
ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class Ports:
    """Where WHM and cPanel answer."""

    whm: int
    cpanel: int

    @property
    def whm_url(self) -> str:
        """WHM's address."""
        return f"https://{ADDRESS}:{self.whm}"

    @property
    def cpanel_url(self) -> str:
        """cPanel's address."""
        return f"https://{ADDRESS}:{self.cpanel}"


def ports(layout: Layout) -> Ports | None:
    """The ports of a front that was started here, running or not."""
    try:
        return Ports(**json.loads((layout.directory / "sandbox-front.json").read_text()))
    except FileNotFoundError:
        return None


def pid(layout: Layout) -> int | None:
    """The running front, ``None`` where none runs."""
    return next(processes.with_words(_words(layout)), None)


def has_programs() -> bool:
    """Whether Perl and PHP are on this machine."""
    return laying.PERL.exists() and laying.PHP_CGI.exists()


def require_programs() -> None:
    """Refuse where Perl or PHP is missing."""
    for program, package in ((laying.PERL, "perl"), (laying.PHP_CGI, "php-cgi")):
        if not program.exists():
            raise Refused(
                f"The sandbox's panels need {program}, which is not on this machine",
                hint=f"apt-get install {package}, or: sandbox up --no-front",
            )


def start(layout: Layout, wanted: Ports | None = None) -> Ports:
    """Start the front and wait until it answers; one that runs is left as it is."""
    known = ports(layout) or wanted
    if known and pid(layout):
        laying.lay_plugin(layout.directory)  # what was changed since in the source tree
        return known
    require_programs()
    laying.lay_panel(layout)
    laying.lay_plugin(layout.directory)
    for _ in range(ATTEMPTS):
        chosen = _chosen(known)
        files.replace(layout.directory / "sandbox-front.json", json.dumps(asdict(chosen)) + "\n")
        if _launch(layout, chosen).startswith("ready"):
            return chosen
        known = None  # somebody may have taken a port since it was found free
    raise Refused(
        f"The sandbox's panels do not start: see {_log(layout)}",
        hint=f"origin-pulls sandbox up --no-front --dir {layout.directory} goes without them.",
    )


def stop(layout: Layout) -> None:
    """End the front and wait for its end."""
    processes.end_all(_words(layout))


def _launch(layout: Layout, chosen: Ports) -> str:
    """Start the process; the first line that it says."""
    files.folder(layout.at("/usr/local/cpanel/logs"))
    words = [sys.executable, *_words(layout), str(chosen.whm), str(chosen.cpanel)]
    with _log(layout).open("ab") as log:
        started = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            env=_environment(),
            cwd="/",
            start_new_session=True,
        )
    if started.stdout is None:
        return ""
    with started.stdout:
        said = started.stdout.readline().decode()
    if not said:
        started.wait()
    # It lives on without us: that nobody waits for it is meant.
    started.returncode = 0
    return said


def _environment() -> Mapping[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("ORIGIN_")}


def _log(layout: Layout) -> Path:
    return layout.at("/usr/local/cpanel/logs/front.log")


def _words(layout: Layout) -> list[str]:
    return ["-m", MODULE, str(layout.directory)]


def _chosen(known: Ports | None) -> Ports:
    if known and machine.is_free(known.whm) and machine.is_free(known.cpanel):
        return known
    return Ports(*machine.free_ports())
