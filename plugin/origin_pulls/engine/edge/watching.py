"""Looks again and again whether the edge is as it was left: visitors before principle."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from origin_pulls.engine import looking as local
from origin_pulls.engine import preparing, working
from origin_pulls.engine.edge import going, looking, renewing, telling
from origin_pulls.engine.edge.entering import at_edge
from origin_pulls.engine.edge.renewing import WHO
from origin_pulls.engine.server import Server
from origin_pulls.errors import EdgeLater, EdgeUnknown, Refused
from origin_pulls.model import edge
from origin_pulls.model.edge import ZoneSeen
from origin_pulls.model.inventory import Proxied, Vhost
from origin_pulls.model.job import Applied
from origin_pulls.model.policy import Mode, OnDrift, Policy
from origin_pulls.model.rollout import Stage
from origin_pulls.model.wish import Change, Wanted
from origin_pulls.server import certificates
from origin_pulls.store.presented import Presented
from origin_pulls.store.rollouts import Drift, EdgeStore

logger = logging.getLogger(__name__)
MOST_SILENCE = 2  # zones without an answer
NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Standing:
    """Who is presented what, as it stands now: the vhosts, their policies, the rows by zone."""

    vhosts: Mapping[str, Vhost]
    applied: Mapping[str, Applied]
    zones: Mapping[str, Sequence[Presented]]

    @classmethod
    def now(cls, server: Server) -> Standing:
        """As it stands now; what a job changes just now is left out, and what is off."""
        found = local.look(server)
        vhosts = {vhost.key: vhost for vhost in found.vhosts}
        applied = preparing.applied_now(server, found)
        waiting = {
            one.job for one in EdgeStore(server.store).rollouts() if one.stage is Stage.QUEUED
        }
        there = [job for job in at_edge(server) if job.number not in waiting]
        busy = {item.key for job in there for item in job.items}
        zones: dict[str, list[Presented]] = {}
        for one in EdgeStore(server.store).valid():
            is_here = one.key in vhosts and vhosts[one.key].incarnation == one.incarnation
            mode = applied.get(one.key, Applied()).policy.mode
            if is_here and one.key not in busy and mode is not Mode.OFF:
                zones.setdefault(one.zone, []).append(one)
        return cls(vhosts, applied, zones)


def watch(
    server: Server, say: Callable[[str], None], looked: dict[str, datetime] | None = None
) -> list[Drift]:
    """One look at every zone that presents for us; gives what is newly amiss.

    What is amiss is kept and logged, and a vhost whose policy says so goes back to observe. A
    Cloudflare that does not answer is no drift; after two zones without an answer, or
    ``watch_longest``, the rest is left for the next look, which begins with those that were
    ``looked`` at longest ago. What people asked for goes on between any two zones.
    """
    going.go_on(server, say)
    store, looked = EdgeStore(server.store), {} if looked is None else looked
    standing = Standing.now(server)
    for zone in {one.zone for one in store.drifts()} - set(standing.zones):
        store.keep_drifts(zone, [])
    end = server.clock() + timedelta(seconds=server.config.watch_longest)
    fresh: list[Drift] = []
    silent = 0
    for zone in sorted(standing.zones, key=lambda zone: looked.get(zone, NEVER)):
        if silent >= MOST_SILENCE or server.clock() > end:
            break
        if going.is_due(server):
            going.go_on(server, say)
            standing = Standing.now(server)
        if zone not in standing.zones:
            continue
        looked[zone] = server.clock()
        found = _look_at(server, zone, standing)
        silent = silent + 1 if found is None else 0
        fresh += found or []
    for drift in fresh:
        say(f"{drift.key}: {drift.what}")
    telling.tell_drift(server, standing.vhosts, store.drifts(), fresh)
    keys = {one.key for rows in standing.zones.values() for one in rows}
    busy = {item.key for job in at_edge(server) for item in job.items}
    telling.watch_only(server, standing.vhosts, keys | busy)
    _step_back(server, say)
    renewing.renew(server, say)
    return fresh


def _look_at(server: Server, zone: str, standing: Standing) -> list[Drift] | None:
    """What is newly amiss at one zone; ``None`` when no answer came."""
    rows = standing.zones[zone]
    first = rows[0]
    vhosts = [standing.vhosts[one.key] for one in rows]
    hosts = list(dict.fromkeys(host for one in rows for host in one.hosts))
    try:
        client = server.reach.client(first.user, first.incarnation, zone, first.zone_name)
        seen = looking.look(client, client.zone(zone), hosts)
    except EdgeUnknown as error:
        logger.info("%s cannot be looked at: %s", first.zone_name, error)
        # A token that has to wait is no silent API, and took no time: the next zone, please.
        return [] if isinstance(error, EdgeLater) else None
    except Refused as error:
        said = f"Cloudflare can no longer be watched: {error.message.rstrip('.')}. {error.hint}"
        telling.tell_unwatched(server, vhosts, said)
        return []
    telling.watched(server, vhosts)
    now = server.stamp()
    found = [
        Drift(one.key, zone, what, now)
        for one in rows
        for what in amiss(
            server, one, seen, standing.vhosts[one.key], standing.applied[one.key].policy
        )
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


def _step_back(server: Server, say: Callable[[str], None]) -> None:
    """Back to observe, for those that demand what is not presented and are to step back.

    Whose edge is ready by a person's word is left to that person.
    """
    found = EdgeStore(server.store).drifts()
    if not found:
        return
    with working.holding(server, say):
        # Nobody changes a policy between this look and the run.
        standing = Standing.now(server)
        items = []
        for key in dict.fromkeys(drift.key for drift in found if drift.key in standing.vhosts):
            policy = standing.applied.get(key, Applied()).policy
            steps_back = policy.on_drift is OnDrift.OBSERVE and not policy.edge_ready
            if policy.mode is Mode.ENFORCE and steps_back:
                vhost = standing.vhosts[key]
                items.append(Wanted(vhost.user, vhost.server_name, policy.in_mode(Mode.OBSERVE)))
        if not items:
            return
        who = "1 vhost steps" if len(items) == 1 else f"{len(items)} vhosts step"
        say(f"{who} back to observe: Cloudflare does not present as it should")
        number = working.accept(server, Change(tuple(items), WHO, is_partial=True))
        for drift in found:
            server.store.note([number], f"{drift.key}: {drift.what}", at=server.stamp())
        working.work(server, say)
    done = server.store.job(number)
    for item in done.items if done else ():
        telling.tell_step_back(server, item)
