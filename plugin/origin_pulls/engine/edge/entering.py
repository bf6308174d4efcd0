"""Which jobs go to the edge, and which vhosts of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from origin_pulls.model.job import ROTATE, STEP, Applied, Item, Job, State
from origin_pulls.model.policy import Mode, Trust
from origin_pulls.store.rollouts import EdgeStore

if TYPE_CHECKING:
    from origin_pulls.engine.server import Server


def send_to_edge(server: Server, jobs: Sequence[Job]) -> list[Job]:
    """Keep those of the waiting jobs that are for the edge as such from now on; the others."""
    store = EdgeStore(server.store)
    items = [item for job in jobs if job.kind != STEP for item in job.items]
    needing = needing_edge(server, items) if items and server.reach.is_possible() else frozenset()
    left = []
    for job in jobs:
        is_tightening = job.kind != STEP and any(item in needing for item in job.items)
        if job.kind == ROTATE or is_tightening:
            store.enter(job)
        else:
            left.append(job)
    return left


def as_presented(server: Server, items: Sequence[Item]) -> tuple[Item, ...]:
    """These items as if Cloudflare presented already: what this server's part then is.

    What Cloudflare itself has against it is not asked: it is found out there.
    """
    if not server.reach.is_possible():
        return tuple(items)
    needing = needing_edge(server, items)
    return tuple(
        replace(item, wanted=replace(item.wanted, edge_ready=True)) if item in needing else item
        for item in items
    )


def edge_first(items: Sequence[Item], looked_at: Sequence[Item]) -> tuple[str, ...]:
    """The keys of those of the items that ``as_presented`` looked at as if it were so already."""
    both = zip(items, looked_at, strict=True)
    return tuple(sorted(one.key for one, presented in both if one != presented))


def needing_edge(server: Server, items: Iterable[Item]) -> frozenset[Item]:
    """Those of the items for which Cloudflare has to be looked at before the origin may demand.

    Whatever was proven once: who turns a demand on cannot know what was changed there since. Only
    a vhost that demands already, and of nobody else than before, goes on with what was proven.
    """
    policies = server.store.policies()
    presented = {(one.place, bool(one.material)) for one in EdgeStore(server.store).relied_on()}
    found = []
    for item in items:
        wanted = item.wanted
        if wanted.mode is not Mode.ENFORCE or wanted.edge_ready or wanted.trust is Trust.CUSTOM:
            continue
        if not item.incarnation:
            continue  # it is no more: nothing is brought to Cloudflare for it
        place = item.user, item.incarnation, item.server_name
        now = policies.get(place, Applied()).policy
        is_presented = (place, wanted.trust is Trust.OWN) in presented
        if not is_presented or now.trust is not wanted.trust or wanted.begins_to_demand(now):
            found.append(item)
    return frozenset(found)


def at_edge(server: Server) -> list[Job]:
    """The jobs at the edge, the oldest first."""
    return sorted(
        server.store.jobs(states=[State.AT_EDGE], most=10_000), key=lambda job: job.number
    )
