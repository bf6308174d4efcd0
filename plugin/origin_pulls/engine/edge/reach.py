"""Who reaches which zone: what the rest of the engine asks of tokens, zones and DNS."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from origin_pulls.cloudflare.values import Association, EdgeCertificate, Record, Zone
from origin_pulls.errors import EdgeRefused
from origin_pulls.secret import Secret


class ZoneClient(Protocol):
    """The calls of ``cloudflare.client.Client`` that concern one zone."""

    def may_edit_certificates(self) -> bool | None:
        """Whether certificates may be changed; ``None`` when that is not known."""

    def zone(self, zone_id: str) -> Zone:
        """One zone by its id."""

    def records(self, zone_id: str) -> list[Record]:
        """All DNS records of a zone."""

    def ssl_mode(self, zone_id: str) -> str:
        """The encryption mode."""

    def shared_is_on(self, zone_id: str) -> bool:
        """Whether Cloudflare's shared certificate is on."""

    def zone_aop_is_on(self, zone_id: str) -> bool:
        """Whether the zone's own certificate is presented."""

    def set_zone_aop(self, zone_id: str, *, enabled: bool) -> None:
        """Present the zone's own certificate, or do not."""

    def zone_certificates(self, zone_id: str) -> list[EdgeCertificate]:
        """The zone's certificates."""

    def upload_zone_certificate(self, zone_id: str, pem: str, key: Secret) -> EdgeCertificate:
        """Upload a leaf, or adopt it."""

    def delete_zone_certificate(self, zone_id: str, cert_id: str) -> None:
        """Delete a certificate."""

    def hostname_certificates(self, zone_id: str) -> list[EdgeCertificate]:
        """The certificates for single names."""

    def upload_hostname_certificate(self, zone_id: str, pem: str, key: Secret) -> EdgeCertificate:
        """Upload a leaf for single names, or adopt it."""

    def delete_hostname_certificate(self, zone_id: str, cert_id: str) -> None:
        """Delete a certificate for single names."""

    def associations(self, zone_id: str, names: Sequence[str] = ()) -> list[Association]:
        """What is set for single names."""

    def associate(
        self, zone_id: str, wanted: Sequence[tuple[str, str, bool | None]]
    ) -> list[Association]:
        """Set (host name, certificate id, enabled) for names."""


class Reach(Protocol):
    """The way to Cloudflare that a server has."""

    def is_possible(self) -> bool:
        """Whether there is any token at all."""

    def zone_of(self, user: str, incarnation: str, name: str) -> tuple[ZoneClient, Zone] | None:
        """The zone of a name, and who reaches it with this account's tokens or the server's."""

    def renew(self) -> None:
        """Forget what was asked so far: it may have changed."""

    def why_not(self, user: str, incarnation: str) -> str:
        """What is wrong with the tokens that were asked for this account's names, in sentences."""

    def client(self, user: str, incarnation: str, zone_id: str, zone_name: str) -> ZoneClient:
        """Who reaches a zone; ``EdgeRefused`` when no token does."""

    def edge_addresses(self, host: str) -> list[str]:
        """The addresses of Cloudflare's edge that DNS names for a host."""

    def is_known(self, host: str) -> bool:
        """Whether DNS knows any address of a host; ``EdgeUnknown`` when no answer came."""


class NoReach:
    """A server without any token: nothing is known, and a person's word is needed."""

    def is_possible(self) -> bool:
        """It is not."""
        return False

    def zone_of(self, user: str, incarnation: str, name: str) -> tuple[ZoneClient, Zone] | None:
        """No zone is reached."""
        del user, incarnation, name
        return None

    def renew(self) -> None:
        """Nothing was asked."""

    def why_not(self, user: str, incarnation: str) -> str:
        """Nobody was asked."""
        del user, incarnation
        return ""

    def client(self, user: str, incarnation: str, zone_id: str, zone_name: str) -> ZoneClient:
        """Nobody reaches it."""
        del user, incarnation, zone_id
        raise EdgeRefused(
            f"No token reaches the zone {zone_name} any more", hint="`origin-pulls token add`."
        )

    def edge_addresses(self, host: str) -> list[str]:
        """None is known."""
        del host
        return []

    def is_known(self, host: str) -> bool:
        """Nothing is known."""
        del host
        return False
