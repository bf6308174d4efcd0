"""Begins a job at the edge when its turn has come: one job at a time works on a zone."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from origin_pulls.engine import looking as local
from origin_pulls.engine import preparing
from origin_pulls.engine.edge import by_hand, telling, wishing
from origin_pulls.engine.edge.beginning import Beginning
from origin_pulls.engine.edge.ending import ended, refused
from origin_pulls.engine.edge.entering import at_edge
from origin_pulls.engine.edge.legs import deadline
from origin_pulls.engine.edge.replacing import begin_rotation
from origin_pulls.engine.server import Server
from origin_pulls.errors import EdgeLater, OriginPullsError, Refused
from origin_pulls.model.caller import Kind
from origin_pulls.model.edge import Form
from origin_pulls.model.job import ROTATE, Applied, Job, item_for
from origin_pulls.model.policy import Mode
from origin_pulls.model.rollout import Direction, Rollout, Stage
from origin_pulls.store.rollouts import EdgeStore

Note = Callable[[str], None]
PRESENTED = {
    Form.ZONE: "one certificate for the whole zone,",
    Form.HOSTNAME: "a certificate for single names,",
    Form.SHARED: "Cloudflare's shared certificate,",
}


def begin(server: Server, job: Job, queued: Rollout | None, note: Note) -> None:
    """Give a job its rollout, or let it wait for its turn; or it is refused, nothing touched."""
    store = EdgeStore(server.store)
    who = store.cancelled_by(job.number)
    if who:
        store.end(refused(job, f"Cancelled by {who}.", ""), at=server.stamp())
        return
    if queued is None:
        note("looking at Cloudflare's side")
        queued = Rollout(job=job.number, direction=_direction(job), stage=Stage.QUEUED)
    try:
        job, rollout = _rollout(server, job, queued, note)
    except EdgeLater as error:
        _keep(server, _later(server, queued, error), queued, note)
        return
    except (OriginPullsError, OSError) as error:
        hint = error.hint if isinstance(error, OriginPullsError) else ""
        _end(server, refused(job, str(error), hint))
        return
    if rollout.stage is Stage.QUEUED:
        _keep(server, rollout, queued, note)
        return
    if all(item.key in rollout.failed for item in job.items):
        _end(server, ended(server, job, rollout))
        return
    for leg in rollout.open_legs():
        what, count = PRESENTED[leg.form], len(leg.keys)
        note(f"zone {leg.zone_name}: {what} for {count} {'vhost' if count == 1 else 'vhosts'}")
    store.begin(rollout, job)


def _end(server: Server, done: Job) -> None:
    EdgeStore(server.store).end(done, at=server.stamp())
    telling.tell_outcome(server, done)


def _direction(job: Job) -> Direction:
    return Direction.ROTATE if job.kind == ROTATE else Direction.ON


def _rollout(server: Server, job: Job, queued: Rollout, note: Note) -> tuple[Job, Rollout]:
    """The job as it begins, with its rollout; a queued one where others have to end first."""
    if job.kind == ROTATE:
        job = _with_sharers(server, job)
        keys = {item.key for item in job.items}
        rows = [one for one in EdgeStore(server.store).valid() if one.key in keys and one.material]
        turn = _turn(server, queued, {one.zone: one.zone_name for one in rows})
        return job, turn or begin_rotation(server, job)
    is_patient = not _is_late(server, queued)
    # Who waits for a turn looks again and again; that is told once.
    say = note if not queued.said else lambda _: None
    beginning = Beginning(server, job, is_patient=is_patient, say=say)
    turn = _turn(server, queued, beginning.zones())
    return beginning.job_with_before(), turn or beginning.rollout()


def _turn(server: Server, queued: Rollout, zones: Mapping[str, str]) -> Rollout | None:
    """The rollout that waits for another job, which works on one of these zones (id to name).

    Who has come to the zone first comes first, begun or not, so that nobody is passed over; who
    has begun waits for nobody, so that no two wait for each other.
    """
    there = {job.number for job in at_edge(server)}
    for other in EdgeStore(server.store).rollouts():
        is_before = other.stage is not Stage.QUEUED or other.job < queued.job
        shared = [name for zone, name in zones.items() if zone in other.at_zones]
        if other.job == queued.job or other.job not in there or not is_before or not shared:
            continue
        said = f"job {other.job}, which works on the zone {shared[0]}"
        return replace(
            queued, zones=tuple(zones), waits_for=other.job, said=said, due="", deadline=""
        )
    return None


def _later(server: Server, queued: Rollout, error: EdgeLater) -> Rollout:
    """The rollout that waits until its token may ask again."""
    pause = max(error.seconds, server.config.edge_poll)
    due = server.clock() + timedelta(seconds=pause)
    until = queued.deadline or deadline(server)
    return replace(
        queued,
        waits_for=0,
        said=f"an answer from Cloudflare ({error.message})",
        due=min(due, datetime.fromisoformat(until)).isoformat(),
        deadline=until,
    )


def _is_late(server: Server, queued: Rollout) -> bool:
    return bool(queued.deadline) and server.clock() >= datetime.fromisoformat(queued.deadline)


def _keep(server: Server, now: Rollout, before: Rollout, note: Note) -> None:
    if now.said != before.said:
        note(f"waiting for {now.said}")
    EdgeStore(server.store).keep(now)


def _with_sharers(server: Server, job: Job) -> Job:
    """The rotation with all vhosts that its certificates serve by now."""
    rows = [one for one in EdgeStore(server.store).valid() if one.material]
    keys = {item.key for item in job.items}
    meant = wishing.sharing(rows, keys)
    for number in sorted({one.material for one in rows if one.key in meant}):
        for refusal in by_hand.refusals(server, number, job.items[0].user):
            raise refusal
    found = local.look(server)
    applied = preparing.applied_now(server, found)
    lives = {one.key: one.incarnation for one in rows if one.key in meant}
    late = tuple(
        replace(item_for(vhost, applied[vhost.key].policy), before=applied[vhost.key])
        for vhost in found.vhosts
        if vhost.key not in keys
        and lives.get(vhost.key) == vhost.incarnation
        and applied.get(vhost.key, Applied()).policy.mode is not Mode.OFF
    )
    if job.caller_kind == Kind.ACCOUNT and any(item.user != job.who for item in late):
        raise Refused(
            "The certificate of this zone serves vhosts of others as well",
            hint="The administrator can rotate it.",
        )
    if late:
        EdgeStore(server.store).join(job, late)
    return replace(job, items=(*job.items, *late))
