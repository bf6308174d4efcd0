"""``python -m origin_pulls.sandbox.programs NAME DIR …``: what the wrappers in a sandbox start."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from origin_pulls.errors import OriginPullsError
from origin_pulls.sandbox.layout import Layout


def main(words: Sequence[str]) -> int:
    """Run one program; its exit code."""
    name, directory, *rest = words
    # Loaded when it is called: each program starts as fast as it can.
    module = importlib.import_module(f"origin_pulls.sandbox.programs.{name}")
    run: Callable[[Layout, Sequence[str]], int] = module.main
    try:
        return run(Layout(Path(directory)), rest)
    except OriginPullsError as error:
        sys.stdout.write(f"{name}: {error.message}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
