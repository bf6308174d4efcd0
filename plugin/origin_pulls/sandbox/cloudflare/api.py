"""Cloudflare's calls: which path and method is which call, what it needs, what it answers."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from origin_pulls.sandbox.cloudflare import dns, operations, permissions, shapes
from origin_pulls.sandbox.cloudflare.operations import Store
from origin_pulls.sandbox.cloudflare.refusals import (
    Answer,
    ApiRefusal,
    invalid,
    missing_permission,
    no_route,
)
from origin_pulls.sandbox.cloudflare.state import Token, World, Zone

BASE = "/client/v4"
MODES = ("off", "flexible", "full", "strict", "origin_pull")
SETTINGS: Mapping[str, Sequence[str]] = {
    "ssl": MODES,
    "ssl_automatic_mode": ("auto", "custom"),
    "tls_client_auth": ("on", "off"),
}
STATUSES = frozenset(
    (
        *("active", "pending_deployment", "pending_deletion", "deleted"),
        *("deployment_timed_out", "deletion_timed_out", "all"),
    )
)
ZONE_PAGE, RECORD_PAGE, ASSOCIATION_PAGE = 50, 5_000, 1_000
AOP = r"/zones/(?P<zone>[0-9a-f]{32})/origin_tls_client_auth"
CERTIFICATE = r"/(?P<certificate>[0-9a-f-]{32,36})"


@dataclass(frozen=True, slots=True)
class Call:
    """One request after its token was read: everything that an answer is made from."""

    world: World
    token: Token
    method: str
    path: str
    parts: Mapping[str, str]
    query: Mapping[str, str]
    body: dict[str, Any]

    def zone(self, permission: str) -> Zone:
        """The zone of the path, if the token may do this to it."""
        found = next((one for one in self.world.zones if one.id == self.parts["zone"]), None)
        permissions.require(self.token, permission, found)
        if found is None:
            raise no_route(f"{BASE}{self.path}")
        return found

    def store(self, kind: str) -> Store:
        """A certificate store of the path's zone."""
        is_read = self.method == "GET"
        needed = permissions.SSL_READ if is_read else permissions.SSL_EDIT
        return Store(self.world, self.zone(needed), kind)

    def paged(self, default: int, most: int, *known: str) -> tuple[int, int]:
        """Page and size; refuses what this call's query does not know."""
        if unknown := sorted(set(self.query) - {"page", "per_page", *known}):
            raise invalid(f"unknown query parameter {unknown[0]}")
        try:
            page, size = (
                int(self.query.get(*pair)) for pair in (("page", "1"), ("per_page", str(default)))
            )
        except ValueError as error:
            raise invalid("page and per_page must be numbers") from error
        if page < 1 or not 1 <= size <= most:
            raise invalid(f"per_page must be 1 to {most}")
        return page, size


def answer(
    world: World,
    token: Token,
    method: str,
    path: str,
    query: Mapping[str, str],
    body: dict[str, Any],
) -> Answer:
    """Answer one authenticated request; ``path`` is what follows the base."""
    known = False
    for pattern, methods, function in ROUTES:
        if found := re.fullmatch(pattern, path):
            known = True
            if method in methods:
                return function(Call(world, token, method, path, found.groupdict(), query, body))
    if known:
        raise ApiRefusal(405, 10405, "Method not allowed for this authentication scheme")
    raise no_route(f"{BASE}{path}")


def _verify(call: Call) -> Answer:
    if (call.token.kind == "account") != ("account" in call.parts):
        raise ApiRefusal(401, 1000, "Invalid API Token")
    text = f"This API Token is valid and {call.token.status}"
    message = {"code": 10000, "message": text, "type": None}
    return shapes.envelope({"id": call.token.id, "status": call.token.status}, messages=[message])


def _token(call: Call) -> Answer:
    permissions.require(call.token, permissions.TOKENS_READ)
    found = next((one for one in call.world.tokens if one.id == call.parts["token"]), None)
    if found is None or found.kind == "account":
        raise ApiRefusal(404, 1001, "Token not found")
    return shapes.envelope(shapes.token(found))


def _zones(call: Call) -> Answer:
    number, size = call.paged(20, ZONE_PAGE, "name", "status", "account.id", "match")
    permissions.require(call.token, permissions.ZONE_READ)
    world, reach, name = call.world, call.token.zones, call.query.get("name")
    if name is None and reach is not None and world.switches.bare_zones == "403":
        text = "requires permission 'com.cloudflare.api.account.zone.list'"
        raise ApiRefusal(403, 0, f"Actor {text} to list zones")
    found = [
        zone
        for zone in world.zones
        if (reach is None or zone.id in reach)
        and name in (None, zone.name, _unicode(zone.name))
        and call.query.get("status") in (None, zone.status)
        and call.query.get("account.id") in (None, zone.account_id)
    ]
    return shapes.page([shapes.zone(world, zone) for zone in found], number, size)


def _zone(call: Call) -> Answer:
    return shapes.envelope(shapes.zone(call.world, call.zone(permissions.ZONE_READ)))


def _records(call: Call) -> Answer:
    number, size = call.paged(100, RECORD_PAGE, "name", "name.exact", "type", "proxied")
    zone = call.zone(permissions.DNS_READ)
    name = call.query.get("name.exact") or call.query.get("name")
    proxied = call.query.get("proxied")
    found = [
        shapes.record(one)
        for one in zone.records
        if name in (None, one.name)
        and call.query.get("type") in (None, one.type)
        and proxied in (None, str(one.proxied).lower())
    ]
    return shapes.page(found, number, size)


