"""Goes on with what is at the edge: one job after the other, a step at a time, resumable."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable
from datetime import datetime

from origin_pulls.engine.edge import telling, tidying
from origin_pulls.engine.edge.beginning import Beginning
from origin_pulls.engine.edge.ending import ended, refused
from origin_pulls.engine.edge.entering import at_edge
from origin_pulls.engine.edge.replacing import begin_rotation
from origin_pulls.engine.edge.rotating import Rotating
from origin_pulls.engine.edge.stages import Stages
from origin_pulls.engine.edge.turning_on import TurningOn
from origin_pulls.engine.server import Server
from origin_pulls.errors import Busy, Damaged, OriginPullsError, Refused
from origin_pulls.model.job import ROTATE, Job
from origin_pulls.model.rollout import BACK, Direction, Rollout
from origin_pulls.server import lock
from origin_pulls.store.rollouts import EdgeStore

logger = logging.getLogger(__name__)
Say = Callable[[str], None]


def go_on(server: Server, say: Say) -> float | None:
    """Do all that is due at the edge now; in how many seconds something is due again.

    ``None`` when nothing is at the edge any more. It takes the edge lock, and the work lock only
    while an ordinary run changes the origin; so who calls must hold neither.
    """
    config = server.config
    server.reach.renew()
    with lock.held(config.edge_lock, patience=config.lock_patience, waiting=say):
        # What others left is brought to an end first: a step may have been interrupted.
        jobs = at_edge(server)
        for job in jobs:
            _advance(server, job, say)
        tidying.tidy(server, say)
        return _next_due(server)


def is_due(server: Server) -> bool:
    """Whether somebody waits at the edge for a step that could be done now."""
    due = _next_due(server)
    return due is not None and due <= 0


def _advance(server: Server, job: Job, say: Say) -> None:
    """Take one job as far as it comes without waiting."""

    def note(text: str) -> None:
        with contextlib.suppress(Damaged):
            server.store.note([job.number], text, at=server.stamp())
        say(text)

    store = EdgeStore(server.store)
    rollout = store.rollout(job.number) or _begin(server, job, note)
    while rollout is not None:
        job = server.store.job(job.number) or job
        is_due = not rollout.due or datetime.fromisoformat(rollout.due) <= server.clock()
        cancelled = store.cancelled_by(job.number)
        if not is_due and not cancelled:
            return
        stages: Stages = (TurningOn if rollout.direction is Direction.ON else Rotating)(
            server, job, note
        )
        if cancelled:
            rollout = stages.cancelled(rollout, cancelled)
        rollout = _step(server, job, stages, rollout)


def _step(server: Server, job: Job, stages: Stages, rollout: Rollout) -> Rollout | None:
    """One stage's turn; ``None`` when the job is over."""
    store = EdgeStore(server.store)
    try:
        following = stages.go_on(rollout)
    except Busy:
        raise
    except Refused as error:
        following = _refused(stages, store.rollout(job.number) or rollout, error)
    if following is None:
        done = ended(server, job, store.rollout(job.number) or rollout)
        is_cancelled = bool(store.cancelled_by(job.number))
        store.end(done, at=server.stamp())
        stages.note(f"{done.state}")
        if not is_cancelled:
            telling.tell_outcome(server, done)
        return None
    store.keep(following)
    return following


def _refused(stages: Stages, rollout: Rollout, error: Refused) -> Rollout | None:
    """The way back, for what was said while it went on; the end where it leads back already."""
    if rollout.stage in BACK:
        stages.note(error.message)
        return None
    reasons = dict.fromkeys(stages.items, (error.message, error.hint))
    return stages.failing(rollout, reasons)


def _begin(server: Server, job: Job, note: Say) -> Rollout | None:
    """The rollout of a job that has none yet; ``None`` when it is refused, with nothing touched."""
    store = EdgeStore(server.store)
    who = store.cancelled_by(job.number)
    if who:
        store.end(refused(job, f"Cancelled by {who}.", ""), at=server.stamp())
        return None
    note("looking at Cloudflare's side")
    try:
        if job.kind == ROTATE:
            rollout = begin_rotation(server, job)
        else:
            beginning = Beginning(server, job)
            job = beginning.job_with_before()
            rollout = beginning.rollout()
    except (OriginPullsError, OSError) as error:
        hint = error.hint if isinstance(error, OriginPullsError) else ""
        done = refused(job, str(error), hint)
        store.end(done, at=server.stamp())
        telling.tell_outcome(server, done)
        return None
    rest = [item for item in job.items if item.key not in rollout.failed]
    if not rest:
        done = ended(server, job, rollout)
        store.end(done, at=server.stamp())
        telling.tell_outcome(server, done)
        return None
    for leg in rollout.open_legs():
        note(f"zone {leg.zone_name}: {leg.form} form, {len(leg.keys)} vhost(s)")
    store.begin(rollout, job)
    return rollout


def _next_due(server: Server) -> float | None:
    jobs = at_edge(server)
    if not jobs:
        return None
    store, now = EdgeStore(server.store), server.clock()
    begun = {rollout.job: rollout for rollout in store.rollouts()}
    times = []
    for job in jobs:
        rollout = begun.get(job.number)
        waits = rollout is not None and rollout.due and not store.cancelled_by(job.number)
        due = datetime.fromisoformat(rollout.due) if rollout and waits else now
        times.append(max((due - now).total_seconds(), 0.0))
    return min(times)
