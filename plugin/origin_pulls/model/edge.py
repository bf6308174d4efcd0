"""Cloudflare's side as values: what is seen at a zone, what it presents, and the next step there.

Decisions are made anew from what is seen, never from what was done before: whatever stopped in
the middle, or was changed by somebody else, the next step is the right one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from origin_pulls.errors import Refused
from origin_pulls.model import names
from origin_pulls.model.inventory import Proxied
from origin_pulls.model.policy import Trust

SHARED = "shared"  # stands for the leaf of Cloudflare's shared certificate
TLS_MODES = frozenset(("full", "strict", "origin_pull"))


class Form(StrEnum):
    """The three forms of Authenticated Origin Pulls."""

    ZONE = "zone"
    HOSTNAME = "hostname"
    SHARED = "shared"


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenCertificate:
    """A certificate in one of a zone's two stores; ``sha256`` is that of its DER."""

    id: str
    sha256: str
    is_active: bool = True
    is_live: bool = True
    is_stuck: bool = False
    expires: str = ""
    uploaded: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenAssociation:
    """Which certificate is set for one host name; ``enabled`` false presents none to it."""

    hostname: str
    cert_id: str
    enabled: bool
    is_active: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ZoneSeen:
    """One zone as it is seen now. ``records`` are (name, is proxied) of A, AAAA and CNAME."""

    id: str
    name: str
    status: str = "active"
    is_paused: bool = False
    ssl_mode: str = "full"
    zone_switch: bool = False
    shared_switch: bool = False
    zone_certificates: tuple[SeenCertificate, ...] = ()
    hostname_certificates: tuple[SeenCertificate, ...] = ()
    associations: tuple[SeenAssociation, ...] = ()
    records: tuple[tuple[str, bool], ...] = ()

    def association(self, host: str) -> SeenAssociation | None:
        """What is set for this name."""
        return next((one for one in self.associations if one.hostname == host), None)

    def live(self, form: Form) -> list[SeenCertificate]:
        """The certificates of the form's store that were not deleted."""
        store = self.zone_certificates if form is Form.ZONE else self.hostname_certificates
        return [one for one in store if one.is_live]


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


def side(host: str, records: Iterable[tuple[str, bool]]) -> Proxied:
    """Whether Cloudflare stands before a name; ``UNKNOWN`` where it has no record at all.

    An exact record hides a wildcard. One proxied record makes all
    addresses of its name proxied: so Cloudflare treats them.
    """
    found = [(name, proxied) for name, proxied in records if names.matches(name, host)]
    exact = [proxied for name, proxied in found if name == host]
    sides = exact or [proxied for _, proxied in found]
    if not sides:
        return Proxied.UNKNOWN
    return Proxied.PROXIED if any(sides) else Proxied.DIRECT


def presented(seen: ZoneSeen, host: str) -> str:
    """What the edge shows an origin for this name: a leaf's SHA-256, ``SHARED`` or nothing."""
    if seen.status != "active" or seen.is_paused or seen.ssl_mode not in TLS_MODES:
        return ""
    if side(host, seen.records) is not Proxied.PROXIED:
        return ""
    association = seen.association(host)
    if association is not None:
        if not association.enabled:
            return ""
        live = {one.id: one.sha256 for one in seen.live(Form.HOSTNAME)}
        if association.is_active and association.cert_id in live:
            return live[association.cert_id]
    active = [one for one in seen.live(Form.ZONE) if one.is_active]
    if seen.zone_switch and active:
        return max(active, key=lambda one: one.uploaded).sha256
    return SHARED if seen.shared_switch else ""


def form_for(trust: Trust, *, lives_elsewhere: Collection[str], others_differ: bool) -> Form:
    """The form that disturbs nobody.

    For the whole zone, unless it has other proxied names that this server does not serve, or
    another vhost of it here demands a certificate of another kind.
    """
    if trust is Trust.CLOUDFLARE:
        return Form.SHARED
    return Form.HOSTNAME if lives_elsewhere or others_differ else Form.ZONE


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


def step_off(
    aim: Aim,
    seen: ZoneSeen,
    *,
    switch_is_ours: bool,
    others_need_zone: bool,
    removes: bool,
) -> Next:
    """The next step on the way back, the origin having been relaxed; only what is ours goes.

    ``aim.hosts`` are the names to give up; ``others_need_zone``: another vhost here still
    demands what the zone presents. ``removes``: the certificates of ``aim.ours`` go as well.
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
    if not removes or aim.form is Form.SHARED or others_need_zone:
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


def elsewhere(seen: ZoneSeen, served: Sequence[str]) -> list[str]:
    """The proxied names of a zone that are no name of this server's vhosts."""
    return sorted(
        name
        for name, is_proxied in set(seen.records)
        if is_proxied and not any(names.matches(pattern, name) for pattern in served)
    )
