"""The next step at a zone, on the way to presenting and back.

Decisions are made anew from what is seen, never from what was done before: whatever stopped in
the middle, or was changed by somebody else, the next step is the right one.
"""

from __future__ import annotations

from dataclasses import dataclass

from origin_pulls.errors import Refused
from origin_pulls.model.edge import Form, ZoneSeen


@dataclass(frozen=True, slots=True, kw_only=True)
class Aim:
    """What shall be presented: the leaf (by SHA-256) to these hosts. ``ours`` are leaves we made.

    ``may_fill`` allows the last free slot to be taken: a rotation is what it is kept for.
    """

    form: Form
    leaf: str
    hosts: tuple[str, ...]
    ours: frozenset[str] = frozenset()
    may_fill: bool = False


@dataclass(frozen=True, slots=True)
class Upload:
    """Bring the leaf with its key to the store of the form."""


@dataclass(frozen=True, slots=True)
class SwitchOn:
    """Let the zone present its own certificate."""


@dataclass(frozen=True, slots=True)
class SwitchOff:
    """Let the zone present its own certificate no more."""


@dataclass(frozen=True, slots=True)
class Associate:
    """Present this certificate to these host names."""

    cert_id: str
    hosts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Void:
    """Take what is set for these names away: (host name, certificate id)."""

    pairs: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Delete:
    """Delete this certificate from the store of the form."""

    cert_id: str


@dataclass(frozen=True, slots=True)
class Waiting:
    """Nothing to do but to wait for this."""

    what: str


@dataclass(frozen=True, slots=True)
class Ready:
    """It is as it shall be, so far as Cloudflare says."""


EdgeStep = Upload | SwitchOn | SwitchOff | Associate | Void | Delete
Next = EdgeStep | Waiting | Ready


def step_on(aim: Aim, seen: ZoneSeen) -> Next:
    """The next step on the way to presenting; ``Refused`` is raised where there is none.

    ``edge_obstacles.next_on`` asks first what stands in the way.
    """
    if aim.form is Form.SHARED:
        return Ready()
    mine = next((one for one in seen.live(aim.form) if one.sha256 == aim.leaf), None)
    if mine is None:
        return Upload()
    if mine.is_stuck:
        raise Refused(
            "Cloudflare gave up bringing the certificate to its edge (deployment_timed_out)",
            hint="Nothing was demanded yet. Ask for it again; a new upload usually goes through.",
        )
    if not mine.is_active:
        return Waiting("Cloudflare to bring the certificate to its edge")
    if aim.form is Form.ZONE:
        return Ready() if seen.zone_switch else SwitchOn()
    set_now = {host: seen.association(host) for host in aim.hosts}
    missing = tuple(
        host
        for host, one in set_now.items()
        if one is None or not one.enabled or one.cert_id != mine.id
    )
    if missing:
        return Associate(mine.id, missing)
    if all(one is not None and one.is_active for one in set_now.values()):
        return Ready()
    return Waiting("Cloudflare to associate the certificate with the names")


def foreseen(aim: Aim, seen: ZoneSeen) -> list[EdgeStep]:
    """All steps that lie between what is seen and what shall be presented, were nothing to come."""
    if aim.form is Form.SHARED:
        return []
    mine = next((one for one in seen.live(aim.form) if one.sha256 == aim.leaf), None)
    steps: list[EdgeStep] = [] if mine else [Upload()]
    cert_id = mine.id if mine else ""
    if aim.form is Form.ZONE:
        return steps if seen.zone_switch else [*steps, SwitchOn()]
    missing = tuple(
        host
        for host in aim.hosts
        if (one := seen.association(host)) is None or not one.enabled or one.cert_id != cert_id
    )
    return [*steps, Associate(cert_id, missing)] if missing else steps


def step_off(
    aim: Aim,
    seen: ZoneSeen,
    *,
    switch_is_ours: bool,
    others_need_zone: bool,
    removes: bool,
) -> Next:
    """The next step on the way back, the origin having been relaxed; only what is ours goes.

    ``aim.hosts`` are the names to give up; ``others_need_zone``: another vhost here demands
    that the zone presents. ``removes``: the certificates of ``aim.ours`` go as well: nobody
    may demand them any more.
    """
    ids = {one.id for one in seen.live(Form.HOSTNAME) if one.sha256 in aim.ours}
    pairs = tuple(
        (host, one.cert_id)
        for host in aim.hosts
        if (one := seen.association(host)) is not None and one.cert_id in ids
    )
    if aim.form is Form.HOSTNAME and pairs:
        return Void(pairs)
    is_zone = aim.form is Form.ZONE
    if is_zone and seen.zone_switch and switch_is_ours and not others_need_zone:
        return SwitchOff()
    if not removes or aim.form is Form.SHARED:
        return Ready()
    return removal(aim, seen)


def removal(aim: Aim, seen: ZoneSeen) -> Next:
    """The next step to be rid of the certificates in ``aim.ours``; used ones stay."""
    used = {one.cert_id for one in seen.associations} if aim.form is Form.HOSTNAME else set()
    for one in seen.live(aim.form):
        if one.sha256 in aim.ours and one.id not in used:
            return Delete(one.id)
    return Ready()


def describe(step: EdgeStep, zone: str) -> str:
    """One step in words, for progress and logs."""
    match step:
        case Upload():
            return f"bringing the certificate to Cloudflare (zone {zone})"
        case SwitchOn():
            return f"turning Authenticated Origin Pulls on for the zone {zone}"
        case SwitchOff():
            return f"turning Authenticated Origin Pulls off for the zone {zone}"
        case Associate():
            return f"setting the certificate for {', '.join(step.hosts[:6])}"
        case Void():
            return f"taking the certificate from {', '.join(host for host, _ in step.pairs[:6])}"
        case Delete():
            return f"deleting the certificate {step.cert_id} at Cloudflare"
