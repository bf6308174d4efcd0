"""``bin/register_appconfig FILE``: checks an application's configuration and keeps it."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from origin_pulls.sandbox import appconfig
from origin_pulls.sandbox.layout import Layout


def main(layout: Layout, words: Sequence[str]) -> int:
    """Register one file; exit code 1 and the reason where its rules are broken."""
    if len(words) != 1 or not Path(words[0]).is_file():
        sys.stdout.write("Usage: register_appconfig <configuration file>\n")
        return 1
    sys.stdout.write(f"{appconfig.register(layout, Path(words[0]).read_text())} registered\n")
    return 0
