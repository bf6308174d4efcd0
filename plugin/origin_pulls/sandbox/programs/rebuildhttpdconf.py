"""``scripts/rebuildhttpdconf [--preview] [--nolock] [--help]``: it does not restart Apache."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from origin_pulls.sandbox import hooked, rebuild
from origin_pulls.sandbox.layout import Layout

USAGE = "Usage: rebuildhttpdconf [--preview] [--nolock] [--help]\n"


def main(layout: Layout, words: Sequence[str]) -> int:
    """Build httpd.conf, or a preview of it."""
    if set(words) - {"--preview", "--nolock"}:
        sys.stdout.write(USAGE)
        return 0 if "--help" in words else 1
    build = rebuild.preview if "--preview" in words else rebuild.rebuild
    if "--nolock" in words:
        done = build(layout)
    else:
        with rebuild.locked(layout):
            done = build(layout)
    sys.stdout.write(done.output)
    if "--preview" not in words and not done.code:
        hooked.fire(layout, "scripts::build_apache_conf", {})
    return done.code
