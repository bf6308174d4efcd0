"""Asks DNS over HTTPS what addresses a name has, as the world sees them."""

from __future__ import annotations

from origin_pulls.config import Config


def addresses(config: Config, name: str) -> list[str]:
    """The addresses (A and AAAA) of a name; ``EdgeUnknown`` when no answer came."""
    raise NotImplementedError


def edge_addresses(config: Config, name: str) -> list[str]:
    """The addresses of a name that lie in Cloudflare's networks: where its edge is asked.

    In a sandbox, where the edge is on loopback, those that DNS names.
    """
    raise NotImplementedError
