"""What each token is good for: its state, the zones it reaches, the permissions it lacks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from origin_pulls.cloudflare import certificate_calls, zone_calls
from origin_pulls.cloudflare.client import Client
from origin_pulls.cloudflare.values import TokenState, Zone
from origin_pulls.cloudflare.zones import Zones
from origin_pulls.engine import looking, reaching
from origin_pulls.engine.server import Server
from origin_pulls.errors import EdgeRefused, EdgeUnknown
from origin_pulls.model import zones as zones_model
from origin_pulls.model.inventory import Kind
from origin_pulls.model.saying import named
from origin_pulls.model.tokens import Permission, TokenReach, TokenSeen, ZoneReach
from origin_pulls.server.tokens import Token, Tokens

MOST_NAMES = 200
MOST_ZONES = 50
# The other kinds of names (www, mail, services) lie in the zones of these.
DOMAINS = (Kind.MAIN, Kind.ALIAS, Kind.WILDCARD)
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class ZoneRights:
    """A zone and the permissions that a token has there."""

    zone: Zone
    permissions: tuple[Permission, ...]


@dataclass(frozen=True, slots=True)
class Checked:
    """One token: what Cloudflare says of it, and what it may do. ``problem`` is empty if good."""

    token: TokenSeen
    state: TokenState | None
    zones: tuple[ZoneRights, ...] = ()
    problem: str = ""
    notes: tuple[str, ...] = ()

    @property
    def is_good(self) -> bool:
        """Whether nothing is known to be missing."""
        lacking = [one for zone in self.zones for one in zone.permissions if one.is_held is False]
        return not self.problem and not lacking and bool(self.zones)


@dataclass(frozen=True, slots=True)
class ZoneRow:
    """A zone as the list of zones shows it; ``None`` and an empty mode: could not be read."""

    zone: Zone
    token: TokenSeen
    ssl_mode: str = ""
    aop_is_on: bool | None = None
    shared_is_on: bool | None = None
    problem: str = ""


def check(server: Server, say: Say, account: str | None = None) -> list[Checked]:
    """All tokens (or those of one account), judged without writing anything at Cloudflare."""
    wanted = [one for one in _all(server) if account in (None, one.owner)]
    return [_check(server, token, say) for token in wanted]


def in_short(one: Checked) -> TokenReach:
    """What was found of a token, as the pages show it."""
    return TokenReach(
        id=one.token.id,
        expires=(one.state.expires_on or "") if one.state else "",
        zones=tuple(
            ZoneReach(
                zone.zone.name,
                tuple(held.name for held in zone.permissions if held.is_held is False),
                tuple(held.name for held in zone.permissions if held.is_held is None),
            )
            for zone in one.zones
        ),
        problem=one.problem,
        notes=one.notes,
    )


@dataclass(frozen=True, slots=True)
class ZonesSeen:
    """The zones that the tokens reach, sentences about tokens that could not be asked, and the
    domains of this server whose zone no token reaches.
    """

    rows: tuple[ZoneRow, ...]
    problems: tuple[str, ...]
    unreached: tuple[str, ...]


def zones_seen(server: Server, say: Say) -> ZonesSeen:
    """All that the tokens reach; nothing is written at Cloudflare."""
    rows: list[ZoneRow] = []
    problems: list[str] = []
    for token in _all(server):
        with reaching.client(server.config, token.secret, say=say) as client:
            try:
                zones, notes = reached(server, client, token)
            except (EdgeRefused, EdgeUnknown) as error:
                problems.append(f"Token {token.id}: {error.message}. {error.hint}")
                continue
            problems += [f"Token {token.id}: {note}" for note in notes]
            rows += [_row(client, token, zone) for zone in zones]
    reached_by = [(row.token.owner, row.zone.name) for row in rows]
    return ZonesSeen(tuple(rows), tuple(problems), tuple(_unreached(server, reached_by)))


def reached(server: Server, client: Client, token: Token) -> tuple[list[Zone], list[str]]:
    """The zones that a token reaches, and notes.

    A token for some zones only may be refused the list; then it is asked for the zones of this
    server's names. Raises as the client does.
    """
    try:
        return client.zones(), []
    except EdgeRefused as refusal:
        zones = Zones(client)
        found: dict[str, Zone] = {}
        names = _names(server, token)
        for name in names[:MOST_NAMES]:
            try:
                zone = zones.find(name)
            except EdgeRefused:
                raise refusal from None
            if zone:
                found[zone.id] = zone
        notes = [] if len(names) <= MOST_NAMES else [f"only {MOST_NAMES} names were looked up"]
        return list(found.values()), notes


def _check(server: Server, token: Token, say: Say) -> Checked:
    state: TokenState | None = None
    with reaching.client(server.config, token.secret, say=say) as client:
        try:
            state = client.verify()
            if not state.is_good:
                return Checked(token.seen, state, problem=f"Cloudflare says: {state.status}")
            zones, notes = reached(server, client, token)
            groups = client.token_groups(state.id) if state.id else None
            names = _names(server, token)
            used = [zone for zone in zones if _is_used(zone, names)]
            rights = tuple(_rights(client, zone, groups) for zone in used[:MOST_ZONES])
        except (EdgeRefused, EdgeUnknown) as error:
            return Checked(token.seen, state, problem=f"{error.message}. {error.hint}")
    if len(used) > MOST_ZONES:
        notes.append(f"the first {MOST_ZONES} of {len(used)} zones were looked at")
    if used and len(used) < len(zones):
        others = named([zone.name for zone in zones if zone not in used])
        notes.append(f"no domain here lies in {others}: it need not reach that")
    whose = f"the account {token.owner}" if token.owner else "this server"
    problem = ""
    if not zones:
        problem = "It reaches no zone. Add zones to it in Cloudflare's dashboard."
    elif not used:
        problem = (
            f"It reaches {named([zone.name for zone in zones])}, and no domain of {whose} lies "
            "there: it is for the wrong zone. Change its zones in Cloudflare's dashboard."
        )
    return Checked(token.seen, state, rights, problem, tuple(notes))


def _rights(client: Client, zone: Zone, groups: frozenset[str] | None) -> ZoneRights:
    def dns() -> object:
        return client.records_named(zone.id, zone.name)

    asked: Sequence[tuple[str, Callable[[], object]]] = (
        (zone_calls.DNS_READ, dns),
        (zone_calls.SETTINGS_READ, lambda: client.ssl_mode(zone.id)),
        (certificate_calls.READ, lambda: client.zone_aop_is_on(zone.id)),
    )
    found = [Permission(zone_calls.ZONE_READ, is_held=True)]
    found += [_tried(name, ask) for name, ask in asked]
    can_read = found[-1].is_held
    return ZoneRights(zone, (*found, _edit(groups, can_read=can_read)))


def _tried(name: str, ask: Callable[[], object]) -> Permission:
    try:
        ask()
    except EdgeRefused as error:
        is_held = False if error.is_about_permission else None
        return Permission(name, is_held, error.message)
    except EdgeUnknown as error:
        return Permission(name, None, error.message)
    return Permission(name, is_held=True)


def _edit(groups: frozenset[str] | None, *, can_read: bool | None) -> Permission:
    """Whether the token may upload and switch, as far as that can be known without doing so."""
    name = certificate_calls.EDIT
    if groups is not None:
        return Permission(name, zone_calls.EDIT_GROUP in groups)
    if can_read is False:
        return Permission(name, is_held=False, note="it may not even read them")
    return Permission(name, None, "Cloudflare tells this only at the first upload")


def _row(client: Client, token: Token, zone: Zone) -> ZoneRow:
    problems: list[str] = []

    def read(ask: Callable[[], object]) -> object:
        try:
            return ask()
        except (EdgeRefused, EdgeUnknown) as error:
            problems.append(error.message)
            return None

    mode = read(lambda: client.ssl_mode(zone.id))
    aop = read(lambda: client.zone_aop_is_on(zone.id))
    shared = read(lambda: client.shared_is_on(zone.id))
    return ZoneRow(
        zone=zone,
        token=token.seen,
        ssl_mode=mode if isinstance(mode, str) else "",
        aop_is_on=aop if isinstance(aop, bool) else None,
        shared_is_on=shared if isinstance(shared, bool) else None,
        problem="; ".join(dict.fromkeys(problems)),
    )


def _names(server: Server, token: Token) -> list[str]:
    """The domains that a token may be for: its account's, or all of the server's."""
    vhosts = looking.look(server).vhosts
    mine = [one for one in vhosts if token.owner in ("", one.user)]
    found = (name.name for one in mine for name in one.names if name.kind in DOMAINS)
    return list(dict.fromkeys(found))


def _is_used(zone: Zone, names: Sequence[str]) -> bool:
    return any(zone.name in zones_model.candidates(name) for name in names)


def _unreached(server: Server, reached_by: Sequence[tuple[str, str]]) -> list[str]:
    """The domains here whose zone neither their account's tokens nor the server's reach."""
    found = []
    for vhost in looking.look(server).vhosts:
        reach = {zone for owner, zone in reached_by if owner in ("", vhost.user)}
        domains = (name.name for name in vhost.names if name.kind in DOMAINS)
        found += [name for name in domains if reach.isdisjoint(zones_model.candidates(name))]
    return list(dict.fromkeys(found))


def _all(server: Server) -> list[Token]:
    return Tokens(server.config.tokens_directory).all()
