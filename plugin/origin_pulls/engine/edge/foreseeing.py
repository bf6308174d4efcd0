"""What a job would find and do at Cloudflare; it asks, and changes nothing on either side."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from origin_pulls.engine.edge.beginning import Beginning
from origin_pulls.engine.server import Server
from origin_pulls.errors import OriginPullsError, Refused
from origin_pulls.model import edge_steps
from origin_pulls.model.edge import Form
from origin_pulls.model.job import Job


@dataclass(frozen=True, slots=True)
class ForeseenZone:
    """One zone's part: the form, the names meant, the vhosts, and what would be done there."""

    name: str
    form: Form
    hosts: tuple[str, ...]
    vhosts: tuple[str, ...]
    steps: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What would be done at which zones, and what stands in the way (by vhost key)."""

    zones: tuple[ForeseenZone, ...] = ()
    refused: Mapping[str, OriginPullsError] = field(default_factory=dict)


def foresee(dry: Server, job: Job) -> Foreseen:
    """Look at Cloudflare as the job itself would when it begins. ``dry`` is a dry server."""
    beginning = Beginning(dry, job)
    rollout = beginning.rollout()
    refused = {key: Refused(message, hint=hint) for key, (message, hint) in rollout.failed.items()}
    zones = tuple(
        ForeseenZone(
            name=one.seen.name,
            form=one.leg.form,
            hosts=one.aim.hosts,
            vhosts=tuple(key for key in one.leg.keys if key not in refused),
            steps=tuple(
                edge_steps.describe(step, one.seen.name)
                for step in edge_steps.foreseen(one.aim, one.seen)
            ),
        )
        for one in beginning.found.values()
        if not all(key in refused for key in one.leg.keys)
    )
    return Foreseen(zones, refused)
