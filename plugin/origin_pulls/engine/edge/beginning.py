"""Begins a rollout: whose zones these are, in which form, and what stands in the way."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from origin_pulls.engine import looking as local
from origin_pulls.engine import preparing
from origin_pulls.engine.edge import by_hand, looking
from origin_pulls.engine.edge.choosing import Choosing, Chosen
from origin_pulls.engine.edge.entering import needing_edge
from origin_pulls.engine.edge.legs import deadline, joined
from origin_pulls.engine.edge.places import Place, Places
from origin_pulls.engine.server import Server
from origin_pulls.errors import EdgeLater, EdgeUnknown, OriginPullsError, Refused
from origin_pulls.model.edge import Form, ZoneSeen
from origin_pulls.model.edge_obstacles import hindrances
from origin_pulls.model.edge_steps import Aim
from origin_pulls.model.inventory import Vhost
from origin_pulls.model.job import Applied, Item, Job
from origin_pulls.model.policy import Mode
from origin_pulls.model.rollout import Direction, Leg, Rollout, Stage
from origin_pulls.server import certificates
from origin_pulls.store.presented import Presented
from origin_pulls.store.rollouts import EdgeStore

MOST_TOLD = 20  # lines of progress while the zones of a job are looked at
MOST_SILENCE = 2  # vhosts for which Cloudflare gave no answer; then the others are not asked for


@dataclass(frozen=True, slots=True)
class Found:
    """What was found for one leg: what it leads to, and its zone as it is seen."""

    leg: Leg
    aim: Aim
    seen: ZoneSeen


class Beginning:
    """What is found out for one job; on a dry server it is only found out.

    A patient one raises ``EdgeLater`` where a token has to wait; else its vhosts fail by it.
    ``say`` is told how far it has come.
    """

    def __init__(
        self,
        server: Server,
        job: Job,
        *,
        is_patient: bool = False,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.server = server
        self.say = say
        self.is_patient = is_patient
        self.job = job
        self.store = EdgeStore(server.store)
        found = local.look(server, keep=not server.is_dry)
        self.vhosts = {vhost.key: vhost for vhost in found.vhosts}
        self.applied: Mapping[str, Applied] = preparing.applied_now(server, found)
        self.places = Places(server)
        self.choosing = Choosing(server, found, self.applied)
        self.found: dict[tuple[str, Form, str], Found] = {}
        self.places_of: dict[str, list[Place]] | None = None
        self.failures: dict[str, tuple[str, str]] = {}

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

    def zones(self) -> dict[str, str]:
        """The zones (id to name) at which there may be something to do; nothing is made yet."""
        self.places_of = {}
        self.failures = {key: (error.message, error.hint) for key, error in self.refusals().items()}
        silent: list[EdgeUnknown] = []
        needing = needing_edge(self.server, self.job.items)
        asked = [
            item for item in self.job.items if item in needing and item.key not in self.failures
        ]
        for place, item in enumerate(asked):
            self._tell(item, place, len(asked))
            if len(silent) >= MOST_SILENCE:
                self.failures[item.key] = silent[-1].message, silent[-1].hint
                continue
            try:
                self.places_of[item.key] = self.places.of(self.vhosts[item.key], item)
            except Refused as error:
                if self.is_patient and isinstance(error, EdgeLater):
                    raise
                silent += [error] if isinstance(error, EdgeUnknown) else []
                self.failures[item.key] = error.message, error.hint
        found = [place.seen for places in self.places_of.values() for place in places]
        return {seen.id: seen.name for seen in found}

    def _tell(self, item: Item, place: int, count: int) -> None:
        """Say how far the look has come: it takes seconds for each zone."""
        if count > 1 and place % -(-count // MOST_TOLD) == 0:
            name = item.server_name
            self.say(f"looking at Cloudflare for {name} ({place + 1} of {count} vhosts)")

    def rollout(self) -> Rollout:
        """The rollout with its legs; vhosts that cannot go have failed in it already."""
        if self.places_of is None:
            self.zones()
        failures = dict(self.failures)
        for item in self.job.items:
            if item.key not in (self.places_of or {}):
                continue
            try:
                for one in list(self._legs(item)):
                    leg = one.leg
                    known = self.found.get((leg.zone, leg.form, leg.material))
                    leg = joined(known.leg if known else None, leg)
                    aim = replace(one.aim, hosts=leg.hosts)
                    self.found[leg.zone, leg.form, leg.material] = Found(leg, aim, one.seen)
            except Refused as error:
                failures[item.key] = error.message, error.hint
        if failures and not self.job.is_partial:
            failures = self._all(failures)
        return Rollout(
            job=self.job.number,
            direction=Direction.ON,
            stage=Stage.EDGE,
            legs=tuple(one.leg for one in self.found.values()),
            deadline=deadline(self.server),
        ).failing(failures)

    def _all(self, failures: Mapping[str, tuple[str, str]]) -> dict[str, tuple[str, str]]:
        refused = {key: Refused(*pair[:1], hint=pair[1]) for key, pair in failures.items()}
        others = preparing.carried_along(self.job.items, refused)
        return {
            **{key: (error.message, error.hint) for key, error in others.items()},
            **failures,
        }

    def _legs(self, item: Item) -> Iterator[Found]:
        vhost = self.vhosts[item.key]
        places = (self.places_of or {})[item.key]
        for place in places:
            form = self.choosing.form(vhost, item.wanted.trust, place.seen)
            chosen = self.choosing.certificate(vhost, place, form, is_only=len(places) == 1)
            live = {one.sha256 for one in place.seen.live(form)}
            leg = Leg(
                zone=place.seen.id,
                zone_name=place.seen.name,
                form=form,
                user=vhost.user,
                incarnation=vhost.incarnation,
                material=chosen.number,
                is_fresh=bool(chosen.number) and chosen.leaf not in live,
                hosts=place.hosts,
                keys=(vhost.key,),
            )
            aim = Aim(
                form=form,
                leaf=chosen.leaf,
                hosts=place.hosts,
                ours=looking.ours(self.server, place.seen.id, form),
            )
            problem = next(self._against(place, aim, chosen, vhost), None)
            if problem is not None:
                raise problem
            yield Found(leg, aim, place.seen)

    def _against(self, place: Place, aim: Aim, chosen: Chosen, vhost: Vhost) -> Iterator[Refused]:
        """What stands in the way at a zone, before anything is touched there."""
        yield from hindrances(aim, place.seen)
        if aim.form is not Form.ZONE:
            return
        rows = [
            one
            for one in self.choosing.presented
            if one.zone == place.seen.id and one.form is Form.ZONE
        ]
        yield from self._of_others(rows, chosen, vhost)
        now = {self.store.zone_material(place.seen.id)} | {one.material for one in rows}
        for number in sorted(now - {"", chosen.number}):
            yield from by_hand.refusals(self.server, number, vhost.user)

    def _of_others(
        self, rows: Sequence[Presented], chosen: Chosen, vhost: Vhost
    ) -> Iterator[Refused]:
        """A second certificate of the zone would lock out who trusts the first one alone."""
        for one in rows:
            mode = self.applied.get(one.key, Applied()).policy.mode
            is_other = one.key != vhost.key and one.material != chosen.number
            keys = self.server.config.keys_directory
            if not is_other or mode is Mode.OFF or certificates.kept(keys / one.material) is None:
                continue
            who = one.server_name if one.user == vhost.user else by_hand.ANOTHER
            yield Refused(
                f"{who} relies on another certificate of the zone {one.zone_name}, which a second "
                "one would push aside",
                hint=f"Bring the next one for all of them first: `origin-pulls rotate "
                f"{one.server_name}`."
                if one.user == vhost.user
                else "The administrator can rotate it.",
            )
