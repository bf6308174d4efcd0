"""What the agent does at Cloudflare by itself, in a thread that no other chore waits for."""

from __future__ import annotations

import logging

from origin_pulls.agent.chores import Chore
from origin_pulls.config import Config
from origin_pulls.engine.edge import going, watching
from origin_pulls.engine.edge.entering import at_edge
from origin_pulls.engine.server import Server

logger = logging.getLogger(__name__)

GO_ON = "edge"
WATCH = "watch"


def edge_chores(config: Config) -> list[Chore]:
    """To go on with the jobs that are there, and to look whether all is as it was left."""
    return [
        Chore(GO_ON, config.edge_poll, _go_on),
        Chore(WATCH, config.watch_every, _watch),
    ]


def _go_on(server: Server) -> None:
    if at_edge(server) or going.has_leftovers(server):
        going.go_on(server, logger.info)


def _watch(server: Server) -> None:
    watching.watch(server, logger.info)
