"""Lays the panel's own stand-ins, and the plugin's files as its installer does on a server."""

from __future__ import annotations

import hashlib
import json
import shlex
from pathlib import Path

from origin_pulls.sandbox import files
from origin_pulls.sandbox.layout import Layout

STAND_INS = Path(__file__).parent / "stand_ins"
# The tree that the package was started from; an installed package has none of this beside it.
SOURCE_TREE = Path(__file__).resolve().parents[4]
CPANEL = "/usr/local/cpanel"
DOCROOT = f"{CPANEL}/whostmgr/docroot"
WHM_PLACE = f"{DOCROOT}/cgi/addons/originpulls"
THEME = f"{CPANEL}/base/frontend/jupiter"
CPANEL_PLACE = f"{THEME}/originpulls"
PERL, PHP_CGI = Path("/usr/bin/perl"), Path("/usr/bin/php-cgi")


def lay_panel(layout: Layout) -> None:
    """What cPanel itself brings: interpreters, frames and their classes, sheets."""
    modules = shlex.quote(str(layout.at(CPANEL)))
    perl = f'#!/bin/sh\nexec {PERL} -I {modules} "$@"\n'
    php = f'#!/bin/sh\nexec {PHP_CGI} "$@"\n'
    for name, text in (("perl", perl), ("php-cgi", php), ("php", php)):
        files.lay(layout.at(f"{CPANEL}/3rdparty/bin/{name}"), text, mode=0o755)
    for source in sorted((STAND_INS / "perl").rglob("*.pm")):
        place = layout.at(CPANEL) / source.relative_to(STAND_INS / "perl")
        files.lay(place, source.read_text())
    files.lay(layout.at(f"{CPANEL}/php/cpanel.php"), (STAND_INS / "php/cpanel.php").read_text())
    sheets = STAND_INS / "sheets"
    files.lay(layout.at(f"{DOCROOT}/themes/sandbox/whm.css"), (sheets / "whm.css").read_text())
    files.lay(layout.at(f"{THEME}/sandbox/jupiter.css"), (sheets / "jupiter.css").read_text())
    for folder in ("/var/cpanel/apps", "/var/cpanel/features", "/run/origin-pulls"):
        files.folder(layout.at(folder))


def lay_plugin(sandbox_root: Path, tree: Path = SOURCE_TREE) -> bool:
    """Lay bridges, registrations and static files out of a source tree; whether it holds them."""
    layout = Layout(sandbox_root)
    whm, cpanel = tree / "appconfig/whm", tree / "appconfig/cpanel"
    if not (whm / "index.cgi").is_file():
        return False
    _copy(whm / "index.cgi", layout.at(f"{WHM_PLACE}/index.cgi"), mode=0o755)
    _copy(whm / "originpulls.tmpl", layout.at(f"{DOCROOT}/templates/originpulls.tmpl"))
    _copy(whm / "originpulls.svg", layout.at(f"{DOCROOT}/addon_plugins/originpulls.svg"))
    _copy(whm / "originpulls.conf", layout.at("/var/cpanel/apps/originpulls.conf"))
    for name in ("index.live.php", "install.json", "originpulls.png"):
        _copy(cpanel / name, layout.at(f"{CPANEL_PLACE}/{name}"))
    _lay_tile(layout, cpanel / "install.json")
    for source in sorted((tree / "static").iterdir()):
        if source.is_file() and source.suffix != ".md":
            for place in (WHM_PLACE, CPANEL_PLACE):
                _copy(source, layout.at(place) / hashed_name(source))
    return True


def hashed_name(path: Path) -> str:
    """``page.css`` as ``page-0123456789ab.css``: the first 12 digits of its SHA-256."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
    return f"{path.stem}-{digest}{path.suffix}"


def _lay_tile(layout: Layout, described: Path) -> None:
    """What ``install_plugin`` makes of an ``install.json``: the tile and its feature."""
    for entry in json.loads(described.read_text()):
        tile = f"{THEME}/dynamicui/dynamicui_{entry['id']}.conf"
        files.lay(layout.at(tile), json.dumps(entry) + "\n")
        feature = f"{CPANEL}/whostmgr/addonfeatures/{entry['feature']}"
        files.lay(layout.at(feature), f"{entry['feature']}:{entry['name']}\n")


def _copy(source: Path, place: Path, *, mode: int = 0o644) -> None:
    if not place.parent.is_dir():
        files.folder(place.parent)
    place.write_bytes(source.read_bytes())
    place.chmod(mode)
