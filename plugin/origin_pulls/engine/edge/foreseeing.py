"""What a job would find and do at Cloudflare; it asks, and changes nothing on either side."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from origin_pulls.engine.edge import by_hand
from origin_pulls.engine.edge.beginning import Beginning
from origin_pulls.engine.server import Server
from origin_pulls.errors import OriginPullsError, Refused
from origin_pulls.model import edge_steps
from origin_pulls.model.edge import Form
from origin_pulls.model.job import Job
from origin_pulls.model.saying import AtCloudflare
from origin_pulls.store.presented import Presented
from origin_pulls.store.rollouts import EdgeStore


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


def left(server: Server, off: Collection[str]) -> dict[str, list[AtCloudflare]]:
    """What ``tidying`` would find at Cloudflare for vhosts (by key) when all of these are off.

    It asks the store alone. Vhosts of other accounts are not named.
    """
    rows = [one for one in EdgeStore(server.store).valid() if one.form is not Form.SHARED]
    staying = {
        (one.zone, one.material): one
        for one in rows
        if one.form is Form.ZONE and one.key not in off
    }
    trusting: dict[tuple[str, str], list[str]] = {}
    found: dict[str, list[AtCloudflare]] = {}
    for one in rows:
        if one.key not in off:
            continue
        whose = one.material, one.user
        if whose not in trusting:
            trusting[whose] = by_hand.trusting(server, *whose)
        other = staying.get((one.zone, one.material)) if one.form is Form.ZONE else None
        needing = trusting[whose] + ([_named(other, one.user)] if other else [])
        found.setdefault(one.key, []).append(AtCloudflare(one.zone_name, "".join(needing[:1])))
    return found


def _named(other: Presented, user: str) -> str:
    return other.server_name if other.user == user else by_hand.ANOTHER
