"""``scripts/install_plugin FOLDER|ARCHIVE [--theme=jupiter]``: a tile in the user's interface.

It registers the tile and the feature, and lays no page: that is the plugin's own work. The tile's
file has the mode that the caller's umask leaves; one that accounts cannot read is a tile that
nobody sees. Its icon comes from the sprite sheet (``sprite_generator``).
"""

from __future__ import annotations

import json
import os
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from origin_pulls.errors import Refused
from origin_pulls.sandbox import files
from origin_pulls.sandbox.layout import Layout
from origin_pulls.sandbox.programs import answers

NEEDED = ("id", "type", "name")


def main(layout: Layout, words: Sequence[str]) -> int:
    """Install what the folder or archive describes."""
    question = answers.parse(words)
    theme = question.options.get("theme", "jupiter")
    with opened(question.words) as folder:
        entries = described(folder)
        if not entries:
            raise Refused("install_plugin: there is no valid install.json")
        for entry in entries:
            _install(layout, theme, entry)
    sys.stdout.write("Plugin installed ok\n")
    return 0


@contextmanager
def opened(words: Sequence[str]) -> Iterator[Path]:
    """The plugin's folder; an archive is unpacked for the time of the block."""
    place = Path(words[0]) if len(words) == 1 else Path("/nonexistent")
    if place.is_dir():
        yield place
        return
    if not place.is_file():
        raise Refused("Usage: install_plugin <folder or archive> [--theme=jupiter]")
    with tempfile.TemporaryDirectory() as unpacked, tarfile.open(place) as archive:
        archive.extractall(unpacked, filter="data")
        found = sorted(Path(unpacked).rglob("install.json"))
        yield found[0].parent if found else Path(unpacked)


def described(folder: Path) -> list[dict[str, Any]]:
    """The tiles that ``install.json`` names, each with its icon there; ``[]`` where it is bad."""
    try:
        given = json.loads((folder / "install.json").read_text())
    except (OSError, ValueError):
        return []
    entries = given if isinstance(given, list) else []
    for entry in entries:
        if not isinstance(entry, dict) or any(not entry.get(key) for key in NEEDED):
            return []
        if entry.get("icon") and not (folder / entry["icon"]).is_file():
            return []
    return entries


def tile(layout: Layout, theme: str, name: str) -> Path:
    """The file of a plugin's tile."""
    return layout.at(f"/usr/local/cpanel/base/frontend/{theme}/dynamicui/dynamicui_{name}.conf")


def feature_file(layout: Layout, name: str) -> Path:
    """The file by which the Feature Manager knows a plugin's feature."""
    return layout.at(f"/usr/local/cpanel/whostmgr/addonfeatures/{name}")


def _install(layout: Layout, theme: str, entry: dict[str, Any]) -> None:
    place = tile(layout, theme, entry["id"])
    _write(place, json.dumps(entry) + "\n")
    if entry.get("feature") and entry.get("featuremanager", True):
        _write(feature_file(layout, entry["feature"]), f"{entry['feature']}:{entry['name']}\n")


def _write(place: Path, text: str) -> None:
    """With the caller's umask, unlike everything else that the sandbox lays."""
    if not place.parent.is_dir():
        files.folder(place.parent)
    place.unlink(missing_ok=True)
    number = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
    with os.fdopen(number, "w", encoding="utf-8") as written:
        written.write(text)
