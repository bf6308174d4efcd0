"""Goes on with what is at the edge: a step of each job in turn, resumable."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from origin_pulls.engine.edge import queueing, telling, tidying
from origin_pulls.engine.edge.ending import ended
from origin_pulls.engine.edge.entering import at_edge
from origin_pulls.engine.edge.rotating import Rotating
from origin_pulls.engine.edge.stages import Stages
from origin_pulls.engine.edge.turning_on import TurningOn
from origin_pulls.engine.server import Server
from origin_pulls.errors import Busy, Damaged, OriginPullsError, Refused
from origin_pulls.model.job import Job
from origin_pulls.model.rollout import BACK, Direction, Rollout, Stage
from origin_pulls.server import lock
from origin_pulls.store.rollouts import EdgeStore

logger = logging.getLogger(__name__)
Say = Callable[[str], None]
LONGEST_TURN = timedelta(seconds=60)  # then whoever else wants to look at the edge may


def go_on(server: Server, say: Say) -> float | None:
    """Do all that is due at the edge now; in how many seconds something is due again.

    ``None`` when nothing is at the edge any more. It takes the edge lock, and the work lock only
    while an ordinary run changes the origin; so who calls must hold neither. What goes wrong with
    one job is raised when the others have had their turn.
    """
    config = server.config
    server.reach.renew()
    with lock.held(config.edge_lock, patience=config.lock_patience, waiting=say):
        problem = _in_turn(server, say)
        tidying.tidy(server, say)
        if problem is not None:
            raise problem
        return _next_due(server)


def is_due(server: Server) -> bool:
    """Whether somebody waits at the edge for a step that could be done now."""
    due = _next_due(server)
    return due is not None and due <= 0


def _in_turn(server: Server, say: Say) -> OriginPullsError | OSError | None:
    """One step of each job in turn, until all of them wait; what went wrong first."""
    failed: dict[int, OriginPullsError | OSError] = {}
    end = server.clock() + LONGEST_TURN
    is_moving = True
    while is_moving and server.clock() < end:
        is_moving = False
        for job in at_edge(server):
            if job.number in failed:
                continue
            try:
                is_moving = _advance(server, job, say) or is_moving
            except Busy:
                raise
            except (OriginPullsError, OSError) as error:
                logger.warning("job %d: %s", job.number, error)
                failed[job.number] = error
    return next(iter(failed.values()), None)


def _advance(server: Server, job: Job, say: Say) -> bool:
    """Take one job one step further; whether there was one to take."""

    def note(text: str) -> None:
        with contextlib.suppress(Damaged):
            server.store.note([job.number], text, at=server.stamp())
        say(text)

    store = EdgeStore(server.store)
    rollout = store.rollout(job.number)
    if _seconds_left(server, rollout) != 0.0:
        return False
    if rollout is None or rollout.stage is Stage.QUEUED:
        queueing.begin(server, job, rollout, note)
        return True
    rollout = _following(store, job, rollout, note)
    stages: Stages = (TurningOn if rollout.direction is Direction.ON else Rotating)(
        server, job, note
    )
    cancelled = store.cancelled_by(job.number)
    if cancelled and rollout.stage not in BACK:
        rollout = stages.cancelled(rollout, cancelled)
    _step(server, job, stages, rollout)
    return True


def _following(
    store: EdgeStore, job: Job, rollout: Rollout, note: Callable[[str], None]
) -> Rollout:
    """The rollout under the names that its job's accounts have now, which is kept."""
    followed = rollout.following(job.items)
    if followed != rollout:
        note("an account got another name: its vhosts go along")
        store.keep(followed)
    return followed


def _step(server: Server, job: Job, stages: Stages, rollout: Rollout) -> None:
    """One stage's turn; the job may be over with it."""
    store = EdgeStore(server.store)
    try:
        following = stages.go_on(rollout)
    except Busy:
        raise
    except Refused as error:
        following = _refused(stages, store.rollout(job.number) or rollout, error)
    if following is None:
        job = server.store.job(job.number) or job  # its account may have another name by now
        rollout = (store.rollout(job.number) or rollout).following(job.items)
        done = ended(server, job, rollout)
        is_cancelled = bool(store.cancelled_by(job.number))
        store.end(done, at=server.stamp())
        stages.note(f"{done.state}")
        if not is_cancelled:
            telling.tell_outcome(server, done)
        return
    store.keep(following)


def _refused(stages: Stages, rollout: Rollout, error: Refused) -> Rollout | None:
    """The way back, for what was said while it went on; the end where it leads back already."""
    if rollout.stage in BACK:
        stages.note(error.message)
        return None
    reasons = dict.fromkeys(stages.items, (error.message, error.hint))
    return stages.failing(rollout, reasons)


def _next_due(server: Server) -> float | None:
    jobs = at_edge(server)
    begun = {rollout.job: rollout for rollout in EdgeStore(server.store).rollouts()}
    times = [_seconds_left(server, begun.get(job.number)) for job in jobs]
    return min(times) if times else None


def _seconds_left(server: Server, rollout: Rollout | None) -> float:
    """In how many seconds a job may go on: 0 is now, infinity is when another one is over.

    Who is cancelled turns back at once; on the way back it waits like everybody.
    """
    if rollout is None:
        return 0.0
    if rollout.stage not in BACK and EdgeStore(server.store).cancelled_by(rollout.job):
        return 0.0
    if rollout.waits_for:
        is_there = any(job.number == rollout.waits_for for job in at_edge(server))
        return float("inf") if is_there else 0.0
    if not rollout.due:
        return 0.0
    return max((datetime.fromisoformat(rollout.due) - server.clock()).total_seconds(), 0.0)
