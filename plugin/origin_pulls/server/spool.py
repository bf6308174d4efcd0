"""What the panel's hooks noted: small files in a folder of root's, read once and removed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from origin_pulls.config import Config
from origin_pulls.model import reconciling
from origin_pulls.model.reconciling import Event
from origin_pulls.server import files

LARGEST = 4096  # bytes of one file


@dataclass(frozen=True, slots=True)
class Spooled:
    """The events in their order, and the files that they came from."""

    events: tuple[Event, ...] = ()
    files: tuple[Path, ...] = ()


def read(config: Config) -> Spooled:
    """What is noted now. A file that makes no sense counts as read: it only says "look again"."""
    try:
        places = sorted(islice(config.spool_directory.iterdir(), config.spool_files))
    except OSError:
        return Spooled()
    taken = [path for path in places if not path.name.startswith(".")]
    events = [event for path in taken if (event := _event(path))]
    return Spooled(tuple(events), tuple(taken))


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
