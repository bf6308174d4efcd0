"""Builds httpd.conf anew: lock, build beside, Apache's test, rename. Or keeps the old one."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from origin_pulls.errors import Refused
from origin_pulls.sandbox import apache, files, httpd_conf, switches
from origin_pulls.sandbox.layout import Layout


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """How a rebuild ended: the exit code and what the program says."""

    code: int
    output: str


@contextmanager
def locked(layout: Layout) -> Iterator[None]:
    """Hold cPanel's own lock on httpd.conf; a second build waits here."""
    path = layout.at("/var/cpanel/locks/httpd.conf.lock")
    with path.open("a") as opened:
        fcntl.flock(opened, fcntl.LOCK_EX)
        yield


def rebuild(layout: Layout) -> Rebuilt:
    """Build, test and put in place; the old file stays where anything is wrong."""
    positions = switches.read(layout)
    information = "".join(
        f"info [rebuildhttpdconf] step {number} of the build\n"
        for number in range(1, positions.rebuild_info_lines + 1)
    )
    if positions.rebuild_seconds:
        time.sleep(positions.rebuild_seconds)
    problem = _built(layout, positions)
    if problem:
        said = "Initial configuration generation failed with the following message:\n\n"
        return Rebuilt(positions.rebuild_refusal_code, f"{information}{said}{problem}\n")
    return Rebuilt(0, f"{information}Built {layout.httpd_conf} OK\n")


def preview(layout: Layout) -> Rebuilt:
    """Write what would be built to ``httpd-preview.conf`` and leave the rest alone."""
    path = layout.httpd_conf.with_name("httpd-preview.conf")
    files.replace(path, httpd_conf.render(layout), mode=0o600)
    return Rebuilt(0, f"Built {path} OK\n")


def _built(layout: Layout, positions: switches.Switches) -> str:
    """Put a new file in place; or the reason why not."""
    if positions.rebuild_lies:
        return ""
    try:
        text = httpd_conf.render(layout)
    except Refused as error:
        return error.message
    mode = int(positions.httpd_conf_mode, 8)
    work = layout.httpd_conf.with_name(f"httpd.conf.work.{os.getpid()}")
    files.lay(work, text, mode=mode)
    try:
        return _tested(layout, work, positions)
    finally:
        work.unlink(missing_ok=True)


def _tested(layout: Layout, work: Path, positions: switches.Switches) -> str:
    test = apache.try_configuration(layout, work)
    if test.returncode or positions.rebuild_fails:
        return test.stdout.strip() or "The build was refused."
    work.rename(layout.httpd_conf)
    return ""
