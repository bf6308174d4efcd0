"""Judges an account's job once more before it demands: much may have changed since it was asked."""

from __future__ import annotations

from datetime import datetime

from origin_pulls.engine.rights import Gate
from origin_pulls.engine.server import Server
from origin_pulls.errors import Refused
from origin_pulls.model.caller import Caller, Kind
from origin_pulls.model.job import STEP, Applied, Job
from origin_pulls.model.policy import Mode
from origin_pulls.model.rollout import BACK
from origin_pulls.model.wish import Change, Wanted
from origin_pulls.store.rollouts import EdgeStore


def still_may(server: Server, job: Job) -> Refused | None:
    """Why an account may not have what it asked for any more; ``None`` when it may.

    A lock, a lowered right, a suspension or a feature taken away counts also for what is on its
    way. Whatever opens a site, and the way back, goes on all the same.
    """
    asked = _asked(server, job)
    if asked is None or asked.caller_kind != Kind.ACCOUNT or not _demands_anew(server, job):
        return None
    if job.kind != STEP and not _is_old(server, job):
        return None
    caller = Caller(Kind.ACCOUNT, asked.who, asked.address)
    wanted = tuple(Wanted(item.user, item.server_name, item.wanted) for item in job.items)
    try:
        Gate(server.config).judge_account(server, Change(wanted, asked.who), caller)
    except Refused as error:
        return error
    return None


def _asked(server: Server, job: Job) -> Job | None:
    """The job that somebody asked for: of a step on its way there the one it is a step of."""
    if job.kind != STEP:
        return job
    rollout = EdgeStore(server.store).rollout(job.undoes)
    is_back = rollout is not None and rollout.stage in BACK
    return None if is_back else server.store.job(job.undoes)


def _demands_anew(server: Server, job: Job) -> bool:
    policies = server.store.policies()
    return any(
        item.wanted.mode is Mode.ENFORCE
        and policies.get((item.user, item.incarnation, item.server_name), Applied()).policy
        != item.wanted
        for item in job.items
    )


def _is_old(server: Server, job: Job) -> bool:
    """Whether it has waited so long that what was found then need not be so any more."""
    waited = server.clock() - datetime.fromisoformat(job.asked)
    return waited.total_seconds() > server.config.feature_cache
