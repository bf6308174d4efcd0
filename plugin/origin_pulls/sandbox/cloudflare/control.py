"""``/sandbox/…``: the switches of the sandbox's Cloudflare, for tests and demonstrations.

================================================ ==============================================
GET ``edge?settle=60``                           what each place presents; waits for quiet first
POST ``clock`` ``{speed, advance}``              the virtual clock: its speed, and a leap
POST ``faults``                                  what goes wrong next (``state.Fault``)
DELETE ``faults``                                nothing of it; delayed calls go on
PATCH ``switches``                               what nobody documented (``state.Switches``)
POST ``release``                                 stuck certificates go on now
POST ``zones``, PATCH ``zones/Z``                another zone; or change one behind the plugin
PUT/DELETE ``zones/Z/records``                   a record, by name and type
PUT ``zones/Z/associations``                     an association that is in force at once
DELETE ``zones/Z/certificates/ID``               a certificate deleted at once, from its store
POST ``tokens``, PATCH ``tokens/ID``             another token; or change one
GET/DELETE ``calls``                             the log of calls: order, token's id, no secrets
GET ``zones``                                    all zones as they are, without keys
POST ``reset``                                   everything as it was at first
================================================ ==============================================

``Z`` is a zone's name or its id.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import asdict, fields
from typing import Any

from origin_pulls.sandbox.cloudflare import permissions, seed, shapes, state
from origin_pulls.sandbox.cloudflare.keeper import Keeper
from origin_pulls.sandbox.cloudflare.refusals import Answer, ApiRefusal, invalid
from origin_pulls.sandbox.cloudflare.state import Association, Fault, Record, Token, Zone

Body = dict[str, Any]


class Control:
    """Answers the switches, on behalf of one keeper."""

    def __init__(self, keeper: Keeper, calls: list[Body], end_delays: Callable[[], None]) -> None:
        self.keeper = keeper
        self.calls = calls
        self._end_delays = end_delays

    def answer(self, method: str, path: str, query: Mapping[str, str], body: Body) -> Answer:
        """Do what was asked; a plain JSON value as ``result``."""
        routes: dict[str, Callable[..., object]] = {
            r"GET edge": lambda: self._edge(query),
            r"POST clock": lambda: self._clock(body),
            r"POST faults": lambda: self._fault(body),
            r"DELETE faults": self._end_faults,
            r"PATCH switches": lambda: _change(self.keeper.world.switches, body),
            r"POST release": self._release,
            r"GET zones": lambda: [_told(one) for one in self.keeper.world.zones],
            r"POST zones": lambda: self._add_zone(body),
            r"PATCH zones/([^/]+)": lambda name: _change(self._zone(name), body),
            r"PUT zones/([^/]+)/records": lambda name: self._put_record(name, body),
            r"DELETE zones/([^/]+)/records": lambda name: self._drop_record(name, query),
            r"PUT zones/([^/]+)/associations": lambda name: self._bind(name, body),
            r"DELETE zones/([^/]+)/certificates/([^/]+)": self._drop_certificate,
            r"POST tokens": lambda: self._add_token(body),
            r"PATCH tokens/([^/]+)": lambda token: _change(self._token(token), body),
            r"GET calls": lambda: list(self.calls),
            r"DELETE calls": lambda: self.calls.clear(),
            r"POST reset": self._reset,
        }
        for pattern, act in routes.items():
            if found := re.fullmatch(pattern, f"{method} {path}"):
                return self._done(act, found.groups(), is_change=method != "GET")
        raise ApiRefusal(404, 0, f"there is no switch {method} {path}")

    def _done(
        self, act: Callable[..., object], words: tuple[str, ...], *, is_change: bool
    ) -> Answer:
        try:
            with self.keeper.changed:
                result = act(*words)
                if is_change:
                    self.keeper.keep()
        except (TypeError, ValueError) as error:
            raise invalid(str(error)) from error
        return shapes.envelope(result)

    def _edge(self, query: Mapping[str, str]) -> Body:
        patience = float(query.get("settle", "0"))
        is_settled = self.keeper.settle(patience)
        views = self.keeper.views()
        return {
            "settled": is_settled,
            "failure": self.keeper.failure,
            "reloads": self.keeper.applied,
            "places": {
                address: {way.name: asdict(way) for way in view.ways}
                for address, view in zip(self.keeper.world.edge_addresses, views, strict=True)
            },
        }

    def _clock(self, body: Body) -> Body:
        world = self.keeper.world
        world.now()
        world.speed = float(body.get("speed", world.speed))
        world.virtual += float(body.get("advance", 0.0))
        world.tick()
        return {"speed": world.speed, "now": world.virtual}

    def _fault(self, body: Body) -> Body:
        fault = Fault(**body)
        re.compile(fault.path)
        self.keeper.world.faults.append(fault)
        return {"id": fault.id}

    def _end_faults(self) -> None:
        self.keeper.world.faults.clear()
        self._end_delays()

    def _release(self) -> int:
        world = self.keeper.world
        stuck = [
            one
            for zone in world.zones
            for one in (*zone.zone_certificates, *zone.hostname_certificates)
            if one.due is None and one.goal == "active" and one.status != "active" and one.is_live
        ]
        for one in stuck:
            one.due = world.now()
        return len(stuck)

    def _add_zone(self, body: Body) -> Body:
        world = self.keeper.world
        records = [_checked_record(Record(**one)) for one in body.pop("records", [])]
        account = str(body.pop("account", "other"))
        account_id = seed.identifier(f"account {account}")
        world.accounts.setdefault(account_id, account)
        name = seed.checked_name(body.pop("name", ""))
        given = body.pop("id", "") or seed.identifier(f"{account} {name}")
        zone = Zone(given, name, account_id, records=records)
        _change(zone, body)
        if any(one.id == zone.id for one in world.zones):
            raise ValueError(f"{name} is there already")
        world.zones.append(zone)
        world.other_dns.pop(name, None)
        return {"id": zone.id}

    def _put_record(self, name: str, body: Body) -> Body:
        zone, record = self._zone(name), _checked_record(Record(**body))
        kept = [one for one in zone.records if (one.name, one.type) != (record.name, record.type)]
        zone.records = [*kept, record]
        return {"id": record.id}

    def _drop_record(self, name: str, query: Mapping[str, str]) -> int:
        zone = self._zone(name)
        kept = [one for one in zone.records if one.name != query.get("name")]
        gone = len(zone.records) - len(kept)
        zone.records = kept
        return gone

    def _bind(self, name: str, body: Body) -> None:
        zone, now = self._zone(name), shapes.now_text()
        hostname, cert_id = seed.checked_name(body["hostname"]), str(body.get("cert_id", ""))
        enabled = body.get("enabled")
        bound = Association(hostname, cert_id, enabled, now, now, "active", None, cert_id, enabled)
        zone.associations = [one for one in zone.associations if one.hostname != hostname]
        if enabled is not None:
            zone.associations.append(bound)

    def _drop_certificate(self, name: str, cert_id: str) -> None:
        zone = self._zone(name)
        for one in (*zone.zone_certificates, *zone.hostname_certificates):
            if one.id == cert_id:
                one.status, one.due = "deleted", None

    def _add_token(self, body: Body) -> Body:
        body.setdefault("permissions", list(permissions.ALL))
        zones = body.pop("zones", None)
        ids = None if zones is None else [self._zone(one).id for one in zones]
        token = Token(secrets.token_hex(16), seed.new_secret(), zones=ids, **body)
        self.keeper.world.tokens.append(token)
        return {"id": token.id, "secret": token.secret}

    def _reset(self) -> None:
        self.calls.clear()
        self.keeper.reset(state.load(self.keeper.access.seed))

    def _zone(self, name: str) -> Zone:
        found = [one for one in self.keeper.world.zones if name in (one.name, one.id)]
        if not found:
            raise ApiRefusal(404, 0, f"there is no zone {name}")
        return found[0]

    def _token(self, token_id: str) -> Token:
        found = [one for one in self.keeper.world.tokens if one.id == token_id]
        if not found:
            raise ApiRefusal(404, 0, "there is no such token")
        return found[0]


def _change(thing: object, body: Body) -> None:
    """Set plain fields of a dataclass, each to a value of the kind that it has."""
    known = {field.name for field in fields(thing)} - {"id", "secret"}  # type: ignore[arg-type]
    if unknown := sorted(set(body) - known):
        raise ValueError(f"there is no {unknown[0]}")
    for name, value in body.items():
        before = getattr(thing, name)
        if before is not None and isinstance(value, str) != isinstance(before, str):
            raise ValueError(f"{name} has another kind of value")
        setattr(thing, name, value)


def _checked_record(record: Record) -> Record:
    seed.checked_name(record.name)
    seed.checked_content(record)
    return record


def _told(zone: Zone) -> Body:
    told = asdict(zone)
    for store in ("zone_certificates", "hostname_certificates"):
        for one in told[store]:
            del one["key"]
    return told
