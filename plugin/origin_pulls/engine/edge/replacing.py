"""Begins a rotation: for what the vhosts are presented now, the certificate that comes next."""

from __future__ import annotations

from dataclasses import dataclass, replace

from origin_pulls.engine.edge.legs import deadline, joined
from origin_pulls.engine.server import Server
from origin_pulls.model.edge import Form
from origin_pulls.model.job import Job
from origin_pulls.model.rollout import Direction, Leg, Rollout, Stage
from origin_pulls.server import certificates
from origin_pulls.store.presented import Presented
from origin_pulls.store.rollouts import IMPORTED, EdgeStore


@dataclass(frozen=True, slots=True)
class Rotated:
    """One zone whose certificate is rotated, and the vhosts to which it is presented."""

    zone: str
    form: Form
    vhosts: tuple[str, ...]

    def __str__(self) -> str:
        named = ", ".join(self.vhosts)
        return f"zone {self.zone}: a new certificate ({self.form} form) for {named}"


def foreseen(server: Server, job: Job) -> list[Rotated]:
    """The zones at which a rotation would replace certificates, for which vhosts."""
    found: dict[tuple[str, str, Form], Rotated] = {}
    for one in _replaced(server, job):
        key = one.zone_name, one.material, one.form
        known = found.get(key, Rotated(one.zone_name, one.form, ()))
        found[key] = replace(known, vhosts=(*known.vhosts, one.server_name))
    return list(found.values())


def begin_rotation(server: Server, job: Job) -> Rollout:
    """The rollout of a new certificate for what the vhosts of this job are presented."""
    store = EdgeStore(server.store)
    rows = _replaced(server, job)
    imported = {one.material: store.take_brought(one.material) for one in rows}
    legs: dict[tuple[str, str], Leg] = {}
    for one in rows:
        known = legs.get((one.zone, one.material))
        number = known.material if known else imported[one.material] or _make(server, one)
        if number != one.material:
            legs[one.zone, one.material] = joined(known, _leg_of(one, number))
    for old in imported:
        store.forget("", IMPORTED, old)
    rollout = Rollout(
        job=job.number,
        direction=Direction.ROTATE,
        stage=Stage.WIDENING,
        legs=tuple(legs.values()),
        deadline=deadline(server),
    )
    missing = {
        item.key: (
            f"Origin Pulls brought no certificate to Cloudflare for {item.server_name}",
            f"`origin-pulls enforce {item.server_name}` does; then it can be rotated.",
        )
        for item in job.items
        if item.key not in rollout.keys
    }
    return rollout.failing(missing)


def _replaced(server: Server, job: Job) -> list[Presented]:
    """What is presented to the vhosts of a job and has a certificate of ours."""
    keys = {item.key for item in job.items}
    return [one for one in EdgeStore(server.store).valid() if one.key in keys and one.material]


def _make(server: Server, one: Presented) -> str:
    """The number of a certificate that is made to take the place of another."""
    name = one.zone_name if one.form is Form.ZONE else one.server_name
    years = server.config.certificate_years
    material = certificates.make(name, now=server.clock(), years=years)
    certificates.keep(material, server.config.keys_directory / material.number)
    return material.number


def _leg_of(one: Presented, number: str) -> Leg:
    return Leg(
        zone=one.zone,
        zone_name=one.zone_name,
        form=one.form,
        user=one.user,
        incarnation=one.incarnation,
        material=number,
        old=one.material,
        is_fresh=True,
        hosts=one.hosts,
        keys=(one.key,),
    )
