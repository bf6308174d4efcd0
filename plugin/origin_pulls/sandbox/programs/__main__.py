"""``python -m origin_pulls.sandbox.programs NAME DIR …``: what the wrappers in a sandbox start."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from origin_pulls.errors import OriginPullsError
from origin_pulls.sandbox.layout import Layout

# Modules by name, loaded when they are called: each program starts as fast as it can.
PROGRAMS = {
    "rebuildhttpdconf": "rebuildhttpdconf",
    "restartsrv_httpd": "restartsrv_httpd",
    "ensure_vhost_includes": "ensure_vhost_includes",
    "updateuserdatacache": "updateuserdatacache",
    "whmapi1": "whmapi1",
    "uapi": "uapi",
    "later": "later",
}


def main(words: Sequence[str]) -> int:
    """Run one program; its exit code."""
    name, directory, *rest = words
    module = importlib.import_module(f"origin_pulls.sandbox.programs.{PROGRAMS[name]}")
    run: Callable[[Layout, Sequence[str]], int] = module.main
    try:
        return run(Layout(Path(directory)), rest)
    except OriginPullsError as error:
        sys.stdout.write(f"{name}: {error.message}\n")
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
