"""Cloudflare's networks put in force anew: here, and in the vhosts that let them in on port 80."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from origin_pulls.cloudflare import ranges
from origin_pulls.config import Config
from origin_pulls.engine import looking, notifying, preparing, working
from origin_pulls.engine.server import Server
from origin_pulls.model.caller import AGENT
from origin_pulls.model.policy import Port80
from origin_pulls.model.saying import named
from origin_pulls.model.wish import Change, Wanted
from origin_pulls.server import files

PUBLISHED = Config().cloudflare_api


def put_in_force(
    server: Server, text: bytes, *, may_shrink: bool, who: str
) -> tuple[Mapping[str, list[str]], Change | None]:
    """Keep a newer list; what came and went, and the wish that brings it to vhosts that use it.

    ``Refused`` for a list that is not believed: the one in force stays.
    """
    new = ranges.parse(text)
    now = ranges.read(server.config.cloudflare_ranges)
    compared = ranges.compared(now, new, may_shrink=may_shrink)
    if not compared["added"] and not compared["gone"]:
        return compared, None
    files.replace(server.config.cloudflare_ranges, text)
    found = looking.look(server)
    applied = preparing.applied_now(server, found)
    items = tuple(
        Wanted(vhost.user, vhost.server_name, applied[vhost.key].policy)
        for vhost in found.vhosts
        if vhost.key in applied and applied[vhost.key].policy.port80 is Port80.CLOUDFLARE
    )
    return compared, Change(items, who, is_partial=True) if items else None


def refresh(server: Server, wake: Callable[[], None]) -> None:
    """Look whether Cloudflare has published another list; ``wake`` has what waits carried out.

    A server below another root (a sandbox) asks only who its own settings name.
    """
    config = server.config
    if config.root != Path("/") and config.cloudflare_api == PUBLISHED:
        return
    text = ranges.fetch(config.cloudflare_api)
    compared, change = put_in_force(server, text, may_shrink=False, who=AGENT.user)
    for what, networks in compared.items():
        if networks:
            notifying.tell(server, "Cloudflare's networks", f"{what}: {named(networks)}.")
    if change is not None:
        working.accept(server, change, AGENT)
        wake()
