"""Which jobs go to the edge, and which vhosts of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from origin_pulls.model.job import ROTATE, STEP, Item, Job, State
from origin_pulls.model.policy import Mode, Trust
from origin_pulls.store.rollouts import EdgeStore

if TYPE_CHECKING:
    from origin_pulls.engine.server import Server


def send_to_edge(server: Server, jobs: Sequence[Job]) -> list[Job]:
    """Keep those of the waiting jobs that are for the edge as such from now on; the others."""
    store = EdgeStore(server.store)
    is_possible = bool(jobs) and server.reach.is_possible()
    left = []
    for job in jobs:
        is_tightening = is_possible and job.kind != STEP
        if job.kind == ROTATE or (
            is_tightening and any(needs_edge(server, item) for item in job.items)
        ):
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
    return tuple(
        replace(item, wanted=replace(item.wanted, edge_ready=True))
        if needs_edge(server, item)
        else item
        for item in items
    )


def needs_edge(server: Server, item: Item) -> bool:
    """Whether Cloudflare has to be made to present before this origin may demand."""
    wanted = item.wanted
    if wanted.mode is not Mode.ENFORCE or wanted.edge_ready or wanted.trust is Trust.CUSTOM:
        return False
    presented = {
        bool(one.material)
        for one in EdgeStore(server.store).relied_on()
        if one.place == (item.user, item.incarnation, item.server_name)
    }
    return (wanted.trust is Trust.OWN) not in presented


def at_edge(server: Server) -> list[Job]:
    """The jobs at the edge, the oldest first."""
    return sorted(
        server.store.jobs(states=[State.AT_EDGE], most=10_000), key=lambda job: job.number
    )
