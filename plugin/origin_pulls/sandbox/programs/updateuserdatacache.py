"""``scripts/updateuserdatacache [USER…]``: makes the lists and caches of domains anew."""

from __future__ import annotations

from collections.abc import Sequence

from origin_pulls.sandbox import domain_lists
from origin_pulls.sandbox.layout import Layout


def main(layout: Layout, words: Sequence[str]) -> int:
    """Refresh the named accounts, or all."""
    users = [word for word in words if not word.startswith("-")]
    domain_lists.refresh(layout, users or None)
    return 0
