"""``bin/sprite_generator --application=cpanel --theme=jupiter``: the sheet that tiles show.

What is no PNG of 48 by 48 pixels is left out without a word.
"""

from __future__ import annotations

import json
import struct
import sys
from collections.abc import Sequence
from pathlib import Path

from origin_pulls.sandbox import files
from origin_pulls.sandbox.layout import Layout
from origin_pulls.sandbox.programs import answers

SIZE = 48
SIGNATURE = b"\x89PNG\r\n\x1a\n"


def main(layout: Layout, words: Sequence[str]) -> int:
    """Make the sheet of a theme anew: here the list of what it would show."""
    options = answers.parse(words).options
    if options.get("application") != "cpanel" or not options.get("theme"):
        sys.stdout.write("Usage: sprite_generator --application=cpanel --theme=THEME\n")
        return 1
    folder = layout.at(
        f"/usr/local/cpanel/base/frontend/{options['theme']}/assets/application_icons"
    )
    icons = sorted(path.stem for path in folder.glob("*.png") if _is_icon(path))
    files.lay(folder / "sprites/icon_spritemap.json", json.dumps(icons) + "\n")
    return 0


def _is_icon(path: Path) -> bool:
    head = path.read_bytes()[:24]
    return head[:8] == SIGNATURE and struct.unpack(">II", head[16:24]) == (SIZE, SIZE)
