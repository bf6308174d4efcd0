"""Keeps, for the lists, which names Cloudflare stands before: a few vhosts at a time."""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import timedelta

from origin_pulls.engine import looking
from origin_pulls.engine.reaching import Reaching
from origin_pulls.engine.server import Server
from origin_pulls.errors import EdgeRefused, EdgeUnknown
from origin_pulls.model.inventory import Proxied, Vhost
from origin_pulls.store.marks import Marks

logger = logging.getLogger(__name__)


def refresh(server: Server, *, is_wanted: Callable[[], bool] = lambda: False) -> int:
    """Look at the names of the vhosts that were looked at longest ago; how many vhosts.

    Only by tokens: each zone's records are read once for all names in it. A name in no zone that
    a token reaches stays unknown here; `edge NAME` asks DNS for it. A vhost that cannot be looked
    at takes its turn all the same, so that no account's token keeps others from theirs. It ends
    when something else is wanted at Cloudflare.
    """
    if not server.reach.is_possible():
        return 0
    config, marks = server.config, Marks(server.store)
    looked_at = marks.name_state_times()
    latest = (server.clock() - timedelta(seconds=config.name_states_age)).isoformat()
    due = [
        vhost
        for vhost in looking.look(server).vhosts
        if looked_at.get((vhost.user, vhost.server_name), "") < latest
    ]
    due.sort(key=lambda vhost: looked_at.get((vhost.user, vhost.server_name), ""))
    due = due[: config.name_states_at_once]
    reaching = Reaching(config)
    for vhost in due:
        if is_wanted():
            break
        try:
            states = {name: _state(reaching, vhost, name) for name in vhost.host_names}
        except EdgeRefused as error:
            logger.info("names of %s: %s", vhost.server_name, error)
            states = dict.fromkeys(vhost.host_names, Proxied.UNKNOWN)
        except EdgeUnknown as error:
            # It does not answer: one wait is enough for now, and the next look begins behind it.
            logger.info("names of %s: %s", vhost.server_name, error)
            known = marks.name_states(vhost.user, vhost.server_name)
            states = {name: known.get(name, Proxied.UNKNOWN) for name in vhost.host_names}
            marks.keep_name_states(vhost.user, vhost.server_name, states, at=server.stamp())
            break
        marks.keep_name_states(vhost.user, vhost.server_name, states, at=server.stamp())
    return len(due)


def _state(reaching: Reaching, vhost: Vhost, name: str) -> Proxied:
    reached = reaching.find(vhost.user, vhost.incarnation, name)
    if reached is None or not reached.zone.is_usable:
        return Proxied.UNKNOWN
    return reached.zones.states(reached.zone, [name])[0].proxied
