"""What the pages show of Cloudflare's side out of the store: where a job is, what is presented."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from origin_pulls.model.edge import Form
from origin_pulls.model.rollout import Direction, Rollout, Stage

TURNING_ON = (Stage.EDGE, Stage.OBSERVING, Stage.PROBING, Stage.ENFORCING)
ROTATING = (Stage.WIDENING, Stage.EDGE, Stage.PROBING, Stage.REMOVING, Stage.NARROWING)
WORDS: Mapping[Stage, str] = {
    Stage.QUEUED: "It waits for its turn: nothing is touched yet",
    Stage.WIDENING: "This server learns to trust the new certificate besides the old one",
    Stage.EDGE: "Cloudflare is made to present the certificate",
    Stage.OBSERVING: "This server asks for the certificate and demands none",
    Stage.PROBING: "Real requests through Cloudflare prove that it comes",
    Stage.ENFORCING: "This server demands the certificate, and that is proven",
    Stage.REMOVING: "The old certificate goes from Cloudflare",
    Stage.NARROWING: "This server forgets the other certificate",
    Stage.RELAXING: "It is taken back: this server first, then Cloudflare",
    Stage.RETURNING: "It is taken back: the old certificate is presented again",
}


DONE, NOW, TO_COME = "done", "now", "to come"


@dataclass(frozen=True, slots=True)
class StageRow:
    """One stage of a job at Cloudflare, in words; ``standing`` is done, now or to come."""

    words: str
    standing: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeProgress:
    """Where a job at Cloudflare is. ``until`` is ISO 8601 and empty where nothing is waited for.

    ``cancelled_by`` is who cancelled it: then it is on its way back, or soon will be.
    """

    stages: tuple[StageRow, ...] = ()
    waiting: str = ""
    until: str = ""
    cancelled_by: str = ""


@dataclass(frozen=True, slots=True)
class ZoneRow:
    """What was proven to be presented to a vhost by one zone, and since when."""

    name: str
    form: Form
    since: str
    is_own: bool  # a certificate of ours, which can be rotated; not Cloudflare's shared one


@dataclass(frozen=True, slots=True, kw_only=True)
class VhostAtEdge:
    """Cloudflare's side of a vhost as the store knows it; ``job`` is the one that is there.

    ``shares``: other vhosts of the caller's whose certificate is the same; ``is_shared``: there
    are such that the caller may not know of.
    """

    zones: tuple[ZoneRow, ...] = ()
    amiss: tuple[str, ...] = ()
    shares: tuple[str, ...] = ()
    is_shared: bool = False
    job: int = 0
    progress: EdgeProgress = EdgeProgress()

    @property
    def can_rotate(self) -> bool:
        """Whether a new certificate can be asked for."""
        return not self.job and any(one.is_own for one in self.zones)


def progress_of(rollout: Rollout | None, cancelled_by: str) -> EdgeProgress:
    """Where a job is; without a rollout it has not begun to look at Cloudflare yet."""
    if rollout is None:
        return EdgeProgress(cancelled_by=cancelled_by)
    way = ROTATING if rollout.direction is Direction.ROTATE else TURNING_ON
    is_back = rollout.stage is Stage.NARROWING and bool(rollout.failures)
    if is_back or rollout.stage not in way:
        stages = [StageRow(WORDS[rollout.stage], NOW)]
    else:
        place = way.index(rollout.stage)
        standing = [DONE] * place + [NOW] + [TO_COME] * (len(way) - place - 1)
        stages = [StageRow(WORDS[one], said) for one, said in zip(way, standing, strict=True)]
    return EdgeProgress(
        stages=tuple(stages),
        waiting=rollout.said,
        until=rollout.deadline if rollout.said else "",
        cancelled_by=cancelled_by,
    )
