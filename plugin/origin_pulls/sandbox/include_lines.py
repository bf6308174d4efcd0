"""Which include lines a vhost gets: decided while httpd.conf is built, by what lies there then.

The order and the traps are those of facts/cpanel.md §2.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path

from origin_pulls.sandbox.layout import Layout

NEWEST = "2_4"
OLDER = "2"


class IncludeTree:
    """The administrator's include folders as they are at this moment."""

    def __init__(self, layout: Layout) -> None:
        self.top = layout.include_tree
        self._listed: dict[Path, list[str]] = {}

    def lines(self, kind: str, user: str, owner: str, domains: Sequence[str]) -> str:
        """The Include lines of one vhost; ``kind`` is ``ssl`` or ``std``.

        ``domains`` are the ServerAliases in order, then the ServerName.
        """
        return "\n".join(
            f'    Include "{pattern}"'
            for pattern in self._patterns(kind, user, owner, domains)
            if self._matches(pattern)
        )

    def directory(self, kind: str, user: str, name: str) -> Path:
        """The directory that a vhost's comment line names, also while ``2`` is in force."""
        return self.top / kind / NEWEST / user / _safe(name)

    def _patterns(self, kind: str, user: str, owner: str, domains: Sequence[str]) -> Iterator[Path]:
        # One or the other, never both: a new 2_4 silently drops what lies in 2.
        version = NEWEST if (self.top / kind / NEWEST).is_dir() else OLDER
        base = self.top / kind / version
        for folder in (self.top, self.top / kind, base):
            yield folder / "*.conf"
            yield folder / f"*.owner-{owner}"
        yield base / user / "*.conf"
        if self._names(base / user):
            for slot in dict.fromkeys(map(_safe, domains)):
                yield base / user / slot / "*.conf"

    def _matches(self, pattern: Path) -> bool:
        return any(
            fnmatchcase(name, pattern.name) and not name.startswith(".")
            for name in self._names(pattern.parent)
        )

    def _names(self, folder: Path) -> list[str]:
        if folder not in self._listed:
            try:
                self._listed[folder] = [entry.name for entry in folder.iterdir()]
            except (FileNotFoundError, NotADirectoryError):
                self._listed[folder] = []
        return self._listed[folder]


def _safe(domain: str) -> str:
    """The folder name of a domain: a wildcard's differs from its ServerName."""
    for prefix in ("*.", "_wildcard_."):
        if domain.startswith(prefix):
            return "wildcard_safe." + domain.removeprefix(prefix)
    return domain
