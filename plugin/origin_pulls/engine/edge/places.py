"""The zones of a vhost as they are seen, and what its own records have against a demand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from origin_pulls.cloudflare.values import Zone
from origin_pulls.engine.edge import looking
from origin_pulls.engine.edge.reach import ZoneClient
from origin_pulls.engine.server import Server
from origin_pulls.errors import Refused
from origin_pulls.model import edge
from origin_pulls.model.edge import ZoneSeen
from origin_pulls.model.inventory import VISITED, Kind, Name, Proxied, Vhost
from origin_pulls.model.job import Item


@dataclass(frozen=True, slots=True)
class Place:
    """A zone of a vhost, as it is seen, and the proxied names that the vhost has there."""

    client: ZoneClient
    seen: ZoneSeen
    hosts: tuple[str, ...]


class Places:
    """Finds the zones of vhosts; each zone is looked at once."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.zones: dict[str, ZoneSeen] = {}

    def of(self, vhost: Vhost, item: Item) -> list[Place]:
        """The zones with proxied names of a vhost; ``Refused`` where visitors would be locked out.

        That is where no name is proxied, where a visited one is not, or no token reaches its zone.
        """
        found: dict[str, Place] = {}
        for name in vhost.names:
            reached = self.server.reach.zone_of(vhost.user, vhost.incarnation, name.name)
            if reached is None:
                self._check_unreached(name, item)
                continue
            client, zone = reached
            seen = self._seen(client, zone, vhost.host_names)
            side = edge.side(name.name, seen.records)
            if side is Proxied.PROXIED:
                known = found.get(zone.id, Place(client, seen, ()))
                found[zone.id] = replace(known, hosts=(*known.hosts, name.name))
            elif side is Proxied.DIRECT and _is_visited(name, item):
                leave = f", or leave it open: `--exempt-name {name.name}`"
                raise Refused(
                    f"{name.name} is DNS-only at Cloudflare: its visitors come without a "
                    "certificate and would be locked out",
                    hint=f"Set the record to proxied{'.' if name.kind is Kind.MAIN else leave}",
                )
        if not found:
            raise Refused(
                f"Cloudflare stands before no name of {vhost.server_name}: nobody would present "
                "a certificate",
                hint="Set its records to proxied (the orange cloud) at Cloudflare first.",
            )
        return list(found.values())

    def _check_unreached(self, name: Name, item: Item) -> None:
        if not _is_visited(name, item) or not self.server.reach.is_known(name.name):
            return
        said = self.server.reach.why_not(item.user, item.incarnation)
        # To exempt the site's own first name is to exempt the site.
        is_main = name.kind is Kind.MAIN
        leave = "" if is_main else f", or leave the name open: `--exempt-name {name.name}`"
        raise Refused(
            f"No token reaches the zone of {name.name}, so nothing can be made to present there"
            f"{f': {said}' if said else ''}",
            hint=f"Add one (`origin-pulls token add`){leave}; or say `--edge-ready` if you "
            "have set Cloudflare up by hand.",
        )

    def _seen(self, client: ZoneClient, zone: Zone, hosts: Sequence[str]) -> ZoneSeen:
        if zone.id not in self.zones:
            if client.may_edit_certificates() is False:
                raise Refused(
                    f"The token for the zone {zone.name} may not change its certificates",
                    hint="It needs the permission SSL and Certificates: Edit, for this zone. Edit "
                    "it in Cloudflare's dashboard (My Profile, API Tokens); then "
                    "`origin-pulls token check`.",
                )
            self.zones[zone.id] = looking.look(client, zone, hosts)
        return self.zones[zone.id]


def _is_visited(name: Name, item: Item) -> bool:
    """Whether locking a name out would be an outage: a site's own name, and not exempt."""
    return name.kind in VISITED and name.name not in item.wanted.exempt_names
