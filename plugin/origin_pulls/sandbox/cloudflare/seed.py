"""What the sandbox's Cloudflare knows at first: a zone for each domain, a token for all of them.

Most zones are as an administrator would want them; four domains are not, so that every reason
why not can be seen: one is on ``flexible``, one is paused, one has no zone, and one has another
proxied name whose server is another.
"""

from __future__ import annotations

import hashlib
import ipaddress
import re
import secrets
from collections.abc import Iterator, Mapping, Sequence

from origin_pulls.sandbox import service_names, userdata
from origin_pulls.sandbox.cloudflare import permissions
from origin_pulls.sandbox.cloudflare.access import EDGE_ADDRESSES, ELSEWHERE
from origin_pulls.sandbox.cloudflare.state import Record, Token, World, Zone
from origin_pulls.sandbox.fleet import Account

ACCOUNT = "Sandbox"
WITHOUT_ZONE = frozenset(("plain.example", "closed.example"))
FLEXIBLE = "reseller1.example"
PAUSED = "dedi.example"
SPREAD, SPREAD_NAME = "acme.example", "app.acme.example"
NAME = re.compile(r"(\*\.)?([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z0-9-]{2,63}")


def world(accounts: Sequence[Account]) -> World:
    """The world of a new sandbox with these accounts."""
    account_id = identifier(f"account {ACCOUNT}")
    token = Token(secrets.token_hex(16), new_secret(), [*permissions.ALL, "Notifications"])
    made = World(
        tokens=[token], accounts={account_id: ACCOUNT}, edge_addresses=list(EDGE_ADDRESSES)
    )
    add(made, accounts)
    return made


def add(known: World, accounts: Sequence[Account]) -> None:
    """Add the zones of more accounts; those that are there already stay as they are."""
    there = {zone.name for zone in known.zones}
    account_id = identifier(f"account {ACCOUNT}")
    for account in accounts:
        names = dict(_names(account))
        for domain in (account.domain, *account.parked, *account.addons):
            own = {name: proxied for name, proxied in names.items() if _is_below(name, domain)}
            if domain in WITHOUT_ZONE:
                known.other_dns |= dict.fromkeys(own, account.address)
            elif domain not in there:
                known.zones.append(_zone(domain, account_id, own, account.address))


def _zone(domain: str, account_id: str, names: Mapping[str, bool], address: str) -> Zone:
    records = [Record("A", name, address, proxied) for name, proxied in names.items()]
    zone = Zone(identifier(f"zone {domain}"), domain, account_id, records=records)
    if domain == FLEXIBLE:
        zone.ssl = "flexible"
    if domain == PAUSED:
        zone.paused = True
    if domain == SPREAD:
        zone.records.append(Record("A", SPREAD_NAME, ELSEWHERE, proxied=True))
    return zone


def _names(account: Account) -> Iterator[tuple[str, bool]]:
    """Each host name of an account, and whether it is proxied."""
    for domain in account.vhost_domains:
        for name in (domain, *userdata.aliases(account, domain)):
            yield name, not name.startswith("mail.")
        zones = account.zones(domain)
        for name in service_names.names(zones, for_reseller=bool(account.privileges)):
            yield name, False


def _is_below(name: str, domain: str) -> bool:
    return f".{name}".endswith(f".{domain}")


def identifier(text: str) -> str:
    """An identifier that is the same in every sandbox."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def new_secret() -> str:
    """A token in the form that they have since 2026."""
    return f"cfut_{secrets.token_urlsafe(30).replace('-', 'x').replace('_', 'y')}"


def checked_name(name: object) -> str:
    """A host name in punycode, maybe a wildcard; ``ValueError`` for anything else."""
    if not isinstance(name, str) or len(name) > 253 or not NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no host name")
    return name


def checked_content(record: Record) -> None:
    """``ValueError`` unless the content is an address, or a host name for a CNAME."""
    if record.type == "CNAME":
        checked_name(record.content)
    elif record.type in ("A", "AAAA"):
        ipaddress.ip_address(record.content)
    else:
        raise ValueError(f"{record.type} is no type of record here")
