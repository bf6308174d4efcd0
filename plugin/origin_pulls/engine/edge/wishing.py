"""What people ask about the edge: a job there taken back, a certificate brought anew."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from origin_pulls.engine import looking
from origin_pulls.engine.edge import by_hand, entering
from origin_pulls.engine.preparing import applied_now
from origin_pulls.engine.server import Server
from origin_pulls.errors import Refused
from origin_pulls.model import rights
from origin_pulls.model.caller import Kind
from origin_pulls.model.inventory import Inventory, Vhost
from origin_pulls.model.job import ROTATE, Applied, Job, State, item_for
from origin_pulls.model.policy import Mode
from origin_pulls.model.rollout import BACK
from origin_pulls.model.wish import Cancel, Rotate
from origin_pulls.server import importing
from origin_pulls.store.presented import Presented
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
    rollout = EdgeStore(server.store).rollout(job.number)
    if rollout is not None and rollout.stage in BACK and not rollout.failures:
        raise Refused(
            f"Job {job.number} is past that: the new certificate is presented and proven, and the "
            "old one is being taken away",
            hint=f"See `origin-pulls wait {job.number}`.",
        )
    EdgeStore(server.store).cancel(job.number, wish.who)
    return f"Job {job.number} is cancelled and is being taken back."


def make_way(server: Server, job: Job) -> list[str]:
    """What is at the edge with one of these vhosts gives way to whoever relaxes it: sentences.

    But an account holder takes nothing back that somebody else asked for, or for others as well.
    """
    there = entering.at_edge(server)
    store = EdgeStore(server.store)
    keys = {item.key: item.wanted.mode for item in job.items} if there else {}
    to_cancel = []
    for other in there:
        shared = [item for item in other.items if item.key in keys]
        if not shared:
            continue
        if job.kind == ROTATE or any(keys[item.key] is Mode.ENFORCE for item in shared):
            who, number = store.cancelled_by(other.number), other.number
            raise Refused(
                f"Job {number} is at Cloudflare with {shared[0].server_name}"
                + (f"; it was cancelled by {who} and is being taken back" if who else ""),
                hint=f"Wait for it (`origin-pulls wait {number}`)"
                + ("." if who else f", or `origin-pulls cancel {number}`."),
            )
        if job.caller_kind == Kind.ACCOUNT and not is_accounts_own(other, job.who):
            raise Refused(
                f"{shared[0].server_name} is at Cloudflare by the administrator's wish",
                hint=f"Wait for its end, or: {rights.ASK_ADMIN}",
            )
        to_cancel.append(other)
    for other in to_cancel:
        store.cancel(other.number, job.who)
    return [_given_way(other, keys) for other in to_cancel]


def _given_way(job: Job, keys: Collection[str]) -> str:
    others = [item.server_name for item in job.items if item.key not in keys]
    said = f"job {job.number}, which is at Cloudflare, is cancelled and taken back"
    return f"{said}, for {', '.join(others)} too" if others else said


def is_accounts_own(job: Job, user: str) -> bool:
    """Whether an account's holder asked for this job, for vhosts of that account alone."""
    return job.caller_kind == Kind.ACCOUNT and all(item.user == user for item in job.items)


def rotated_with(server: Server, vhosts: Mapping[str, Vhost], key: str) -> list[str]:
    """The keys of the vhosts that get a new certificate when this one does, itself among them.

    Empty when nothing is presented to it that could be rotated.
    """
    rows = _rotatable(server, vhosts)
    return sorted(sharing(rows, {one.key for one in rows if one.key == key}))


def sharing(rows: Sequence[Presented], keys: Collection[str]) -> frozenset[str]:
    """These vhosts with all that share a certificate with one of them, over several zones too."""
    found, before = frozenset(keys), frozenset[str]()
    while found != before:
        before = found
        shared = {(one.zone, one.material) for one in rows if one.key in found}
        found |= {one.key for one in rows if (one.zone, one.material) in shared}
    return found


def _rotatable(server: Server, vhosts: Mapping[str, Vhost]) -> list[Presented]:
    return [
        one
        for one in EdgeStore(server.store).relied_on()
        if one.material and one.key in vhosts and one.incarnation == vhosts[one.key].incarnation
    ]


def rotation(server: Server, wish: Rotate, found: Inventory) -> Job:
    """The job that brings a new certificate: with a zone's own go all vhosts that it serves."""
    vhosts = {vhost.key: vhost for vhost in found.vhosts}
    applied = applied_now(server, found)
    rows = _rotatable(server, vhosts)
    key = f"{wish.user}/{wish.server_name}"
    looking.known(vhosts.get(key), wish.server_name)
    if wish.material:
        folder = server.config.keys_directory / wish.material
        if importing.imported_for(folder) != key:
            raise Refused(
                f"The certificate {wish.material} was not imported for {wish.server_name}",
                hint="Use `origin-pulls certificate import`.",
            )
    if applied.get(key, Applied()).policy.mode is Mode.OFF:
        raise Refused(
            f"{wish.server_name} is off: there is nothing to rotate",
            hint=f"`origin-pulls enforce {wish.server_name}` brings a certificate.",
        )
    mine = {one.material for one in rows if one.key == key}
    if mine == {wish.material}:
        raise Refused(
            f"That certificate is presented to {wish.server_name} already",
            hint="There is nothing to do.",
        )
    mine.discard(wish.material)
    if not mine:
        raise Refused(
            f"Origin Pulls has brought no certificate to Cloudflare for {wish.server_name}",
            hint=f"`origin-pulls enforce {wish.server_name}` does; then it can be rotated.",
        )
    imported = [
        number for number in mine if importing.imported_for(server.config.keys_directory / number)
    ]
    if imported and not wish.material and not wish.is_made_here:
        raise Refused(
            f"The certificate of {wish.server_name} was made elsewhere, and its successor is too",
            hint=f"Bring it: `origin-pulls certificate import {wish.server_name}`. To have one "
            f"made here in its place: `origin-pulls rotate {wish.server_name} --made-here`.",
        )
    for number in sorted(mine):
        for refusal in by_hand.refusals(server, number, wish.user):
            raise refusal
    keys = [
        one
        for one in rotated_with(server, vhosts, key)
        if applied.get(one, Applied()).policy.mode is not Mode.OFF
    ]
    items = tuple(
        replace(
            item_for(vhosts[one], applied.get(one, Applied()).policy),
            before=applied.get(one, Applied()),
        )
        for one in keys
    )
    if not server.is_dry:
        EdgeStore(server.store).bring(sorted(mine), wish.material)
    return Job(number=0, kind=ROTATE, who=wish.who, asked=server.stamp(), items=items)
