"""Begins a rollout: whose zones these are, in which form, and what stands in the way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from origin_pulls.cloudflare.values import Zone
from origin_pulls.engine import looking as local
from origin_pulls.engine import preparing
from origin_pulls.engine.edge import looking
from origin_pulls.engine.edge.entering import needs_edge
from origin_pulls.engine.edge.reach import ZoneClient
from origin_pulls.engine.server import Server
from origin_pulls.errors import OriginPullsError, Refused
from origin_pulls.model import edge
from origin_pulls.model.edge import Form, ZoneSeen
from origin_pulls.model.edge_obstacles import hindrances
from origin_pulls.model.inventory import VISITED, Inventory, Name, Proxied, Vhost
from origin_pulls.model.job import Applied, Item, Job
from origin_pulls.model.policy import Mode, Trust
from origin_pulls.model.rollout import Direction, Leg, Rollout, Stage
from origin_pulls.server import certificates, importing
from origin_pulls.store.rollouts import IMPORTED, EdgeStore, Presented

SOON = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Place:
    """A zone of a vhost, as it is seen, and the proxied names that the vhost has there."""

    client: ZoneClient
    seen: ZoneSeen
    hosts: tuple[str, ...]


class Beginning:
    """What is found out for one job; each zone is looked at once."""

    def __init__(self, server: Server, job: Job) -> None:
        self.server = server
        self.job = job
        self.store = EdgeStore(server.store)
        self.inventory: Inventory = local.look(server)
        self.vhosts = {vhost.key: vhost for vhost in self.inventory.vhosts}
        self.applied: Mapping[str, Applied] = preparing.applied_now(server, self.inventory)
        self.served = [name for vhost in self.inventory.vhosts for name in vhost.host_names]
        self.presented = self.store.presented()
        self.zones: dict[str, ZoneSeen] = {}
        self.forms: dict[tuple[str, Trust], Form] = {}
        self.made: dict[tuple[str, str], str] = {}

    def job_with_before(self) -> Job:
        """The job with the policies that are in force before all of it."""
        items = tuple(
            replace(item, before=self.applied.get(item.key, Applied())) for item in self.job.items
        )
        return replace(self.job, items=items)

    def refusals(self) -> dict[str, OriginPullsError]:
        """What this machine itself has against the job, were the edge ready."""
        items = tuple(
            replace(item, wanted=replace(item.wanted, edge_ready=True))
            if item.wanted.mode is Mode.ENFORCE
            else item
            for item in self.job.items
        )
        dry = replace(self.server, is_dry=True)
        return dict(preparing.prepare(dry, [replace(self.job, items=items)]).refused)

    def rollout(self) -> Rollout:
        """The rollout with its legs; vhosts that cannot go have failed in it already."""
        failures: dict[str, tuple[str, str]] = {
            key: (error.message, error.hint) for key, error in self.refusals().items()
        }
        legs: dict[tuple[str, Form, str], Leg] = {}
        for item in self.job.items:
            if not needs_edge(self.server, item) or item.key in failures:
                continue
            try:
                for leg in self._legs(item):
                    known = legs.get((leg.zone, leg.form, leg.material))
                    legs[leg.zone, leg.form, leg.material] = _joined(known, leg)
            except Refused as error:
                failures[item.key] = error.message, error.hint
        if failures and not self.job.is_partial:
            failures = self._all(failures)
        return Rollout(
            job=self.job.number,
            direction=Direction.ON,
            stage=Stage.EDGE,
            legs=tuple(legs.values()),
            deadline=deadline(self.server),
        ).failing(failures)

    def _all(self, failures: Mapping[str, tuple[str, str]]) -> dict[str, tuple[str, str]]:
        refused = {key: Refused(*pair[:1], hint=pair[1]) for key, pair in failures.items()}
        others = preparing.carried_along(self.job.items, refused)
        return {
            **{key: (error.message, error.hint) for key, error in others.items()},
            **failures,
        }

    # -- one vhost --------------------------------------------------------------------------

    def _legs(self, item: Item) -> Iterator[Leg]:
        vhost = self.vhosts[item.key]
        places = self._places(vhost, item)
        if not places:
            raise Refused(
                f"Cloudflare stands before no name of {vhost.server_name}: nobody would present "
                "a certificate",
                hint="Set its records to proxied (the orange cloud) at Cloudflare first.",
            )
        for place in places:
            form = self._form(vhost, item, place.seen)
            number = self._material(vhost, place, form, is_only=len(places) == 1)
            live = {one.sha256 for one in place.seen.live(form)}
            leg = Leg(
                zone=place.seen.id,
                zone_name=place.seen.name,
                form=form,
                user=vhost.user,
                incarnation=vhost.incarnation,
                material=number,
                is_fresh=bool(number) and self._leaf(number) not in live,
                hosts=place.hosts,
                keys=(vhost.key,),
            )
            problem = next(hindrances(looking.aim_of(self.server, leg), place.seen), None)
            if problem is not None:
                raise problem
            yield leg

    def _places(self, vhost: Vhost, item: Item) -> list[Place]:
        found: dict[str, Place] = {}
        for name in vhost.names:
            reached = self.server.reach.zone_of(vhost.user, vhost.incarnation, name.name)
            if reached is None:
                self._check_unreached(name, item)
                continue
            client, zone = reached
            seen = self._seen(client, zone, vhost)
            side = edge.side(name.name, seen.records)
            if side is Proxied.PROXIED:
                known = found.get(zone.id, Place(client, seen, ()))
                found[zone.id] = replace(known, hosts=(*known.hosts, name.name))
            elif side is Proxied.DIRECT and _is_visited(name, item):
                raise Refused(
                    f"{name.name} is DNS-only at Cloudflare: its visitors come without a "
                    "certificate and would be locked out",
                    hint=f"Set the record to proxied, or leave it open: --exempt-name {name.name}",
                )
        return list(found.values())

    def _check_unreached(self, name: Name, item: Item) -> None:
        if not _is_visited(name, item) or not self.server.reach.is_known(name.name):
            return
        raise Refused(
            f"No token reaches the zone of {name.name}, so nothing can be made to present there",
            hint="Add one (`origin-pulls token add`), or leave the name open: --exempt-name "
            f"{name.name}; or say --edge-ready if you have set Cloudflare up by hand.",
        )

    def _seen(self, client: ZoneClient, zone: Zone, vhost: Vhost) -> ZoneSeen:
        if zone.id not in self.zones:
            self.zones[zone.id] = looking.look(client, zone, vhost.host_names)
        return self.zones[zone.id]

    def _form(self, vhost: Vhost, item: Item, seen: ZoneSeen) -> Form:
        """One form for all vhosts of a zone that come together."""
        known = self.forms.get((seen.id, item.wanted.trust))
        if known is None:
            known = edge.form_for(
                item.wanted.trust,
                lives_elsewhere=edge.elsewhere(seen, self.served),
                others_differ=any(self._differs(other, vhost, seen) for other in self.vhosts),
            )
            self.forms[seen.id, item.wanted.trust] = known
        return known

    def _differs(self, other: str, vhost: Vhost, seen: ZoneSeen) -> bool:
        """Whether another vhost of the zone demands what we would not present for the zone."""
        policy = self.applied.get(other, Applied()).policy
        names = self.vhosts[other].host_names
        is_in_zone = any(name == seen.name or name.endswith(f".{seen.name}") for name in names)
        if other == vhost.key or policy.mode is not Mode.ENFORCE or not is_in_zone:
            return False
        forms = {one.form for one in self.presented if one.key == other and one.zone == seen.id}
        return forms.isdisjoint({Form.ZONE, Form.HOSTNAME})

    # -- certificates -----------------------------------------------------------------------

    def _material(self, vhost: Vhost, place: Place, form: Form, *, is_only: bool) -> str:
        """The number of the certificate to present; empty for the shared one."""
        if form is Form.SHARED:
            return ""
        whose = place.seen.id if form is Form.ZONE else f"{place.seen.id} {vhost.key}"
        if (whose, form) not in self.made:
            self.made[whose, form] = self._find_or_make(vhost, place, form, is_only=is_only)
        return self.made[whose, form]

    def _find_or_make(self, vhost: Vhost, place: Place, form: Form, *, is_only: bool) -> str:
        own = self.server.store.material(vhost.user, vhost.incarnation, vhost.server_name).split()
        live = {one.sha256 for one in place.seen.live(form)}
        if form is Form.ZONE:
            kept = self.store.zone_material(place.seen.id)
            # One that a person has uploaded by hand already is taken up as the zone's.
            uploaded = [number for number in own if self._leaf(number) in live]
            candidates = [kept, *uploaded]
            if not any(one.zone == place.seen.id for one in self.presented):
                candidates = [*(one for one in own if self._is_imported(one)), *candidates]
        else:
            candidates = [
                one.material
                for one in self.presented
                if one.key == vhost.key and one.zone == place.seen.id and one.form is form
            ] + (own if is_only and len(own) == 1 and not self._is_of_zone(own[0]) else [])
        for number in filter(None, candidates):
            if self._is_good(number):
                if form is Form.ZONE:
                    self.store.keep_zone_material(place.seen.id, number)
                return number
        now, years = self.server.clock(), self.server.config.certificate_years
        name = place.seen.name if form is Form.ZONE else vhost.server_name
        material = certificates.make(name, now=now, years=years)
        certificates.keep(material, self.server.config.keys_directory / material.number)
        if form is Form.ZONE:
            self.store.keep_zone_material(place.seen.id, material.number)
        return material.number

    def _is_imported(self, number: str) -> bool:
        return bool(importing.imported_for(self.server.config.keys_directory / number))

    def _leaf(self, number: str) -> str:
        kept = certificates.kept(self.server.config.keys_directory / number)
        return kept.leaf_sha256 if kept else ""

    def _is_good(self, number: str) -> bool:
        kept = certificates.kept(self.server.config.keys_directory / number)
        return kept is not None and kept.expires > self.server.clock() + SOON

    def _is_of_zone(self, number: str) -> bool:
        zones: set[str] = {one.zone for one in self.presented} | set(self.zones)
        return any(self.store.zone_material(zone) == number for zone in zones)


def begin_rotation(server: Server, job: Job) -> Rollout:
    """The rollout of a new certificate for what the vhosts of this job are presented."""
    store = EdgeStore(server.store)
    keys = {item.key for item in job.items}
    rows = [one for one in store.presented() if one.key in keys and one.material]
    legs: dict[tuple[str, str], Leg] = {}
    for one in rows:
        known = legs.get((one.zone, one.material))
        number = known.material if known else _successor(server, one)
        legs[one.zone, one.material] = _joined(known, _leg_of(one, number))
    rollout = Rollout(
        job=job.number,
        direction=Direction.ROTATE,
        stage=Stage.WIDENING,
        legs=tuple(legs.values()),
        deadline=deadline(server),
    )
    missing = {
        item.key: (
            f"Origin Pulls brought no certificate to Cloudflare for {item.server_name}",
            f"`origin-pulls enforce {item.server_name}` does; then it can be rotated.",
        )
        for item in job.items
        if item.key not in rollout.keys
    }
    return rollout.failing(missing)


def _successor(server: Server, one: Presented) -> str:
    """The number of the certificate that takes the place: an imported one, else a new one."""
    store = EdgeStore(server.store)
    imported = store.take_brought(one.material)
    if imported:
        store.forget("", IMPORTED, one.material)
        return imported
    name = one.zone_name if one.form is Form.ZONE else one.server_name
    years = server.config.certificate_years
    material = certificates.make(name, now=server.clock(), years=years)
    certificates.keep(material, server.config.keys_directory / material.number)
    return material.number


def deadline(server: Server) -> str:
    """When it has been waited for long enough, counted from now."""
    until: datetime = server.clock() + timedelta(seconds=server.config.edge_patience)
    return until.isoformat(timespec="seconds")


def _leg_of(one: Presented, number: str) -> Leg:
    return Leg(
        zone=one.zone,
        zone_name=one.zone_name,
        form=one.form,
        user=one.user,
        incarnation=one.incarnation,
        material=number,
        old=one.material,
        is_fresh=True,
        hosts=one.hosts,
        keys=(one.key,),
    )


def _joined(known: Leg | None, leg: Leg) -> Leg:
    if known is None:
        return leg
    hosts = tuple(dict.fromkeys((*known.hosts, *leg.hosts)))
    keys = tuple(dict.fromkeys((*known.keys, *leg.keys)))
    return replace(known, hosts=hosts, keys=keys)


def _is_visited(name: Name, item: Item) -> bool:
    """Whether locking a name out would be an outage: a site's own name, and not exempt."""
    return name.kind in VISITED and name.name not in item.wanted.exempt_names
