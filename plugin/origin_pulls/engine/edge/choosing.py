"""Chooses what a zone shall present to a vhost: the form, and the certificate."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from origin_pulls.engine.edge import looking
from origin_pulls.engine.edge.places import Place
from origin_pulls.engine.server import Server
from origin_pulls.errors import Refused
from origin_pulls.model import edge
from origin_pulls.model.edge import Form, ZoneSeen
from origin_pulls.model.inventory import Inventory, Vhost
from origin_pulls.model.job import Applied
from origin_pulls.model.policy import Mode, Trust
from origin_pulls.server import certificates, importing
from origin_pulls.store.rollouts import ZONE_NAME, EdgeStore

NOT_MADE = "(not made yet)"  # a certificate that a look alone does not make


@dataclass(frozen=True, slots=True)
class Chosen:
    """A certificate by its number, and the SHA-256 of its leaf; the shared one has no number."""

    number: str
    leaf: str


class Choosing:
    """Chooses once for each zone, so that vhosts of a zone that come together share.

    On a dry server nothing is made or kept: ``NOT_MADE`` stands for what would be.
    """

    def __init__(self, server: Server, found: Inventory, applied: Mapping[str, Applied]) -> None:
        self.server = server
        self.store = EdgeStore(server.store)
        self.vhosts = {vhost.key: vhost for vhost in found.vhosts}
        self.applied = applied
        self.served = [name for vhost in found.vhosts for name in vhost.host_names]
        self.presented = self.store.valid()
        self.forms: dict[tuple[str, Trust], Form] = {}
        self.chosen: dict[tuple[str, Form], Chosen] = {}

    def form(self, vhost: Vhost, trust: Trust, seen: ZoneSeen) -> Form:
        """One form for all vhosts of a zone that come together."""
        known = self.forms.get((seen.id, trust))
        if known is None:
            known = edge.form_for(
                trust,
                lives_elsewhere=edge.elsewhere(seen, self.served),
                others_differ=any(self._differs(other, vhost, seen) for other in self.vhosts),
            )
            self.forms[seen.id, trust] = known
        return known

    def certificate(self, vhost: Vhost, place: Place, form: Form, *, is_only: bool) -> Chosen:
        """The certificate to present, made where none is kept that will do."""
        if form is Form.SHARED:
            return Chosen("", edge.SHARED)
        whose = place.seen.id if form is Form.ZONE else f"{place.seen.id} {vhost.key}"
        if (whose, form) not in self.chosen:
            self.chosen[whose, form] = self._find_or_make(vhost, place, form, is_only=is_only)
        return self.chosen[whose, form]

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

    def _find_or_make(self, vhost: Vhost, place: Place, form: Form, *, is_only: bool) -> Chosen:
        zone = place.seen.id
        if not any(one.zone == zone for one in self.presented):
            self._check_imported(vhost)
        candidates = self._of_zone if form is Form.ZONE else self._of_vhost
        found = next(
            (one for one in candidates(vhost, place, is_only=is_only) if self._is_good(one)), ""
        )
        number = found or self._left_behind(place, form)
        if not number and self.server.is_dry:
            return Chosen(NOT_MADE, NOT_MADE)
        if not number:
            now, years = self.server.clock(), self.server.config.certificate_years
            name = place.seen.name if form is Form.ZONE else vhost.server_name
            material = certificates.make(name, now=now, years=years)
            certificates.keep(material, self.server.config.keys_directory / material.number)
            number = material.number
        if form is Form.ZONE and not self.server.is_dry:
            self.store.keep_zone_material(zone, number)
        return Chosen(number, self._leaf(number))

    def _of_zone(self, vhost: Vhost, place: Place, *, is_only: bool) -> Iterator[str]:
        """The numbers of certificates that could be the whole zone's, the best first."""
        del is_only
        own, zone = self._own(vhost), place.seen.id
        live = {one.sha256 for one in place.seen.live(Form.ZONE)}
        if not any(one.zone == zone for one in self.presented):
            yield from (one for one in own if self._is_imported(one))
        if kept := self.store.zone_material(zone):
            yield kept
        yield from (
            one.material
            for one in self.presented
            if one.zone == zone and one.form is Form.ZONE and one.material
        )
        # One that a person has uploaded by hand already is taken up as the zone's.
        yield from (number for number in own if self._leaf(number) in live)

    def _of_vhost(self, vhost: Vhost, place: Place, *, is_only: bool) -> Iterator[str]:
        """The numbers of certificates that could be this vhost's alone, the best first."""
        for one in self.presented:
            if (one.key, one.zone, one.form) == (vhost.key, place.seen.id, Form.HOSTNAME):
                yield one.material
        own = self._own(vhost)
        # One that a person brought for the vhost serves it in each of its zones.
        yield from (one for one in own if self._is_imported(one))
        if is_only and len(own) == 1 and not self._is_of_zone(own[0], place.seen.id):
            yield own[0]

    def _left_behind(self, place: Place, form: Form) -> str:
        """One that this server made and brought there before it lost its memory; else empty.

        Nobody but this server has its key. Imported ones are not taken: somebody else has.
        """
        seen = place.seen
        used = {one.cert_id for one in seen.associations if one.hostname not in place.hosts}
        live = {one.sha256: one.id for one in seen.live(form) if one.id not in used}
        if not live:
            return ""
        taken = {one.material for one in self.presented}
        for folder in sorted(self.server.config.keys_directory.glob("*/")):
            number = folder.name
            leaf = self._leaf(number)
            is_ours = leaf in live and number not in taken and not self._is_imported(number)
            if is_ours and self._is_good(number):
                if not self.server.is_dry:
                    self.store.note(seen.id, ZONE_NAME, seen.name)
                    self.store.note(seen.id, looking.kind(form), leaf, live[leaf])
                return number
        return ""

    def _own(self, vhost: Vhost) -> list[str]:
        place = vhost.user, vhost.incarnation, vhost.server_name
        return self.server.store.material(*place).split()

    def _check_imported(self, vhost: Vhost) -> None:
        """Refuse where the one that a person brought has ended: another is not what they want."""
        for number in self._own(vhost):
            if self._is_imported(number) and not self._is_good(number):
                raise Refused(
                    f"The certificate that was imported for {vhost.server_name} has ended, or ends "
                    "within a day",
                    hint="Bring its successor (`origin-pulls certificate import "
                    f"{vhost.server_name}`). To have one made here instead remove the folder "
                    f"{self.server.config.keys_directory / number}.",
                )

    def _is_imported(self, number: str) -> bool:
        return bool(importing.imported_for(self.server.config.keys_directory / number))

    def _leaf(self, number: str) -> str:
        kept = certificates.kept(self.server.config.keys_directory / number)
        return kept.leaf_sha256 if kept else ""

    def _is_good(self, number: str) -> bool:
        kept = certificates.kept(self.server.config.keys_directory / number)
        return kept is not None and kept.expires > self.server.clock() + importing.SHORTEST_LIFE

    def _is_of_zone(self, number: str, zone: str) -> bool:
        zones: set[str] = {one.zone for one in self.presented} | {zone}
        return any(self.store.zone_material(one) == number for one in zones)
