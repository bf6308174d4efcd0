"""What Cloudflare does for one vhost now, for the shell."""

from __future__ import annotations

from origin_pulls.config import Config
from origin_pulls.engine import looking
from origin_pulls.engine.edge import seeing
from origin_pulls.engine.edge.seeing import AtEdge
from origin_pulls.engine.server import Server


def edge_of(config: Config, name: str) -> AtEdge:
    """What Cloudflare does for the vhost that serves a name, asked now."""
    server = Server.dry(config)
    found = looking.look(server)
    return seeing.edge_of(server, found, looking.Names(found).find(name))
