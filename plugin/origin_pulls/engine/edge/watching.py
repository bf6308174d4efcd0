"""Looks again and again whether the edge is as it was left: visitors before principle."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta

from origin_pulls.engine import looking as local
from origin_pulls.engine import preparing, working
from origin_pulls.engine.edge import going, looking, telling
from origin_pulls.engine.edge.entering import at_edge
from origin_pulls.engine.server import Server
from origin_pulls.errors import EdgeUnknown, OriginPullsError, Refused
from origin_pulls.model import edge
from origin_pulls.model.edge import ZoneSeen
from origin_pulls.model.inventory import Proxied, Vhost
from origin_pulls.model.job import ROTATE, Applied
from origin_pulls.model.policy import Mode, OnDrift, Policy
from origin_pulls.model.wish import Change, Rotate, Wanted
from origin_pulls.server import certificates, importing
from origin_pulls.store.rollouts import Drift, EdgeStore, Presented

logger = logging.getLogger(__name__)
WHO = "agent"
AGAIN = timedelta(days=1)  # until a rotation that failed is tried once more


def watch(server: Server, say: Callable[[str], None]) -> list[Drift]:
    """One look at every zone that presents for us; gives what is newly amiss.

    What is amiss is kept and logged, and a vhost whose policy says so goes back to observe. A
    Cloudflare that does not answer is no drift. Certificates that expire soon are rotated.
    """
    going.go_on(server, say)
    store = EdgeStore(server.store)
    found = local.look(server)
    vhosts = {vhost.key: vhost for vhost in found.vhosts}
    applied = preparing.applied_now(server, found)
    busy = {item.key for job in at_edge(server) for item in job.items}
    rows = [
        one
        for one in store.presented()
        if not one.is_void
        and one.key not in busy
        and one.key in vhosts
        and vhosts[one.key].incarnation == one.incarnation
        and applied.get(one.key, Applied()).policy.mode is not Mode.OFF
    ]
    zones: dict[str, list[Presented]] = {}
    for one in rows:
        zones.setdefault(one.zone, []).append(one)
    for zone in {one.zone for one in store.drifts()} - set(zones):
        store.keep_drifts(zone, [])
    fresh = [
        drift
        for zone, some in zones.items()
        for drift in _look_at(server, zone, some, vhosts, applied)
    ]
    for drift in fresh:
        logger.warning("%s: %s", drift.key, drift.what)
        say(f"{drift.key}: {drift.what}")
    telling.tell_drift(server, vhosts, store.drifts())
    _step_back(server, vhosts, applied, store.drifts(), say)
    _renew(server, rows, vhosts, say)
    return fresh


def _look_at(
    server: Server,
    zone: str,
    rows: Sequence[Presented],
    vhosts: Mapping[str, Vhost],
    applied: Mapping[str, Applied],
) -> list[Drift]:
    """What is newly amiss at one zone."""
    first = rows[0]
    hosts = list(dict.fromkeys(host for one in rows for host in one.hosts))
    try:
        client = server.reach.client(first.user, first.incarnation, zone, first.zone_name)
        seen = looking.look(client, client.zone(zone), hosts)
    except EdgeUnknown as error:
        logger.info("%s cannot be looked at: %s", first.zone_name, error)
        return []
    except Refused as error:
        logger.warning("%s cannot be looked at: %s", first.zone_name, error)
        return []
    now = server.stamp()
    found = [
        Drift(one.key, zone, what, now)
        for one in rows
        for what in amiss(server, one, seen, vhosts[one.key], applied[one.key].policy)
    ]
    return EdgeStore(server.store).keep_drifts(zone, found)


def amiss(
    server: Server, one: Presented, seen: ZoneSeen, vhost: Vhost, policy: Policy
) -> list[str]:
    """In what a zone differs from what was proven to be presented to a vhost, in sentences.

    Names that came to the vhost since, and are proxied there, count too; exempt ones do not.
    """
    whole = list(_of_zone(seen))
    if whole:
        return whole
    kept = certificates.kept(server.config.keys_directory / one.material) if one.material else None
    leaf = kept.leaf_sha256 if kept else edge.SHARED
    since = [
        name
        for name in vhost.host_names
        if (name == seen.name or name.endswith(f".{seen.name}"))
        and edge.side(name, seen.records) is Proxied.PROXIED
    ]
    hosts = [
        host
        for host in dict.fromkeys((*one.hosts, *since))
        if host in vhost.host_names and host not in policy.exempt_names
    ]
    return [what for host in hosts for what in _of_host(seen, host, leaf)]


def _of_zone(seen: ZoneSeen) -> Iterator[str]:
    if seen.status != "active":
        yield f"the zone {seen.name} is {seen.status} at Cloudflare"
    elif seen.is_paused:
        yield f"the zone {seen.name} is paused at Cloudflare"
    elif seen.ssl_mode not in edge.TLS_MODES:
        yield f"the encryption mode of {seen.name} is {seen.ssl_mode}: no certificate is presented"


def _of_host(seen: ZoneSeen, host: str, leaf: str) -> Iterator[str]:
    side = edge.side(host, seen.records)
    if side is Proxied.UNKNOWN:
        return  # no record, no visitors
    if side is Proxied.DIRECT:
        yield f"{host} is DNS-only at Cloudflare now: its visitors come without a certificate"
        return
    shown = edge.presented(seen, host)
    if shown == leaf:
        return
    association = seen.association(host)
    if association is not None and not association.enabled:
        yield f"Cloudflare was told to present no certificate to {host} (enabled: false)"
    elif not shown:
        yield f"Cloudflare presents no certificate to {host} any more"
    else:
        yield f"Cloudflare presents another certificate to {host}"


def _step_back(
    server: Server,
    vhosts: Mapping[str, Vhost],
    applied: Mapping[str, Applied],
    found: Sequence[Drift],
    say: Callable[[str], None],
) -> None:
    """Back to observe, for those that demand what is not presented and are to step back.

    Whose edge is ready by a person's word is left to that person.
    """
    items = []
    for key in dict.fromkeys(drift.key for drift in found if drift.key in vhosts):
        policy = applied.get(key, Applied()).policy
        steps_back = policy.on_drift is OnDrift.OBSERVE and not policy.edge_ready
        if policy.mode is Mode.ENFORCE and steps_back:
            vhost = vhosts[key]
            items.append(Wanted(vhost.user, vhost.server_name, policy.in_mode(Mode.OBSERVE)))
    if not items:
        return
    say(f"{len(items)} vhost(s) step back to observe: Cloudflare does not present as it should")
    number = working.accept(server, Change(tuple(items), WHO, is_partial=True))
    for drift in found:
        server.store.note([number], f"{drift.key}: {drift.what}", at=server.stamp())
    with working.holding(server, say):
        working.work(server, say)


def _renew(
    server: Server,
    rows: Sequence[Presented],
    vhosts: Mapping[str, Vhost],
    say: Callable[[str], None],
) -> None:
    """Rotate what expires soon, each certificate once."""
    soon = server.clock() + timedelta(days=server.config.renew_days)
    seen: set[str] = set()
    for one in rows:
        if not one.material or one.material in seen:
            continue
        seen.add(one.material)
        kept = certificates.kept(server.config.keys_directory / one.material)
        if kept is None:
            continue
        if kept.expires > soon:
            telling.lasts(server, vhosts[one.key])
            continue
        if importing.imported_for(server.config.keys_directory / one.material):
            said = f"The imported certificate expires on {kept.expires:%Y-%m-%d}: bring the next."
            logger.warning("%s: %s", one.server_name, said)
            telling.tell_expiry(server, vhosts[one.key], said)
            continue
        if _was_tried(server, one.key):
            continue
        say(f"the certificate of {one.server_name} expires on {kept.expires:%Y-%m-%d}: rotating")
        try:
            wish = Rotate(one.user, one.server_name, WHO)
            with working.holding(server, say):
                working.accept(server, wish)
                working.work(server, say)
        except OriginPullsError as error:
            logger.warning("%s cannot be rotated: %s", one.server_name, error)


def _was_tried(server: Server, key: str) -> bool:
    """Whether the agent began to rotate a vhost's certificate lately."""
    since = server.clock() - AGAIN
    return any(
        job.kind == ROTATE
        and job.who == WHO
        and datetime.fromisoformat(job.asked) > since
        and key in {item.key for item in job.items}
        for job in server.store.jobs(most=200)
    )
