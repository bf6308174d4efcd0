"""The one door for files: read with a limit, replace whole, remove; never half a file."""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterable
from pathlib import Path

PUBLIC = 0o644
PRIVATE = 0o600
LARGEST = 256 * 1024 * 1024


def read(path: Path, *, limit: int = LARGEST) -> bytes | None:
    """The whole text of a regular file; ``None`` when there is none.

    Raises ``OSError`` for what is no regular file or larger than ``limit``: a pipe or a device
    in the place of a file must not hang or fill the agent.
    """
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(errno.EINVAL, "it is no regular file", str(path))
    with os.fdopen(handle, "rb") as stream:
        text = stream.read(limit + 1)
    if len(text) > limit:
        raise OSError(errno.EFBIG, f"it is larger than {limit} bytes", str(path))
    return text


def replace(path: Path, text: bytes, *, mode: int = PUBLIC) -> None:
    """Put ``text`` in the place of the file at once: a reader sees all the old or all the new.

    The text is on the disk before the name points to it, and the name before this returns.
    """
    make_directory(path.parent, mode=0o755 if mode & 0o044 else 0o700)
    # A leading dot keeps the half-written file out of Apache's *.conf. Always the same name, so
    # that what a kill leaves behind is taken up by the next attempt.
    written = path.with_name(f".{path.name}.new")
    written.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        with os.fdopen(os.open(written, flags, 0o600), "wb") as stream:
            stream.write(text)
            stream.flush()
            os.fchmod(stream.fileno(), mode)
            os.fsync(stream.fileno())
        written.rename(path)
    except BaseException:
        written.unlink(missing_ok=True)
        raise
    sync_directories([path.parent])


def remove(path: Path) -> None:
    """Take a file away; one that is gone already is no error."""
    path.unlink(missing_ok=True)
    sync_directories([path.parent])


def make_directory(path: Path, *, mode: int = 0o755) -> None:
    """Make a folder and those above it; the ones that are there keep their modes."""
    missing = []
    while not path.is_dir():
        missing.append(path)
        path = path.parent
    for folder in reversed(missing):
        try:
            folder.mkdir(mode=mode)
        except FileExistsError:
            continue
        folder.chmod(mode)
        sync_directories([folder.parent])


def sync_directories(folders: Iterable[Path]) -> None:
    """Make sure that names in these folders are on the disk."""
    for folder in folders:
        try:
            handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except FileNotFoundError:
            continue
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def signature(path: Path) -> str:
    """A word that changes whenever the file does; empty when there is none."""
    try:
        found = path.stat()
    except OSError:
        return ""
    return f"{found.st_ino}-{found.st_size}-{found.st_mtime_ns}-{found.st_ctime_ns}"
