"""What is asked about a token, its zones, their records and settings."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Sequence
from urllib.parse import quote

from origin_pulls.cloudflare import reading
from origin_pulls.cloudflare.calls import Calls, certain, zone_path
from origin_pulls.cloudflare.values import ACTIVE, Record, TokenState, Zone
from origin_pulls.errors import EdgeRefused, EdgeUnknown

ZONE_READ = "Zone: Read"
DNS_READ = "DNS: Read"
SETTINGS_READ = "Zone Settings: Read"
EDIT_GROUP = "SSL and Certificates Write"  # as the API calls what the dashboard calls Edit
ADDRESS_KINDS = ("A", "AAAA", "CNAME")
PAGE = 50
MOST_ZONES = 5000
RECORD_PAGE = 100
MOST_RECORDS = 5000


class ZoneCalls:
    """The questions that change nothing."""

    _calls: Calls

    def verify(self) -> TokenState:
        """What Cloudflare says of this token; ``EdgeRefused`` when it knows none like it.

        A token that belongs to an account is refused at the users' address though it is good; it
        is good when it may ask for a zone.
        """
        try:
            answer = self._calls.read("/user/tokens/verify", needs="")
        except EdgeRefused as error:
            if error.status not in (401, 403):
                raise
            with contextlib.suppress(EdgeRefused):
                self.zones_named("example.com")
                return TokenState(id="", status=ACTIVE, is_account_owned=True)
            raise
        return certain(reading.token(answer.result), "the state of the token")

    def zones(self) -> list[Zone]:
        """All zones the token reaches; a token for some zones only may be refused this."""
        return self._zones({})

    def zones_named(self, name: str) -> list[Zone]:
        """The zones of exactly this name, active ones first: names are not unique."""
        wanted = reading.host_name(name)
        for spelling in _spellings(wanted):
            found = [zone for zone in self._zones({"name": spelling}) if zone.name == wanted]
            if found:
                return sorted(found, key=lambda zone: not zone.is_usable)
        return []

    def token_groups(self, token_id: str) -> frozenset[str] | None:
        """The names of the permission groups of a token; ``None`` when it may not ask that.

        Most may not: reading a token needs a permission of its own.
        """
        try:
            answer = self._calls.read(f"/user/tokens/{quote(token_id, safe='')}", needs="")
        except EdgeRefused:
            return None
        return reading.permission_groups(answer.result)

    def may_edit_certificates(self) -> bool | None:
        """Whether this token may change client certificates, as far as it may read itself.

        ``None`` where Cloudflare does not say: then the first upload tells.
        """
        try:
            state = self.verify()
            groups = self.token_groups(state.id) if state.id else None
        except (EdgeRefused, EdgeUnknown):
            return None
        return None if groups is None else EDIT_GROUP in groups

    def zone(self, zone_id: str) -> Zone:
        """One zone by its id."""
        answer = self._calls.read(zone_path(zone_id), needs=ZONE_READ)
        return certain(reading.zone(answer.result), "the zone")

    def records(self, zone_id: str) -> list[Record]:
        """All DNS records of a zone, of every type; ``EdgeTooMuch`` above ``MOST_RECORDS``."""
        return self._records(zone_id, {})

    def records_named(self, zone_id: str, name: str) -> list[Record]:
        """The DNS records of exactly this name, of every type."""
        wanted = reading.host_name(name)
        found = self._records(zone_id, {"name.exact": wanted})
        return [record for record in found if record.name == wanted]

    def proxied_records(self, zone_id: str) -> list[Record]:
        """The records (A, AAAA, CNAME) before which Cloudflare stands."""
        found = self._records(zone_id, {"proxied": "true"})
        return [one for one in found if one.is_proxied and one.kind in ADDRESS_KINDS]

    def ssl_mode(self, zone_id: str) -> str:
        """The encryption mode: off, flexible, full, strict or origin_pull."""
        return self._setting(zone_id, "ssl")

    def shared_is_on(self, zone_id: str) -> bool:
        """Whether Cloudflare's shared certificate is on (``tls_client_auth``); never written."""
        return self._setting(zone_id, "tls_client_auth") == "on"

    def networks(self) -> bytes:
        """The body of ``GET /ips`` as ``ranges.parse`` reads it."""
        return json.dumps(dict(self._calls.read("/ips", needs="").body)).encode()

    def _zones(self, query: dict[str, str]) -> list[Zone]:
        pages = self._calls.pages(
            "/zones", query, needs=ZONE_READ, size=PAGE, most=MOST_ZONES // PAGE
        )
        return [zone for page in pages for zone in reading.zones(page.result)]

    def _records(self, zone_id: str, query: dict[str, str]) -> list[Record]:
        pages = self._calls.pages(
            f"{zone_path(zone_id)}/dns_records",
            query,
            needs=DNS_READ,
            size=RECORD_PAGE,
            most=MOST_RECORDS // RECORD_PAGE,
        )
        return [record for page in pages for record in reading.records(page.result)]

    def _setting(self, zone_id: str, name: str) -> str:
        answer = self._calls.read(f"{zone_path(zone_id)}/settings/{name}", needs=SETTINGS_READ)
        return certain(reading.setting(answer.result) or None, f"the setting {name}")


def _spellings(name: str) -> Sequence[str]:
    """Punycode, then the name as people write it: which of them Cloudflare wants is not sure."""
    with contextlib.suppress(UnicodeError):
        readable = name.encode("ascii").decode("idna")
        return [name, readable] if readable != name else [name]
    return [name]
