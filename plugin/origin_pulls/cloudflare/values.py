"""What Cloudflare's API tells, as values."""

from __future__ import annotations

from dataclasses import dataclass

# An open set (facts: unknown words come): whatever is none of these is "not active yet".
ACTIVE = "active"
GONE = ("pending_deletion", "deleted")
STUCK = "deployment_timed_out"


@dataclass(frozen=True, slots=True)
class TokenState:
    """What Cloudflare says of a token: ``active``, ``disabled``, ``expired`` or another word.

    ``id`` and the dates are empty for a token that belongs to an account: Cloudflare tells them
    at an address of that account only, and such a token is judged by whether it may ask at all.
    """

    id: str
    status: str
    expires_on: str = ""
    not_before: str = ""
    is_account_owned: bool = False

    @property
    def is_good(self) -> bool:
        """Whether the token can be used now."""
        return self.status == ACTIVE


@dataclass(frozen=True, slots=True)
class Zone:
    """One zone. ``name`` is in punycode; ``kind`` is full, partial, secondary or internal."""

    id: str
    name: str
    status: str
    is_paused: bool = False
    kind: str = "full"
    account_id: str = ""

    @property
    def is_usable(self) -> bool:
        """Whether Cloudflare stands before the names of this zone at all."""
        return self.status == ACTIVE and not self.is_paused


@dataclass(frozen=True, slots=True)
class Record:
    """One DNS record. ``name`` is in punycode, ``kind`` is its type (``A``, ``CNAME`` …)."""

    name: str
    kind: str
    content: str
    is_proxied: bool


@dataclass(frozen=True, slots=True)
class EdgeCertificate:
    """A client certificate that was uploaded to a zone.

    ``sha256`` is that of the DER, in hex; empty when the text is no certificate. It is what a
    certificate is known by: ids and the PEM's line ends differ from answer to answer. ``serial``
    is decimal, times are as Cloudflare writes them.
    """

    id: str
    pem: str
    sha256: str
    status: str
    expires_on: str = ""
    serial: str = ""
    uploaded_on: str = ""

    @property
    def is_active(self) -> bool:
        """Whether Cloudflare says that its edge has it."""
        return self.status == ACTIVE

    @property
    def is_live(self) -> bool:
        """Whether it was not deleted: what was deleted stays in lists for a while."""
        return self.status not in GONE

    @property
    def is_stuck(self) -> bool:
        """Whether Cloudflare gave up bringing it to its edge: delete it, upload it again."""
        return self.status == STUCK


@dataclass(frozen=True, slots=True)
class Association:
    """Which certificate is presented for one host name.

    ``enabled`` false means that NO certificate is presented to this name, whatever the zone says;
    ``None`` that there is no association, so that the zone's own setting counts.
    """

    hostname: str
    cert_id: str
    enabled: bool | None
    status: str = ""
    cert_status: str = ""

    @property
    def is_active(self) -> bool:
        """Whether Cloudflare says that its edge presents the certificate."""
        return self.enabled is True and ACTIVE == self.status == (self.cert_status or ACTIVE)
