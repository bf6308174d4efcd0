"""One file that the installed release lays somewhere: looked at, and laid anew."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from origin_pulls.server import files


@dataclass(frozen=True, slots=True)
class Laid:
    """One file that the release lays: from where, to where, with which mode."""

    name: str
    source: Path
    place: Path
    mode: int

    def problem(self) -> str:
        """What is wrong with it, empty where it is as released."""
        try:
            found = self.place.lstat()
            if not stat.S_ISREG(found.st_mode):
                return "something else stands in its place"
            if files.read(self.place) != files.read(self.source):
                return "it is not as released"
        except FileNotFoundError:
            return "it is missing"
        if found.st_uid != os.geteuid() or found.st_mode & 0o022:
            return "others than root may change it"
        return "its mode is wrong" if self.mode & ~found.st_mode & 0o777 else ""

    def lay(self) -> None:
        """Put it there as released, whole."""
        if self.place.is_symlink():
            self.place.unlink()
        files.replace(self.place, files.read(self.source) or b"", mode=self.mode)