def _read_setting(call: Call) -> Answer:
    zone, name = call.zone(permissions.SETTINGS_READ), call.parts["name"]
    return shapes.setting(name, getattr(zone, name), editable=zone.editable)


def _write_setting(call: Call) -> Answer:
    zone, name = call.zone(permissions.SETTINGS_EDIT), call.parts["name"]
    value = call.body.get("value")
    if set(call.body) != {"value"} or value not in SETTINGS[name]:
        raise ApiRefusal(400, 1007, f"Invalid value for zone setting {name}")
    if not zone.editable:
        raise ApiRefusal(400, 1006, f"Not allowed to edit setting for {name}")
    setattr(zone, name, value)
    return shapes.setting(name, str(value), editable=True)


def _read_aop(call: Call) -> Answer:
    return shapes.envelope({"enabled": call.zone(permissions.SSL_READ).aop_enabled})


def _write_aop(call: Call) -> Answer:
    zone, enabled = call.zone(permissions.SSL_EDIT), call.body.get("enabled")
    if set(call.body) != {"enabled"} or not isinstance(enabled, bool):
        raise invalid("enabled must be true or false, and nothing else")
    zone.aop_enabled = enabled
    return shapes.envelope({"enabled": enabled})


def _stored(kind: str) -> Callable[[Call], Answer]:
    def serve(call: Call) -> Answer:
        store = call.store(kind)
        if call.method == "POST":
            return shapes.envelope(store.shape(store.upload(call.body)))
        return shapes.nullable(store.listed())

    return serve


def _one_stored(kind: str) -> Callable[[Call], Answer]:
    def serve(call: Call) -> Answer:
        store, wanted = call.store(kind), call.parts["certificate"]
        found = store.delete(wanted) if call.method == "DELETE" else store.find(wanted)
        return shapes.envelope(store.shape(found))

    return serve


def _associate(call: Call) -> Answer:
    zone = call.zone(permissions.SSL_EDIT)
    return shapes.envelope(operations.associate(call.world, zone, call.body))


def _associations(call: Call) -> Answer:
    zone = call.zone(permissions.SSL_READ)
    if call.world.switches.listing != "served":
        raise ApiRefusal(404, 7003, f"Could not route to {BASE}{call.path}")
    number, size = call.paged(50, ASSOCIATION_PAGE, "status")
    wanted = set(call.query.get("status", "active").split(","))
    if not wanted <= STATUSES:
        raise invalid("unknown status")
    found = [
        operations.shape(zone, one) for one in zone.associations if wanted & {"all", one.status}
    ]
    return shapes.page(found, number, size)


def _association(call: Call) -> Answer:
    zone, name = call.zone(permissions.SSL_READ), call.parts["hostname"]
    found = next((one for one in zone.associations if one.hostname == name), None)
    if found is None:
        raise ApiRefusal(404, 1553, "setting for this hostname not found")
    return shapes.envelope(operations.shape(zone, found))


def _policies(call: Call) -> Answer:
    if "Notifications" not in call.token.permissions:
        raise missing_permission()
    return shapes.envelope([])


def _unicode(name: str) -> str:
    return dns.unicode(name)


Route = tuple[str, Sequence[str], Callable[[Call], Answer]]
ROUTES: Sequence[Route] = (
    (r"/user/tokens/verify", ("GET",), _verify),
    (r"/user/tokens/(?P<token>[0-9a-f]{32})", ("GET",), _token),
    (r"/accounts/(?P<account>[0-9a-f]{32})/tokens/verify", ("GET",), _verify),
    (r"/accounts/(?P<account>[0-9a-f]{32})/alerting/v3/policies", ("GET",), _policies),
    (r"/zones", ("GET",), _zones),
    (r"/zones/(?P<zone>[0-9a-f]{32})", ("GET",), _zone),
    (r"/zones/(?P<zone>[0-9a-f]{32})/dns_records", ("GET",), _records),
    (
        rf"/zones/(?P<zone>[0-9a-f]{{32}})/settings/(?P<name>{'|'.join(SETTINGS)})",
        ("GET",),
        _read_setting,
    ),
    (
        rf"/zones/(?P<zone>[0-9a-f]{{32}})/settings/(?P<name>{'|'.join(SETTINGS)})",
        ("PATCH",),
        _write_setting,
    ),
    (rf"{AOP}/settings", ("GET",), _read_aop),
    (rf"{AOP}/settings", ("PUT",), _write_aop),
    (rf"{AOP}/hostnames/certificates", ("GET", "POST"), _stored("hostname")),
    (rf"{AOP}/hostnames/certificates{CERTIFICATE}", ("GET", "DELETE"), _one_stored("hostname")),
    (rf"{AOP}/hostnames", ("PUT",), _associate),
    (rf"{AOP}/hostnames", ("GET",), _associations),
    (rf"{AOP}/hostnames/(?P<hostname>[a-z0-9._*-]+)", ("GET",), _association),
    (AOP, ("GET", "POST"), _stored("zone")),
    (rf"{AOP}{CERTIFICATE}", ("GET", "DELETE"), _one_stored("zone")),
)
