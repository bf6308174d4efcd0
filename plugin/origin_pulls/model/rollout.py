"""How far a job has come at the edge, as a value that is kept between any two steps."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any

from origin_pulls.model.edge import Form
from origin_pulls.model.job import Item


class Direction(StrEnum):
    """Where it leads."""

    ON = "on"
    ROTATE = "rotate"


class Stage(StrEnum):
    """What is being done, in the order of the way there; the last two lead back."""

    QUEUED = "queued"  # another job works on one of its zones, or its token has to wait
    WIDENING = "widening"  # rotation: the origin learns to trust the new CA besides
    EDGE = "edge"
    OBSERVING = "observing"
    PROBING = "probing"
    ENFORCING = "enforcing"
    REMOVING = "removing"  # rotation: the old leaf goes
    NARROWING = "narrowing"  # rotation: the other CA goes
    RELAXING = "relaxing"
    RETURNING = "returning"  # rotation: the old leaf is presented again, the new one goes


BACK = (Stage.REMOVING, Stage.NARROWING, Stage.RELAXING, Stage.RETURNING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One zone's part of a rollout.

    ``material`` and ``old`` are numbers of certificates (empty for the shared one), ``hosts`` the
    proxied names meant, ``keys`` the vhosts. ``user`` and ``incarnation`` say whose token counts.
    ``is_fresh``: this rollout brings the certificate to Cloudflare, and it goes again if it fails.
    """

    zone: str
    zone_name: str
    form: Form
    user: str
    incarnation: str
    material: str = ""
    old: str = ""
    is_fresh: bool = False
    hosts: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rollout:
    """A job at the edge. Times are ISO 8601; ``failures`` are (vhost key, message, hint).

    ``step`` is the internal job that is waited for, ``steps`` are all there were. ``ways`` are
    (vhost key, address of the edge with port, host name), by which it was proven.
    ``touched``: something was written at the edge. ``zones`` (ids) and ``waits_for`` (a job) say
    whose turn it is; ``returns`` counts how often what was set had vanished while it was proven.
    """

    job: int
    direction: Direction
    stage: Stage
    legs: tuple[Leg, ...] = ()
    step: int = 0
    rounds: int = 0
    looks: int = 0
    deadline: str = ""
    due: str = ""
    said: str = ""
    touched: bool = False
    zones: tuple[str, ...] = ()
    waits_for: int = 0
    returns: int = 0
    steps: tuple[int, ...] = ()
    ways: tuple[tuple[str, str, str], ...] = ()
    failures: tuple[tuple[str, str, str], ...] = ()

    @property
    def failed(self) -> dict[str, tuple[str, str]]:
        """What went wrong, by vhost."""
        return {key: (message, hint) for key, message, hint in self.failures}

    @property
    def keys(self) -> tuple[str, ...]:
        """All vhosts that it means."""
        return tuple(dict.fromkeys(key for leg in self.legs for key in leg.keys))

    @property
    def at_zones(self) -> frozenset[str]:
        """The zones (ids) that are its own until it is over."""
        return frozenset(self.zones) | {leg.zone for leg in self.legs}

    def failing(self, reasons: Mapping[str, tuple[str, str]]) -> Rollout:
        """The same with these vhosts failed; the first reason of each counts."""
        known = {**reasons, **self.failed}
        return replace(self, failures=tuple((key, *known[key]) for key in sorted(known)))

    def at(self, stage: Stage, *, deadline: str = "") -> Rollout:
        """The same at another stage, from its beginning."""
        return replace(
            self, stage=stage, step=0, rounds=0, looks=0, due="", said="", deadline=deadline
        )

    def following(self, items: Sequence[Item]) -> Rollout:
        """The same with its vhosts called as in these items of its job.

        An account may get another name on the way; what its sites are called stays.
        """
        by_name = {item.server_name: item for item in items}
        known = {item.key for item in items}
        moved = {
            key: by_name[name]
            for key in dict.fromkeys((*self.keys, *self.failed))
            if key not in known and (name := key.partition("/")[2]) in by_name
        }
        if not moved:
            return self
        called = {key: item.key for key, item in moved.items()}
        lives = {key.partition("/")[0]: item for key, item in moved.items()}
        legs = [
            replace(leg, keys=tuple(called.get(key, key) for key in leg.keys)) for leg in self.legs
        ]
        return replace(
            self,
            legs=tuple(
                replace(leg, user=lives[leg.user].user, incarnation=lives[leg.user].incarnation)
                if leg.user in lives
                else leg
                for leg in legs
            ),
            ways=tuple((called.get(key, key), way, host) for key, way, host in self.ways),
            failures=tuple(
                (called.get(key, key), message, hint) for key, message, hint in self.failures
            ),
        )

    def ways_of(self, key: str) -> list[tuple[str, str]]:
        """The ways through the edge to one vhost."""
        return [(address, host) for vhost, address, host in self.ways if vhost == key]

    def open_legs(self) -> list[Leg]:
        """The legs with a vhost that did not fail."""
        failed: Collection[str] = self.failed
        return [leg for leg in self.legs if not all(key in failed for key in leg.keys)]


def as_record(rollout: Rollout) -> dict[str, Any]:
    """The rollout as plain values, the shape that ``read`` takes."""
    return asdict(rollout)


def read(record: Mapping[str, Any]) -> Rollout:
    """The rollout of a record that ``as_record`` made."""
    legs = tuple(
        Leg(
            **{
                **leg,
                "form": Form(leg["form"]),
                "hosts": tuple(leg["hosts"]),
                "keys": tuple(leg["keys"]),
            }
        )
        for leg in record["legs"]
    )
    return Rollout(
        **{
            **record,
            "direction": Direction(record["direction"]),
            "stage": Stage(record["stage"]),
            "legs": legs,
            "zones": tuple(record.get("zones", ())),
            "steps": tuple(record["steps"]),
            "ways": tuple((str(key), str(way), str(host)) for key, way, host in record["ways"]),
            "failures": tuple(
                (str(key), str(message), str(hint)) for key, message, hint in record["failures"]
            ),
        }
    )
