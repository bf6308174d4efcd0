"""The legs of a rollout: one zone's part each, of all vhosts that go the same way there."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from origin_pulls.engine.server import Server
from origin_pulls.model.rollout import Leg


def joined(known: Leg | None, leg: Leg) -> Leg:
    """One leg with the hosts and vhosts of both."""
    if known is None:
        return leg
    hosts = tuple(dict.fromkeys((*known.hosts, *leg.hosts)))
    keys = tuple(dict.fromkeys((*known.keys, *leg.keys)))
    return replace(known, hosts=hosts, keys=keys)


def deadline(server: Server) -> str:
    """When it has been waited for long enough, counted from now."""
    until: datetime = server.clock() + timedelta(seconds=server.config.edge_patience)
    return until.isoformat(timespec="seconds")
