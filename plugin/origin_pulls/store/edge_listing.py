"""Cloudflare's side for the pages, out of the store: nothing is asked of Cloudflare."""

from __future__ import annotations

from origin_pulls.model import edge_rows
from origin_pulls.model.edge import Form
from origin_pulls.model.edge_rows import EdgeProgress, VhostAtEdge, ZoneRow
from origin_pulls.model.job import State
from origin_pulls.store.rollouts import EdgeStore
from origin_pulls.store.store import Store


def progress(store: Store, number: int) -> EdgeProgress:
    """Where a job is that is at Cloudflare."""
    edge = EdgeStore(store)
    return edge_rows.progress_of(edge.rollout(number), edge.cancelled_by(number))


def zones_in_use(store: Store) -> list[tuple[str, str]]:
    """(account, zone) for each zone that presents to a vhost of the account."""
    rows = store.rows(
        "SELECT DISTINCT user, zone_name FROM presented WHERE NOT is_void ORDER BY zone_name, user"
    )
    return [(row["user"], row["zone_name"]) for row in rows]


def of_vhost(store: Store, user: str, server_name: str, *, account: str) -> VhostAtEdge:
    """What is presented to a vhost in its account's present life, and the job that is there.

    ``account`` is whose vhosts alone may be named; empty: all.
    """
    rows = store.rows(
        "SELECT presented.* FROM presented JOIN vhost_row USING (user, incarnation, server_name) "
        "WHERE user=? AND server_name=? AND NOT is_void ORDER BY zone_name",
        (user, server_name),
    )
    there = store.rows(
        "SELECT max(number) FROM job JOIN item ON item.job=job.number "
        "WHERE job.state=? AND user=? AND server_name=?",
        (str(State.AT_EDGE), user, server_name),
    )
    job = int(there[0][0] or 0)
    key = f"{user}/{server_name}"
    with store.mended():
        zones = tuple(
            ZoneRow(row["zone_name"], Form(row["form"]), row["since"], bool(row["material"]))
            for row in rows
        )
    numbers = {row["material"] for row in rows} - {""}
    others = [
        one
        for one in EdgeStore(store).presented()
        if one.material in numbers and one.key != key and not one.is_void
    ]
    return VhostAtEdge(
        shares=tuple(one.server_name for one in others if account in ("", one.user)),
        is_shared=any(account not in ("", one.user) for one in others),
        zones=zones,
        amiss=tuple(one.what for one in EdgeStore(store).drifts() if one.key == key),
        job=job,
        progress=progress(store, job) if job else EdgeProgress(),
    )
