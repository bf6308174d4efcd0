"""Looks after the whole server: what is so, what it means, what to do."""

from __future__ import annotations

from origin_pulls.engine.server import Server
from origin_pulls.model.checks import Check, Health


def examine(server: Server) -> list[Check]:
    """All checks of the server, what is bad first."""
    found = [_version(server)]
    order = (Health.BAD, Health.WARNING, Health.UNKNOWN, Health.GOOD)
    return sorted(found, key=lambda one: order.index(one.state))


def _version(server: Server) -> Check:
    version = server.apache.version()
    said = ".".join(map(str, version))
    return Check("apache", "Apache", Health.GOOD if version > (2, 4, 18) else Health.BAD, said)
