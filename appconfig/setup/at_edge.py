"""Prints the vhosts for which something of ours is at Cloudflare: ``at_edge.py STORE``.

One ServerName a line: what is presented, and what is under way. A store that is not there has
none; one that cannot be read is an error.
"""

from __future__ import annotations

import sys
from pathlib import Path

from origin_pulls.errors import OriginPullsError
from origin_pulls.model.edge import Form
from origin_pulls.store.opening import read_store
from origin_pulls.store.rollouts import EdgeStore


def main() -> int:
    """Print them, sorted."""
    try:
        found = names(Path(sys.argv[1]))
    except OriginPullsError as error:
        sys.stderr.write(f"{error.message}\n  {error.hint}\n")
        return 1
    sys.stdout.writelines(f"{name}\n" for name in sorted(found))
    return 0


def names(path: Path) -> set[str]:
    """ServerNames that the store at ``path`` has something of ours at Cloudflare for."""
    store = read_store(path)
    if store is None:
        return set()
    try:
        edge = EdgeStore(store)
        # Cloudflare's shared certificate was switched on by a person, and stays a person's.
        keys = {one.key for one in edge.presented() if one.form is not Form.SHARED}
        keys |= {key for rollout in edge.rollouts() for key in rollout.keys}
        return {key.partition("/")[2] for key in keys}
    finally:
        store.close()


if __name__ == "__main__":
    sys.exit(main())
