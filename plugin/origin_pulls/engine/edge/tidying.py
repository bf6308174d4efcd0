"""Takes from the edge what we brought there and nobody needs: after the origin, never before it."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Sequence

from origin_pulls.engine.edge import by_hand, looking
from origin_pulls.engine.edge.entering import at_edge
from origin_pulls.engine.server import Server
from origin_pulls.errors import EdgeRefused, EdgeUnknown, Refused
from origin_pulls.model import edge_steps
from origin_pulls.model.edge import Form
from origin_pulls.model.edge_steps import Aim, Ready, Waiting
from origin_pulls.model.job import Applied
from origin_pulls.model.policy import Mode
from origin_pulls.model.rollout import Leg
from origin_pulls.store.presented import Presented
from origin_pulls.store.rollouts import SWITCH, EdgeStore

logger = logging.getLogger(__name__)
MOST_STEPS = 20


def tidy(server: Server, say: Callable[[str], None]) -> list[str]:
    """Withdraw what is presented to vhosts that are off; sentences about what has to wait."""
    store = EdgeStore(server.store)
    policies = server.store.policies()
    busy = {item.key for job in at_edge(server) for item in job.items}
    rows = store.presented()
    under_way = [leg for rollout in store.rollouts() for leg in rollout.legs]
    left = [
        one
        for one in _over(server, rows)
        if one.key not in busy and not any(_stands_on(leg, one) for leg in under_way)
    ]
    late: list[str] = []
    for one in left:
        kept = [other for other in rows if other not in left]
        trusting = by_hand.trusting(server, one.material, one.user)
        if trusting:
            # It stays noted, so that it goes when they demand it no more.
            say(f"{one.zone_name} goes on presenting: {trusting[0]} trusts it by hand")
            continue
        job = policies.get(one.place, Applied()).job
        try:
            said = _withdraw(server, one, kept)
        except EdgeUnknown as error:
            late.append(f"{one.server_name}: {error.message}; it is tried again")
            continue
        except EdgeRefused as error:
            late.append(f"{one.server_name}: {error.message} {error.hint}")
            continue
        except Refused as error:
            said = [f"{one.server_name}: {error.message}"]
        for text in said:
            say(text)
            with contextlib.suppress(Refused):
                server.store.note([job], text, at=server.stamp())
        store.forget_presented(one)
    for text in late:
        logger.warning("%s", text)
    return late


def leftovers(server: Server) -> frozenset[tuple[str, str]]:
    """What is presented though nobody demands it any more, as (vhost, zone)."""
    rows = EdgeStore(server.store).presented()
    return frozenset((one.key, one.zone) for one in _over(server, rows))


def _over(server: Server, rows: Sequence[Presented]) -> list[Presented]:
    """Those of the rows by which nothing is demanded any more.

    What is void may have been built on, so it stays until the vhost is relaxed, or something
    else is proven to be presented to it.
    """
    policies = server.store.policies()
    built_on = {one.place for one in rows if not one.is_void}
    found = []
    for one in rows:
        mode = policies.get(one.place, Applied()).policy.mode
        is_free = mode is not Mode.ENFORCE or one.place in built_on
        if mode is Mode.OFF or (one.is_void and is_free):
            found.append(one)
    return found


def _stands_on(leg: Leg, one: Presented) -> bool:
    """Whether a job under way uses what would be taken away; afterwards it is looked at again."""
    if (leg.zone, leg.form) != (one.zone, one.form):
        return False
    return leg.form is Form.ZONE or one.material in (leg.material, leg.old)


def _withdraw(server: Server, one: Presented, kept: Sequence[Presented]) -> list[str]:
    """All steps for one vhost's zone; what was done, in sentences."""
    store = EdgeStore(server.store)
    if one.form is Form.SHARED:
        return []
    others = [other for other in kept if other.zone == one.zone and other.form is one.form]
    by_name = [other.server_name for other in others if other.material == one.material]
    if by_name and one.form is Form.ZONE:
        return [f"{one.zone_name} goes on presenting: {by_name[0]} needs it"]
    leg = Leg(
        zone=one.zone,
        zone_name=one.zone_name,
        form=one.form,
        user=one.user,
        incarnation=one.incarnation,
        material=one.material,
        hosts=one.hosts,
        keys=(one.key,),
    )
    client = server.reach.client(one.user, one.incarnation, one.zone, one.zone_name)
    leaf = looking.aim_of(server, leg).leaf
    is_ours = leaf in looking.ours(server, one.zone, one.form)
    aim = Aim(
        form=one.form,
        leaf=leaf,
        hosts=one.hosts,
        ours=frozenset((leaf,)) if is_ours else frozenset(),
    )
    said: list[str] = []
    is_voided = False
    for _ in range(MOST_STEPS):
        found = edge_steps.step_off(
            aim,
            looking.glance(client, leg),
            switch_is_ours=bool(store.brought(one.zone, SWITCH)),
            others_need_zone=one.form is Form.ZONE and bool(others),
            removes=one.removes and not by_name,
        )
        if isinstance(found, Ready | Waiting) or (is_voided and not one.removes):
            break
        if is_voided and isinstance(found, edge_steps.Void):
            # It may take minutes; a certificate that a name still refers to cannot go.
            raise EdgeUnknown(f"Cloudflare is still taking the certificate from {one.hosts[0]}")
        said.append(edge_steps.describe(found, one.zone_name))
        looking.do(server, client, leg, aim, found)
        is_voided = is_voided or isinstance(found, edge_steps.Void)
    else:
        raise EdgeUnknown(f"Cloudflare has not yet taken away what was set for {one.zone_name}")
    if one.removes:
        store.forget(one.zone, looking.kind(one.form), leaf)
        if one.form is Form.ZONE and store.zone_material(one.zone) == one.material:
            store.keep_zone_material(one.zone, "")
    return said
