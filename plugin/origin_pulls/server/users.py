"""System users, as the server's own list has them."""

from __future__ import annotations

from pathlib import Path

from origin_pulls.server import files

LARGEST = 16 * 1024 * 1024


def ids(passwd: Path, name: str) -> tuple[int, int] | None:
    """User and group id of a system user; ``None`` where there is no such user."""
    text = files.read(passwd, limit=LARGEST) or b""
    for line in text.decode("utf-8", "replace").splitlines():
        cells = line.split(":")
        if len(cells) > 3 and cells[0] == name and cells[2].isdecimal() and cells[3].isdecimal():
            return int(cells[2]), int(cells[3])
    return None
