"""What a rollout changed at the origin and has to be, or was not, taken back there."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from origin_pulls.engine import looking
from origin_pulls.engine.server import Server
from origin_pulls.model.job import Applied, Item, Job
from origin_pulls.model.policy import Mode, Policy
from origin_pulls.model.rollout import Rollout


def left_over(server: Server, job: Job, rollout: Rollout) -> dict[str, tuple[Item, Policy]]:
    """The vhosts (by key) that failed and still have a policy of this rollout's.

    Each with the policy that it is to get back. What somebody else set since stays.
    """
    policies = server.store.policies()
    found = {}
    for item in job.items:
        if item.key not in rollout.failed:
            continue
        now = policies.get((item.user, item.incarnation, item.server_name), Applied())
        before = item.before.policy
        if before.mode is Mode.ENFORCE and not before.edge_ready:
            before = replace(before, mode=Mode.OBSERVE)  # nothing is presented to it
        if now.job in rollout.steps and now.policy != before:
            found[item.key] = item, before
    return found


def absent(server: Server, keys: Collection[str]) -> list[str]:
    """Those of these vhosts that this server does not have, under this name of its account."""
    there = {vhost.key for vhost in looking.look(server).vhosts}
    return [key for key in keys if key not in there]
