"""What the panel's hooks noted: small files in a folder of root's, read once and removed."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from origin_pulls.config import Config
from origin_pulls.model import reconciling
from origin_pulls.model.reconciling import Event
from origin_pulls.server import files

LARGEST = 4096  # bytes of one file
LONGEST = 3600.0  # seconds that a hook takes, at the very most


@dataclass(frozen=True, slots=True)
class Spooled:
    """The events in their order, and the files that they came from."""

    events: tuple[Event, ...] = ()
    files: tuple[Path, ...] = ()


def read(config: Config) -> Spooled:
    """What is noted now. A file that makes no sense counts as read: it only says "look again"."""
    try:
        whole = (path for path in config.spool_directory.iterdir() if not _is_begun(path))
        taken = sorted(islice(whole, config.spool_files))
    except OSError:
        return Spooled()
    events = [event for path in taken if (event := _event(path))]
    return Spooled(tuple(events), tuple(taken))


def _is_begun(path: Path) -> bool:
    """Whether a hook may still be writing it. One that was killed is not: what it left is swept."""
    if not path.name.startswith("."):
        return False
    with suppress(OSError):
        if time.time() - path.stat().st_mtime > LONGEST:
            path.unlink()
    return True


def has_something(config: Config) -> bool:
    """Whether a hook noted anything since the spool was emptied."""
    try:
        return any(not path.name.startswith(".") for path in config.spool_directory.iterdir())
    except OSError:
        return False


def forget(places: Sequence[Path]) -> None:
    """Remove what was followed."""
    for path in places:
        path.unlink(missing_ok=True)


def _event(path: Path) -> Event | None:
    try:
        text = files.read(path, limit=LARGEST) or b""
    except OSError:
        return None
    return reconciling.read_event(text.decode("utf-8", "replace"))
