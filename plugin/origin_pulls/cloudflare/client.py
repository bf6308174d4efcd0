"""Cloudflare's API as calls that are answered with values, and retried as its rules demand."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from types import TracebackType

from origin_pulls.cloudflare.values import (
    Association,
    EdgeCertificate,
    Record,
    TokenState,
    Zone,
)
from origin_pulls.secret import Secret


class Client:
    """One token at Cloudflare's API; a context manager that closes its connections.

    Every method raises ``EdgeRefused`` for a lasting no and ``EdgeUnknown`` when nothing that
    could be built on came, both with a hint. A write whose answer was lost is read back before
    it is repeated, so a write that returns has taken effect at the API. ``pause`` is the time
    between two tries where Cloudflare is busy with this zone, ``say`` is told of long waits.
    """

    def __init__(
        self,
        api: str,
        token: Secret,
        *,
        sleep: Callable[[float], None] = time.sleep,
        connect_timeout: float = 5.0,
        read_timeout: float = 30.0,
        pause: float = 5.0,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        raise NotImplementedError

    def __enter__(self) -> Client:
        raise NotImplementedError

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        raise NotImplementedError

    def close(self) -> None:
        """Close the connections."""
        raise NotImplementedError

    # -- the token, zones, records ----------------------------------------------------------

    def verify(self) -> TokenState:
        """What Cloudflare says of this token; ``EdgeRefused`` when it knows none like it."""
        raise NotImplementedError

    def zones(self) -> list[Zone]:
        """All zones the token reaches; a token for some zones only may be refused this."""
        raise NotImplementedError

    def zones_named(self, name: str) -> list[Zone]:
        """The zones of exactly this name, active ones first: names are not unique."""
        raise NotImplementedError

    def zone(self, zone_id: str) -> Zone:
        """One zone by its id."""
        raise NotImplementedError

    def records(self, zone_id: str) -> list[Record]:
        """All DNS records of a zone, of every type (at most ``MOST_RECORDS``)."""
        raise NotImplementedError

    def records_named(self, zone_id: str, name: str) -> list[Record]:
        """The DNS records of exactly this name, of every type."""
        raise NotImplementedError

    def proxied_records(self, zone_id: str) -> list[Record]:
        """The records (A, AAAA, CNAME) before which Cloudflare stands."""
        raise NotImplementedError

    # -- settings ---------------------------------------------------------------------------

    def ssl_mode(self, zone_id: str) -> str:
        """The encryption mode: off, flexible, full, strict or origin_pull."""
        raise NotImplementedError

    def shared_is_on(self, zone_id: str) -> bool:
        """Whether Cloudflare's shared certificate is on (``tls_client_auth``); never written."""
        raise NotImplementedError

    def zone_aop_is_on(self, zone_id: str) -> bool:
        """Whether the zone's own certificate is presented."""
        raise NotImplementedError

    def set_zone_aop(self, zone_id: str, *, enabled: bool) -> None:
        """Present the zone's own certificate from now on, or do not."""
        raise NotImplementedError

    # -- certificates -----------------------------------------------------------------------

    def zone_certificates(self, zone_id: str) -> list[EdgeCertificate]:
        """The zone's certificates; deleted ones may still be among them (``is_live``)."""
        raise NotImplementedError

    def upload_zone_certificate(self, zone_id: str, pem: str, key: Secret) -> EdgeCertificate:
        """Upload a leaf with its key, or adopt it where it is there already."""
        raise NotImplementedError

    def delete_zone_certificate(self, zone_id: str, cert_id: str) -> None:
        """Delete a certificate; one that is gone already is no error."""
        raise NotImplementedError

    def hostname_certificates(self, zone_id: str) -> list[EdgeCertificate]:
        """The certificates for single names: another store than the zone's, with its own ids."""
        raise NotImplementedError

    def upload_hostname_certificate(self, zone_id: str, pem: str, key: Secret) -> EdgeCertificate:
        """Upload a leaf with its key to the store for single names, or adopt it there."""
        raise NotImplementedError

    def delete_hostname_certificate(self, zone_id: str, cert_id: str) -> None:
        """Delete a certificate from the store for single names; void its associations first."""
        raise NotImplementedError

    # -- associations -----------------------------------------------------------------------

    def association(self, zone_id: str, hostname: str) -> Association | None:
        """What is set for one name; ``None`` when nothing is, so that the zone's setting counts."""
        raise NotImplementedError

    def associations(self, zone_id: str, names: Sequence[str] = ()) -> list[Association]:
        """What is set for the single names of a zone, those with ``enabled`` false included.

        ``names`` are asked one by one where Cloudflare does not offer the list.
        """
        raise NotImplementedError

    def associate(
        self, zone_id: str, wanted: Sequence[tuple[str, str, bool | None]]
    ) -> list[Association]:
        """Set (host name, certificate id, enabled) for names; ``None`` voids.

        What is void is left out of the answer. A void may take minutes until ``association``
        reads ``None``.
        """
        raise NotImplementedError

    # -- Cloudflare's networks --------------------------------------------------------------

    def networks(self) -> bytes:
        """The body of ``GET /ips`` as ``ranges.parse`` reads it."""
        raise NotImplementedError
