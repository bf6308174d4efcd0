"""What the sandbox's Cloudflare knows: accounts, tokens, zones, certificates, and its clock.

One JSON file below the sandbox's directory holds it all. The process that serves the API alone
writes it; whoever wants something changed asks that process (``remote.py``).
"""

from __future__ import annotations

import json
import secrets
import time
import uuid
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from origin_pulls.sandbox import files

LIVE = ("initializing", "pending_deployment", "active", "deployment_timed_out")


@dataclass(slots=True)
class Record:
    """One DNS record of a zone; ``name`` in punycode, ``*.`` for a wildcard."""

    type: str
    name: str
    content: str
    proxied: bool
    id: str = field(default_factory=lambda: secrets.token_hex(16))


@dataclass(slots=True)
class Certificate:
    """A certificate in one of the two stores; it moves on to ``goal`` when the clock says ``due``.

    ``key`` is a private key in PEM, which no answer ever holds. ``deployed`` is when it became
    active, by the virtual clock.
    """

    id: str
    pem: str
    key: str
    sha256: str
    uploaded_on: str
    status: str = "pending_deployment"
    goal: str = "active"
    due: float | None = None
    deployed: float = 0.0

    @property
    def is_live(self) -> bool:
        """Whether it is neither deleted nor on its way there."""
        return self.status not in ("pending_deletion", "deleted", "deletion_timed_out")


@dataclass(slots=True)
class Association:
    """A host name bound to a certificate, as the API says (wanted) and as the edge has it."""

    hostname: str
    cert_id: str
    enabled: bool | None
    created_at: str
    updated_at: str
    status: str = "pending_deployment"
    due: float | None = None
    live_cert_id: str = ""
    live_enabled: bool | None = None


@dataclass(slots=True)
class Zone:
    """A zone with its settings, its two certificate stores and its associations."""

    id: str
    name: str
    account_id: str
    status: str = "active"
    paused: bool = False
    type: str = "full"
    ssl: str = "full"
    ssl_automatic_mode: str = "custom"
    tls_client_auth: str = "off"
    editable: bool = True
    aop_enabled: bool = False
    # A Configuration Rule: another mode for one host name, which settings/ssl does not show.
    ssl_overrides: dict[str, str] = field(default_factory=dict)
    # An Origin Rule: the host name that the origin is asked for in the place of the visitor's.
    host_overrides: dict[str, str] = field(default_factory=dict)
    records: list[Record] = field(default_factory=list)
    zone_certificates: list[Certificate] = field(default_factory=list)
    hostname_certificates: list[Certificate] = field(default_factory=list)
    associations: list[Association] = field(default_factory=list)
    busy_until: float = 0.0

    def certificates(self, store: str) -> list[Certificate]:
        """One of the two stores, ``zone`` or ``hostname``."""
        return self.zone_certificates if store == "zone" else self.hostname_certificates


@dataclass(slots=True)
class Token:
    """An API token; ``zones`` are the ids it is restricted to, ``None`` for all.

    The first ``fresh_calls`` calls are refused, as those of a token made a moment ago are.
    """

    id: str
    secret: str
    permissions: list[str]
    zones: list[str] | None = None
    kind: str = "user"
    status: str = "active"
    addresses: list[str] | None = None
    fresh_calls: int = 0
    window_began: float = 0.0
    calls: int = 0


@dataclass(slots=True)
class Fault:
    """What goes wrong with the next ``times`` calls of this method and path (a regex).

    ``cut``: the connection ends without an answer, ``before`` or ``after`` the work is done.
    Without ``status`` and ``cut`` the call is only delayed (real seconds).
    """

    path: str
    method: str = ""
    times: int = 1
    status: int = 0
    code: int = 0
    message: str = ""
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    cut: str = ""
    id: str = field(default_factory=lambda: secrets.token_hex(4))


