"""What the edge does for each name: which way it goes to the origin, and what it presents there.

The decision table of the facts (cloudflare.md, 7.2), from what the API knows. It decides, and
does nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from origin_pulls.sandbox.cloudflare import dns
from origin_pulls.sandbox.cloudflare.state import Certificate, World, Zone

NOTHING = ""
SHARED = "shared"


@dataclass(frozen=True, slots=True, order=True)
class Way:
    """How the edge serves one name: the SSL mode, the origin's address, what it presents.

    ``name`` may be a wildcard. ``certificate`` is the id of an upload, ``shared`` for the shared
    CA's leaf, or empty for none. ``asked`` is the host that the origin is asked for where a rule of
    the zone's owner names another one.
    """

    name: str
    mode: str
    origin: str
    certificate: str
    zone: str
    asked: str


def ways(world: World) -> list[Way]:
    """Every name that the edge serves now."""
    found: dict[str, Way] = {}
    for zone in sorted(world.zones, key=lambda zone: (len(zone.name), zone.status == "active")):
        if not dns.is_served_by_edge(zone):
            continue
        for name in sorted({one.name for one in zone.records if one.proxied}):
            own = [one for one in zone.records if one.name == name and one.type in dns.TYPES]
            if origins := dns.origins(world, own):
                found[name] = _way(zone, name, origins[0])
        # What has settings of its own is served apart, though only a wildcard covers it.
        apart = {*(one.hostname for one in zone.associations), *zone.ssl_overrides}
        for name in sorted(apart - {one.name for one in zone.records}):
            if covering := _covering(found, name):
                found[name] = _way(zone, name, covering.origin)
    return sorted(found.values())


def _way(zone: Zone, name: str, origin: str) -> Way:
    mode = zone.ssl_overrides.get(name, zone.ssl)
    asked = zone.host_overrides.get(name, "")
    return Way(name, mode, origin, presented(zone, name), zone.name, asked)


def direct(world: World) -> list[str]:
    """The names of served zones that are not proxied: a proxied wildcard must not cover them."""
    return sorted(
        {
            one.name
            for zone in world.zones
            if dns.is_served_by_edge(zone)
            for one in zone.records
            if not one.proxied and one.type in dns.TYPES
        }
    )


def presented(zone: Zone, name: str) -> str:
    """What the edge presents to the origin of this name: an upload's id, ``shared`` or nothing."""
    association = next((one for one in zone.associations if one.hostname == name), None)
    if association and association.live_enabled is False:
        return NOTHING
    if association and association.live_enabled:
        held = [
            one
            for one in zone.hostname_certificates
            if one.id == association.live_cert_id and one.status == "active"
        ]
        if held:
            return held[0].id
    if zone.aop_enabled and (newest := _newest(zone.zone_certificates)):
        return newest.id
    return SHARED if zone.tls_client_auth == "on" else NOTHING


def _newest(held: Sequence[Certificate]) -> Certificate | None:
    active = [one for one in held if one.status == "active"]
    return max(active, key=lambda one: one.deployed, default=None)


def _covering(found: Mapping[str, Way], name: str) -> Way | None:
    while "." in name:
        name = name.partition(".")[2]
        if f"*.{name}" in found:
            return found[f"*.{name}"]
    return None
