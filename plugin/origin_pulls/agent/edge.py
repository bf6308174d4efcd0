"""What the agent does at Cloudflare by itself, in a thread that no other chore waits for."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime

from origin_pulls.agent.chores import Chore
from origin_pulls.config import Config
from origin_pulls.engine import name_states, networks
from origin_pulls.engine.edge import going, tidying, watching
from origin_pulls.engine.edge.entering import at_edge
from origin_pulls.engine.server import Server

logger = logging.getLogger(__name__)

GO_ON = "edge"
WATCH = "watch"


def edge_chores(config: Config, wake: Callable[[], None]) -> list[Chore]:
    """To go on with the jobs that are there, and to look whether all is as it was left.

    ``wake`` lets the agent carry out what waits.
    """
    return [
        Chore(GO_ON, config.edge_poll, _GoingOn()),
        Chore(WATCH, config.watch_every, _Watching()),
        Chore("names", config.name_states_every, _look_at_names),
        Chore("networks", config.ranges_every, lambda server: networks.refresh(server, wake)),
    ]


class _GoingOn:
    """Goes on where something is to do; what could not be tidied is left to the watch."""

    def __init__(self) -> None:
        self.tried: frozenset[tuple[str, str]] = frozenset()

    def __call__(self, server: Server) -> None:
        if at_edge(server) or tidying.leftovers(server) - self.tried:
            going.go_on(server, logger.info)
            self.tried = tidying.leftovers(server)


class _Watching:
    """Looks at the zones in turn, those that were looked at longest ago first."""

    def __init__(self) -> None:
        self.looked: dict[str, datetime] = {}

    def __call__(self, server: Server) -> None:
        watching.watch(server, logger.info, self.looked)


def _look_at_names(server: Server) -> None:
    name_states.refresh(server, is_wanted=lambda: going.is_due(server))