@dataclass(slots=True)
class Switches:
    """What nobody documented or what depends on the day; times are virtual seconds.

    ``fate`` is what becomes of the next ``fate_times`` uploads: ``stuck``,
    ``deployment_timed_out`` or any other word, which then is their status.
    """

    deployment: float = 6.0
    deletion: float = 8.0
    association: float = 4.0
    voiding: float = 16.0
    busy: float = 0.0
    edge_lags: list[float] = field(default_factory=lambda: [1.0, 4.0])
    fate: str = ""
    fate_times: int = 0
    reupload_while_pending: str = "revive"  # or "1406"
    void_leaves: str = "1553"  # or "null": GET answers an association with enabled null
    delete_disabled: bool = False  # an association with enabled false lets its certificate go
    short_ids: bool = False
    bare_zones: str = "403"  # or "filtered": GET /zones without a name, by a restricted token
    listing: str = "served"  # or "404": GET hostnames, new in 2026
    refused_late: int = 520  # or 525: the origin refused after the handshake (TLS 1.3)
    calls: int = 1200
    window: float = 300.0
    hostname_certificates: int = 10
    zone_certificates: int = 10


@dataclass(slots=True)
class World:
    """Everything, with the clock: virtual seconds pass ``speed`` times as fast as real ones."""

    zones: list[Zone] = field(default_factory=list)
    tokens: list[Token] = field(default_factory=list)
    accounts: dict[str, str] = field(default_factory=dict)
    # Names whose DNS is elsewhere, with the address that they have there.
    other_dns: dict[str, str] = field(default_factory=dict)
    edge_addresses: list[str] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    switches: Switches = field(default_factory=Switches)
    speed: float = 20.0
    virtual: float = 0.0
    read_at: float = field(default_factory=time.time)

    def now(self) -> float:
        """The virtual clock, which only ever goes forward."""
        real = time.time()
        self.virtual += max(0.0, real - self.read_at) * self.speed
        self.read_at = real
        return self.virtual

    def zone_of(self, name: str) -> Zone | None:
        """The active zone that a host name belongs to, the longest match, else any such zone."""
        found = [zone for zone in self.zones if f".{name}".endswith(f".{zone.name}")]
        found.sort(key=lambda zone: (len(zone.name), zone.status == "active"))
        return found[-1] if found else None

    def new_id(self) -> str:
        """An identifier as Cloudflare makes them: 36 characters, or 32 by switch."""
        made = uuid.uuid4()
        return made.hex if self.switches.short_ids else str(made)

    def tick(self) -> float | None:
        """Let everything happen that is due; when the next thing is due, by the virtual clock."""
        now = self.now()
        waiting: list[float] = []
        for zone in self.zones:
            for certificate in (*zone.zone_certificates, *zone.hostname_certificates):
                _move(certificate, now, waiting)
            for association in list(zone.associations):
                _settle(zone, association, now, waiting, self.switches.void_leaves)
        return min(waiting, default=None)


def _move(certificate: Certificate, now: float, waiting: list[float]) -> None:
    if certificate.due is None:
        return
    if now < certificate.due:
        waiting.append(certificate.due)
        return
    certificate.status = certificate.goal
    if certificate.goal == "active":
        certificate.deployed = certificate.due
    certificate.due = None


def _settle(
    zone: Zone, association: Association, now: float, waiting: list[float], void_leaves: str
) -> None:
    if association.due is None:
        return
    if now < association.due:
        waiting.append(association.due)
        return
    association.due = None
    association.live_enabled = association.enabled
    association.live_cert_id = association.cert_id
    association.status = "active" if association.enabled is not None else "deleted"
    if association.enabled is None and void_leaves == "1553":
        zone.associations.remove(association)


def save(path: Path, world: World) -> None:
    """Write everything, whole; root alone may read it, for it holds keys and tokens."""
    files.replace(path, json.dumps(asdict(world)), mode=0o600)


def load(path: Path) -> World:
    """Read what ``save`` wrote; virtual time stood still in between."""
    return revived(json.loads(path.read_text()))


def revived(given: dict[str, Any]) -> World:
    """A world from its JSON form."""
    zones = [_zone(one) for one in given.pop("zones")]
    tokens = [Token(**one) for one in given.pop("tokens")]
    faults = [Fault(**one) for one in given.pop("faults")]
    switches = Switches(**given.pop("switches"))
    given["read_at"] = time.time()
    return World(zones=zones, tokens=tokens, faults=faults, switches=switches, **given)


def _zone(given: dict[str, Any]) -> Zone:
    parts: dict[str, type[Any]] = {
        "records": Record,
        "zone_certificates": Certificate,
        "hostname_certificates": Certificate,
        "associations": Association,
    }
    made: dict[str, Any] = {
        name: [kind(**one) for one in given.pop(name)] for name, kind in parts.items()
    }
    return Zone(**given, **made)
