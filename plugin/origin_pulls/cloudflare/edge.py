"""The edge: what Cloudflare presents to an origin, and how it is made to present it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from origin_pulls.model.facts import EdgeFacts
from origin_pulls.model.inventory import Vhost


class Edge(Protocol):
    """Cloudflare as a run sees it; vhosts to act on are named ``account/ServerName``."""

    def facts(self, vhost: Vhost) -> EdgeFacts:
        """What the edge presents to this vhost now."""

    def present(self, vhost: str, anchors: Sequence[str]) -> None:
        """Present the certificate of these anchors (SHA-256) to this vhost from now on."""

    def withdraw(self, vhost: str) -> None:
        """Present nothing to this vhost any more."""


class MemoryEdge:
    """An edge that lives in memory.

    Not ``is_managed``, the default, it is the edge of a server that has no way to Cloudflare's
    API: nothing is known, and a person's word (``--edge-ready``) is needed. Managed, it does what
    it is told.
    """

    def __init__(self, *, is_managed: bool = False) -> None:
        self.is_managed = is_managed
        self.presented: dict[str, frozenset[str]] = {}

    def facts(self, vhost: Vhost) -> EdgeFacts:
        """What was told to be presented to this vhost."""
        presents = self.presented.get(vhost.key, frozenset())
        return EdgeFacts(presents=presents, is_managed=self.is_managed)

    def present(self, vhost: str, anchors: Sequence[str]) -> None:
        """Remember that this is presented."""
        self.presented[vhost] = frozenset(anchors)

    def withdraw(self, vhost: str) -> None:
        """Forget what was presented."""
        self.presented.pop(vhost, None)
