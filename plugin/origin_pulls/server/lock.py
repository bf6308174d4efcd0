"""The one lock: whoever changes anything on the server holds it, for one run."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from origin_pulls.errors import Busy
from origin_pulls.server import files

PAUSE = 0.1


@contextmanager
def held(path: Path, *, patience: float, waiting: Callable[[str], None]) -> Iterator[None]:
    """Hold the lock while the block runs; the kernel lets go of it when the process ends.

    ``waiting`` is called once with a sentence when somebody else holds it. Raises ``Busy`` after
    ``patience`` seconds.
    """
    handle = _open(path)
    try:
        _take(handle, path, patience, waiting)
        while not _is_at(handle, path):
            # Somebody removed the file while we waited: what we hold is nobody's lock any more.
            os.close(handle)
            handle = _open(path)
            _take(handle, path, patience, waiting)
        _note_holder(handle)
        yield
    finally:
        os.close(handle)


def _note_holder(handle: int) -> None:
    """Let those who wait know for whom; on a full disk they do without."""
    os.ftruncate(handle, 0)
    with suppress(OSError):
        os.pwrite(handle, str(os.getpid()).encode(), 0)


def _open(path: Path) -> int:
    files.make_directory(path.parent)
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _is_at(handle: int, path: Path) -> bool:
    try:
        found = path.stat()
    except FileNotFoundError:
        return False
    mine = os.fstat(handle)
    return (mine.st_dev, mine.st_ino) == (found.st_dev, found.st_ino)


def is_held(path: Path) -> bool:
    """Whether somebody holds the lock at this moment."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        # A shared one: two who look at the same moment do not take each other for its holder.
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def _take(handle: int, path: Path, patience: float, waiting: Callable[[str], None]) -> None:
    end = time.monotonic() + patience
    has_said = False
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(handle, 32, 0).decode("ascii", "replace") or "unknown"
            if time.monotonic() >= end:
                raise Busy(
                    f"Another run of Origin Pulls (process {holder}) holds {path}",
                    hint=f"Wait for it, or look what it does: ps -fp {holder}. If it hangs: "
                    f"kill -9 {holder}, and type this again (the kill is recovered from).",
                ) from None
            if not has_said:
                waiting(f"waiting for another run (process {holder})")
                has_said = True
            time.sleep(PAUSE)
        else:
            return
