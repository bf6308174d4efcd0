"""The tiles of a theme, and which account has which feature (Feature Manager)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from origin_pulls.sandbox import files, server_settings
from origin_pulls.sandbox.layout import Layout


@dataclass(frozen=True, slots=True)
class Tile:
    """One entry of cPanel's home page."""

    title: str
    uri: str
    feature: str


def tiles(layout: Layout, theme: str) -> Iterator[Tile]:
    """Every tile that a plugin has put into the theme."""
    folder = layout.at(f"/usr/local/cpanel/base/frontend/{theme}/dynamicui")
    for path in sorted(folder.glob("dynamicui_*.conf")):
        if not path.stat().st_mode & 0o004:
            continue  # an unreadable file makes its tiles vanish, and nobody is told
        said = json.loads(path.read_text())
        if said.get("uri"):
            yield Tile(said["name"], said["uri"], said.get("feature", ""))


def has(layout: Layout, user: str, feature: str) -> bool:
    """Whether an account has a feature: its list says no, or it has it."""
    account = server_settings.pairs(layout.users / user, "=")
    said = server_settings.pairs(_list(layout, account.get("FEATURELIST", "default")), "=")
    return said.get(feature, "1") == "1"


def turn(layout: Layout, name: str, feature: str, *, is_on: bool) -> None:
    """Put a feature of a feature list on or off."""
    path = _list(layout, name)
    said = dict(server_settings.pairs(path, "=")) | {feature: str(int(is_on))}
    files.folder(path.parent)
    files.replace(path, "".join(f"{key}={value}\n" for key, value in sorted(said.items())))


def _list(layout: Layout, name: str) -> Path:
    return layout.at("/var/cpanel/features") / name
