"""Templates, and the names of style sheet and script beside the panel's entry script."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

# The tree this package stands in; a release keeps the same shape.
TREE = Path(__file__).resolve().parents[3]
TEMPLATES = TREE / "templates"
STATIC = TREE / "static"


@dataclass(frozen=True, slots=True)
class Assets:
    """The templates' texts by name, and the names under which the panel serves our files."""

    templates: Mapping[str, str]
    styles: tuple[str, ...]
    scripts: tuple[str, ...]


def hashed_name(path: Path) -> str:
    """``page.css`` as ``page-0123456789ab.css``: a changed file gets another name."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
    return f"{path.stem}-{digest}{path.suffix}"


def load(templates: Path = TEMPLATES, static: Path = STATIC) -> Assets:
    """What lies in ``templates/`` and ``static/``, read once."""
    return Assets(
        templates={
            str(path.relative_to(templates)): path.read_text(encoding="utf-8")
            for path in sorted(templates.rglob("*.html"))
        },
        styles=tuple(hashed_name(path) for path in sorted(static.glob("*.css"))),
        scripts=tuple(hashed_name(path) for path in sorted(static.glob("*.js"))),
    )
