"""``sandbox.json``: what a sandbox is, and the mark by which its directory is known as ours."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from origin_pulls.errors import Refused
from origin_pulls.sandbox import files
from origin_pulls.sandbox.layout import Layout

KIND = "origin-pulls sandbox"


@dataclass(frozen=True, slots=True)
class State:
    """What ``sandbox.json`` says; one that is not complete was interrupted."""

    https_port: int
    http_port: int
    asked_vhosts: int
    is_complete: bool
    # Its Cloudflare, where it has one: the ports of API, edge, and the edge's plain HTTP.
    cloudflare: tuple[int, int, int] | None = None
    kind: str = KIND


def read(layout: Layout) -> State | None:
    """The state, ``None`` where no sandbox is; ``Refused`` where a file of that name is foreign."""
    try:
        given: Any = json.loads(layout.marker.read_text())
        ports = given.get("cloudflare")
        found = State(**given | {"cloudflare": tuple(ports) if ports else None})
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (ValueError, TypeError, AttributeError):
        found = None
    if found is None or found.kind != KIND:
        raise Refused(
            f"{layout.marker} is not a sandbox's own file: nothing is touched",
            hint="Choose another directory with --dir.",
        )
    return found


def write(layout: Layout, state: State) -> None:
    """Replace the state whole."""
    begun = layout.begun_marker
    files.lay(begun, json.dumps(asdict(state), indent=1) + "\n", mode=0o600)
    begun.rename(layout.marker)


def clear(layout: Layout) -> None:
    """Delete everything in the directory but the marker."""
    for entry in layout.directory.iterdir():
        if entry == layout.marker:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


@contextmanager
def held(directory: Path) -> Iterator[None]:
    """One builder at a time; the lock is the directory itself and vanishes with it."""
    number = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(number, fcntl.LOCK_EX)
        yield
    finally:
        os.close(number)
