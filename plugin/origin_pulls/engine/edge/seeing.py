"""What the edge does for one vhost now, and why; the shell and the pages both show it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from origin_pulls.cloudflare.dns import Resolver
from origin_pulls.config import Config
from origin_pulls.engine import preparing
from origin_pulls.engine.edge import looking, watching
from origin_pulls.engine.edge.entering import at_edge
from origin_pulls.engine.edge.unused import OWN_FORMS, unused
from origin_pulls.engine.server import Server
from origin_pulls.errors import EdgeUnknown, Refused
from origin_pulls.model import edge, edge_obstacles, edge_steps
from origin_pulls.model.edge import SeenCertificate, ZoneSeen
from origin_pulls.model.inventory import Inventory, Proxied, Vhost
from origin_pulls.model.job import Applied, Job
from origin_pulls.model.zones import ProxyState
from origin_pulls.server import certificates
from origin_pulls.store.presented import Presented
from origin_pulls.store.rollouts import Drift, EdgeStore

NOTHING = "no certificate"


@dataclass(frozen=True, slots=True)
class NameAtEdge:
    """One name: on which side it is, and what Cloudflare presents for it (in words)."""

    name: str
    side: Proxied
    presents: str


@dataclass(frozen=True, slots=True)
class ZoneAtEdge:
    """One zone of the vhost: as it is seen, its names, our part in it, and what is amiss.

    ``certificate`` is the one of ours that is presented to the vhost, whomever it was brought for.
    ``unused`` are the ids of certificates that we brought there and that are presented to nobody.
    """

    seen: ZoneSeen
    names: tuple[NameAtEdge, ...]
    ours: Presented | None
    certificate: SeenCertificate | None
    obstacles: tuple[tuple[str, str], ...]
    amiss: tuple[str, ...]
    unused: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AtEdge:
    """All of Cloudflare's side of one vhost.

    ``unreached`` are the names whose zone no token reaches, with what DNS says of them;
    ``problems`` say what could not be looked at.
    """

    vhost: Vhost
    applied: Applied
    zones: tuple[ZoneAtEdge, ...]
    unreached: tuple[ProxyState, ...]
    problems: tuple[str, ...]
    drifts: tuple[Drift, ...]
    job: Job | None


def edge_of(server: Server, found: Inventory, vhost: Vhost) -> AtEdge:
    """What Cloudflare does for a vhost of this inventory, asked now."""
    store = EdgeStore(server.store)
    zones: dict[str, ZoneSeen] = {}
    hosts: dict[str, list[str]] = {}
    unreached: list[str] = []
    problems: list[str] = []
    for host in vhost.host_names:
        try:
            reached = server.reach.zone_of(vhost.user, vhost.incarnation, host)
            if reached is None:
                unreached.append(host)
                continue
            client, zone = reached
            if zone.id not in zones:
                zones[zone.id] = looking.look(client, zone, vhost.host_names)
            hosts.setdefault(zone.id, []).append(host)
        except EdgeUnknown as error:
            problems.append(error.message)
        except Refused as error:
            problems.append(f"{error.message}. {error.hint}")
    job = next(
        (one for one in at_edge(server) if vhost.key in {item.key for item in one.items}), None
    )
    applied = preparing.applied_now(server, found).get(vhost.key, Applied())
    return AtEdge(
        vhost,
        applied,
        tuple(_zone(server, vhost, applied, seen, hosts[zone]) for zone, seen in zones.items()),
        tuple(_by_dns(server.config, unreached)),
        tuple(dict.fromkeys(problems)),
        tuple(one for one in store.drifts() if one.key == vhost.key),
        job,
    )


def _by_dns(config: Config, names: Sequence[str]) -> list[ProxyState]:
    with Resolver(config, patience=config.names_patience) as resolver:
        return [resolver.state(name) for name in names]


def as_record(found: AtEdge) -> dict[str, Any]:
    """The same as plain values, as ``edge --json`` prints them."""
    return {
        "user": found.vhost.user,
        "servername": found.vhost.server_name,
        "mode": str(found.applied.policy.mode),
        "zones": [_zone_record(zone) for zone in found.zones],
        "unreached": [
            {"name": one.name, "proxied": str(one.proxied), "why": one.why}
            for one in found.unreached
        ],
        "problems": list(found.problems),
        "drift": [{"what": one.what, "since": one.since} for one in found.drifts],
        "job": found.job.number if found.job else None,
    }


def _zone_record(zone: ZoneAtEdge) -> dict[str, Any]:
    seen, certificate = zone.seen, zone.certificate
    return {
        "zone": seen.name,
        "id": seen.id,
        "status": seen.status,
        "paused": seen.is_paused,
        "ssl_mode": seen.ssl_mode,
        "form": str(zone.ours.form) if zone.ours else None,
        "since": zone.ours.since if zone.ours else None,
        "zone_switch": seen.zone_switch,
        "shared_switch": seen.shared_switch,
        "certificate": {
            "id": certificate.id,
            "sha256": certificate.sha256,
            "active": certificate.is_active,
            "expires": certificate.expires,
        }
        if certificate
        else None,
        "names": [
            {"name": one.name, "proxied": str(one.side), "presents": one.presents}
            for one in zone.names
        ],
        "obstacles": [{"message": text, "hint": hint} for text, hint in zone.obstacles],
        "amiss": list(zone.amiss),
        "unused": list(zone.unused),
    }


def _zone(
    server: Server, vhost: Vhost, applied: Applied, seen: ZoneSeen, hosts: list[str]
) -> ZoneAtEdge:
    place = vhost.user, vhost.incarnation, vhost.server_name
    ours = next(
        (
            one
            for one in EdgeStore(server.store).presented()
            if one.place == place and one.zone == seen.id and not one.is_void
        ),
        None,
    )
    leaf = ""
    if ours is not None and ours.material:
        try:
            material = looking.kept(server, ours.material)
            leaf = material.leaf_sha256 if material else ""
        except Refused:
            leaf = ""
    everywhere = (*seen.zone_certificates, *seen.hostname_certificates)
    brought = {one for form in OWN_FORMS for one in looking.ours(server, seen.id, form)}
    shown = {host: edge.presented(seen, host) for host in hosts}
    # What was brought for another vhost of the zone is presented to this one as well.
    meant = {leaf} if leaf else brought.intersection(shown.values())
    certificate = next((one for one in everywhere if one.sha256 in meant), None)
    names = tuple(
        NameAtEdge(host, edge.side(host, seen.records), _words(presented, leaf, brought))
        for host, presented in shown.items()
    )
    aim = edge_steps.Aim(
        form=ours.form if ours else edge.Form.ZONE,
        leaf=leaf,
        hosts=tuple(one.name for one in names if one.side is Proxied.PROXIED),
        ours=looking.ours(server, seen.id, ours.form if ours else edge.Form.ZONE),
        may_fill=True,
    )
    obstacles = tuple((one.message, one.hint) for one in edge_obstacles.hindrances(aim, seen))
    amiss = tuple(watching.amiss(server, ours, seen, vhost, applied.policy)) if ours else ()
    lying = {one.material for one in unused(server, vhost) if one.zone == seen.id}
    left = tuple(
        one.id for one in everywhere if one.is_live and certificates.number_of(one.sha256) in lying
    )
    return ZoneAtEdge(seen, names, ours, certificate, obstacles, amiss, left)


def _words(presented: str, leaf: str, brought: Collection[str]) -> str:
    if not presented:
        return NOTHING
    if presented == edge.SHARED:
        return "Cloudflare's shared certificate"
    if presented == leaf:
        return "our certificate"
    is_ours = presented in brought
    return "our certificate for another vhost" if is_ours else "a certificate that is not ours"
