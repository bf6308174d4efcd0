"""Cloudflare's side as values: what is seen at a zone, and what it presents."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

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


def elsewhere(seen: ZoneSeen, served: Sequence[str]) -> list[str]:
    """The proxied names of a zone that are no name of this server's vhosts."""
    return sorted(
        name
        for name, is_proxied in set(seen.records)
        if is_proxied and not any(names.matches(pattern, name) for pattern in served)
    )
