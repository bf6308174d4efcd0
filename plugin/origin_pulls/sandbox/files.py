"""Lays files and folders with their owners and modes, whatever umask the caller has."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = (0, 0)


def folder(path: Path, *, mode: int = 0o755, owner: tuple[int, int] = ROOT) -> Path:
    """Make a folder (its parents open to all) and give it owner and mode."""
    if not path.parent.is_dir():
        folder(path.parent)
    path.mkdir(exist_ok=True)
    os.chown(path, *owner)
    path.chmod(mode)
    return path


def lay(path: Path, text: str, *, mode: int = 0o644, owner: tuple[int, int] = ROOT) -> None:
    """Write a file in its place; for a directory that nobody reads yet."""
    if not path.parent.is_dir():
        folder(path.parent)
    number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(number, "w", encoding="utf-8") as opened:
        opened.write(text)
        os.fchown(number, *owner)
        os.fchmod(number, mode)


def replace(path: Path, text: str, *, mode: int = 0o644, owner: tuple[int, int] = ROOT) -> None:
    """Write a file beside its place and rename it, so that a reader never sees half of it."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    lay(beside, text, mode=mode, owner=owner)
    beside.rename(path)
