"""``bin/unregister_appconfig NAME``: forgets an application."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from origin_pulls.sandbox import appconfig
from origin_pulls.sandbox.layout import Layout


def main(layout: Layout, words: Sequence[str]) -> int:
    """Forget one application by its name (a path to its file will do)."""
    name = words[0].rpartition("/")[2].removesuffix(".conf") if words else ""
    if not appconfig.unregister(layout, name):
        sys.stdout.write(f"{name} is not registered\n")
        return 1
    sys.stdout.write(f"{name} unregistered\n")
    return 0
