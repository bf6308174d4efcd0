"""What people ask about the edge: a job there taken back, a certificate brought anew."""

from __future__ import annotations

from dataclasses import replace

from origin_pulls.engine import looking
from origin_pulls.engine.edge import entering
from origin_pulls.engine.preparing import applied_now
from origin_pulls.engine.server import Server
from origin_pulls.errors import Refused
from origin_pulls.model.inventory import Inventory
from origin_pulls.model.job import Applied, Job, State, item_for
from origin_pulls.model.policy import Mode
from origin_pulls.model.wish import Cancel, Rotate
from origin_pulls.server import importing
from origin_pulls.store.rollouts import EdgeStore


def cancel(server: Server, wish: Cancel) -> str:
    """Note that a job at the edge shall be taken back; ``Refused`` when it is not there."""
    job = server.store.job(wish.job)
    if job is None:
        raise Refused(f"There is no job {wish.job}", hint="See `origin-pulls jobs`.")
    if job.state is not State.AT_EDGE:
        raise Refused(
            f"Job {job.number} is {job.state}: only what waits at Cloudflare can be cancelled",
            hint=f"A job that is done is taken back with `origin-pulls undo {job.number}`.",
        )
    EdgeStore(server.store).cancel(job.number, wish.who)
    return f"Job {job.number} is cancelled and is being taken back."


def make_way(server: Server, job: Job) -> None:
    """What is at the edge with one of these vhosts gives way to whoever relaxes it."""
    there = entering.at_edge(server)
    keys = {item.key: item.wanted.mode for item in job.items} if there else {}
    for other in there:
        shared = [item for item in other.items if item.key in keys]
        if not shared:
            continue
        if any(keys[item.key] is Mode.ENFORCE for item in shared):
            raise Refused(
                f"Job {other.number} is at Cloudflare with {shared[0].server_name}",
                hint=f"Wait for it (`origin-pulls job {other.number}`), or "
                f"`origin-pulls cancel {other.number}`.",
            )
        EdgeStore(server.store).cancel(other.number, job.who)


def rotation(server: Server, wish: Rotate, found: Inventory) -> Job:
    """The job that brings a new certificate: with a zone's own go all vhosts that it serves."""
    vhosts = {vhost.key: vhost for vhost in found.vhosts}
    applied = applied_now(server, found)
    rows = [
        one
        for one in EdgeStore(server.store).relied_on()
        if one.material and one.key in vhosts and one.incarnation == vhosts[one.key].incarnation
    ]
    key = f"{wish.user}/{wish.server_name}"
    looking.known(vhosts.get(key), wish.server_name)
    if wish.material:
        folder = server.config.keys_directory / wish.material
        if importing.imported_for(folder) != key:
            raise Refused(
                f"The certificate {wish.material} was not imported for {wish.server_name}",
                hint="Use `origin-pulls certificate import`.",
            )
    mine = {one.material for one in rows if one.key == key}
    if wish.material and len({one.zone for one in rows if one.key == key}) > 1:
        raise Refused(
            f"{wish.server_name} has names in several zones, and each zone needs its own",
            hint="Import one for a vhost whose names are in one zone.",
        )
    if not mine:
        raise Refused(
            f"Origin Pulls has brought no certificate to Cloudflare for {wish.server_name}",
            hint=f"`origin-pulls enforce {wish.server_name}` does; then it can be rotated.",
        )
    keys = sorted({one.key for one in rows if one.material in mine})
    items = tuple(
        replace(
            item_for(vhosts[one], applied.get(one, Applied()).policy),
            before=applied.get(one, Applied()),
        )
        for one in keys
    )
    if wish.material:
        EdgeStore(server.store).bring(sorted(mine), wish.material)
    return Job(number=0, kind=entering.ROTATE, who=wish.who, asked=server.stamp(), items=items)
