"""Style sheet and script: files beside the panel's entry script, named after what is in them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

# The tree this package stands in; a release keeps the same shape.
TREE = Path(__file__).resolve().parents[3]
TEMPLATES = TREE / "templates"
STATIC = TREE / "static"


@dataclass(frozen=True, slots=True)
class Assets:
    """The names under which the panel serves our files."""

    styles: tuple[str, ...]
    scripts: tuple[str, ...]


def hashed_name(path: Path) -> str:
    """``page.css`` as ``page-0123456789ab.css``: a changed file gets another name."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
    return f"{path.stem}-{digest}{path.suffix}"


def assets(static: Path = STATIC) -> Assets:
    """The names of what lies in ``static/``."""
    return Assets(
        styles=tuple(hashed_name(path) for path in sorted(static.glob("*.css"))),
        scripts=tuple(hashed_name(path) for path in sorted(static.glob("*.js"))),
    )
