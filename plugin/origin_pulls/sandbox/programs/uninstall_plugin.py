"""``scripts/uninstall_plugin FOLDER|ARCHIVE [--theme=jupiter]``: takes the tile away again.

Without ``install.json``, or without the icon that it names, it leaves the tile and says nothing.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from origin_pulls.sandbox.layout import Layout
from origin_pulls.sandbox.programs import answers, install_plugin


def main(layout: Layout, words: Sequence[str]) -> int:
    """Remove tile and feature of what the folder or archive describes."""
    question = answers.parse(words)
    theme = question.options.get("theme", "jupiter")
    with install_plugin.opened(question.words) as folder:
        for entry in install_plugin.described(folder):
            install_plugin.tile(layout, theme, entry["id"]).unlink(missing_ok=True)
            if entry.get("feature"):
                place = install_plugin.feature_file(layout, entry["feature"])
                place.unlink(missing_ok=True)
            sys.stdout.write("Plugin uninstalled ok\n")
    return 0
