"""``bin/is_registered_with_appconfig SERVICE NAME``: exit code 0 where it is."""

from __future__ import annotations

from collections.abc import Sequence

from origin_pulls.sandbox import appconfig
from origin_pulls.sandbox.layout import Layout


def main(layout: Layout, words: Sequence[str]) -> int:
    """Whether the application is registered for the service."""
    service, name = (*words, "", "")[:2]
    listed = appconfig.listed(layout).get(service, [])
    return 0 if any(one["name"] == name for one in listed) else 1
