"""What a server has: domains, names and vhosts, joined from cPanel's lists and ``httpd.conf``."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from origin_pulls.model import names
from origin_pulls.model.httpd_conf import Block, HttpdConf

SERVICE_LABELS = (
    "cpanel",
    "webmail",
    "webdisk",
    "cpcontacts",
    "cpcalendars",
    "autodiscover",
    "autoconfig",
    "whm",
)
FIELDS = 10  # of a line in userdatadomains


class Kind(StrEnum):
    """What a name is for."""

    MAIN = "main"
    WWW = "www"
    ALIAS = "alias"
    MAIL = "mail"
    SERVICE = "service"
    WILDCARD = "wildcard"


# The kinds of names that are a site's own; the others are cPanel's services.
VISITED = (Kind.MAIN, Kind.WWW, Kind.ALIAS, Kind.WILDCARD)


class Proxied(StrEnum):
    """Whether Cloudflare stands before a name."""

    PROXIED = "proxied"
    DIRECT = "direct"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Domain:
    """One row of cPanel's domain list (``/etc/userdatadomains.json``)."""

    name: str
    user: str
    owner: str
    kind: str
    parent: str
    document_root: str
    address: str
    ssl_address: str

    @property
    def server_name(self) -> str:
        """The ServerName of the vhost this domain lives in (an addon's is its subdomain's)."""
        name = self.parent if self.kind in ("addon", "parked") else self.name
        return "_wildcard_" + name[1:] if name.startswith("*.") else name


@dataclass(frozen=True, slots=True)
class Name:
    """One host name of a vhost; ``forms`` are the Host values cPanel proxies away for it."""

    name: str
    kind: Kind
    forms: tuple[str, ...] = ()
    proxied: Proxied = Proxied.UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class Vhost:
    """One SSL virtual host, or the place where a domain would have one (``is_ssl`` false)."""

    user: str
    server_name: str
    owner: str
    incarnation: str = ""
    is_suspended: bool = False
    is_ssl: bool = False
    names: tuple[Name, ...] = ()
    addresses: tuple[str, ...] = ()
    document_root: str = ""
    include_directory: str = ""
    includes: tuple[str, ...] = ()
    plain_include_directory: str = ""
    plain_includes: tuple[str, ...] = ()
    plain_addresses: tuple[str, ...] = ()
    own_directives: tuple[str, ...] = ()
    answers_without_sni: tuple[str, ...] = ()
    user_dirs: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Account and ServerName in one word."""
        return f"{self.user}/{self.server_name}"

    @property
    def host_names(self) -> tuple[str, ...]:
        """All host names, the ServerName's own first."""
        return tuple(name.name for name in self.names)


@dataclass(frozen=True, slots=True)
class Inventory:
    """All vhosts of a server, and what could not be read."""

    vhosts: tuple[Vhost, ...] = ()
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Account:
    """What distinguishes one life of an account from the next one of the same name."""

    incarnation: str = ""
    is_suspended: bool = False


def parse_domains_json(text: bytes) -> tuple[list[Domain], list[str]]:
    """Read ``/etc/userdatadomains.json``: the domains, and a sentence for each row that is bad.

    Raises ``ValueError`` when the whole file is no JSON object, so that the text form is tried.
    """
    rows = json.loads(text)
    if not isinstance(rows, dict):
        raise TypeError("userdatadomains.json holds no object")
    return _domains(
        (str(name), [str(cell) for cell in row] if isinstance(row, list) else [])
        for name, row in rows.items()
    )


def parse_domains(text: bytes) -> tuple[list[Domain], list[str]]:
    """Read ``/etc/userdatadomains``; fields stand between ``==`` and may be empty."""
    rows = []
    for line in text.decode("utf-8", "replace").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        name, _, rest = line.partition(":")
        rows.append((name.strip(), rest.strip().split("==")))
    return _domains(rows)


def parse_domain_info(answer: object) -> tuple[list[Domain], list[str]]:
    """Read the data of ``whmapi1 get_domain_info``; numbers come as strings or as numbers."""
    listed = answer.get("domains") if isinstance(answer, dict) else None
    if not isinstance(listed, list):
        return [], ["whmapi1 get_domain_info gave no list of domains"]
    rows = []
    for entry in listed:
        row = entry if isinstance(entry, dict) else {}
        cell = {str(key): "" if value is None else str(value) for key, value in row.items()}
        ssl = cell.get("ipv4_ssl", "") and f"{cell['ipv4_ssl']}:{cell.get('port_ssl', '')}"
        rows.append(
            (
                cell.get("domain", ""),
                [
                    cell.get("user", ""),
                    cell.get("user_owner", ""),
                    cell.get("domain_type", ""),
                    cell.get("parent_domain", ""),
                    cell.get("docroot", ""),
                    f"{cell.get('ipv4', '')}:{cell.get('port', '')}",
                    ssl,
                    cell.get("ipv6", ""),
                    "",
                    "",
                ],
            )
        )
    return _domains(rows)


def _domains(rows: Iterable[tuple[str, Sequence[str]]]) -> tuple[list[Domain], list[str]]:
    """The rows that hold together, and a sentence about each that does not."""
    found, problems = [], []
    for name, cells in rows:
        if len(cells) < FIELDS - 2:
            problems.append(f"domain list: the row of {names.shown(name)} has too few fields")
            continue
        user, owner, kind, parent, document_root, address, ssl_address = cells[:7]
        domain = Domain(
            name, user, owner, kind, parent or name, document_root, address, ssl_address
        )
        if not (names.is_host_name(name) and names.is_host_name(domain.parent)):
            problems.append(f"domain list: {names.shown(name)} is not a host name")
        elif not names.is_account(user):
            problems.append(f"domain list: {names.shown(user)} is not an account name")
        else:
            found.append(domain)
    return found, problems


def build(domains: Sequence[Domain], conf: HttpdConf, accounts: Mapping[str, Account]) -> Inventory:
    """Join the domain list with Apache's own vhosts.

    ``accounts`` tells each account's incarnation and suspension. A domain without an SSL vhost
    is listed too. Where one name has several SSL blocks (a second address, IPv6), the first is
    the vhost and the others are ways round it (``model/ways_round.py``).
    """
    problems: list[str] = []
    secure: dict[tuple[str, str], Block] = {}
    plain: dict[tuple[str, str], Block] = {}
    for block in conf.blocks:
        (secure if block.is_ssl else plain).setdefault((block.user, block.server_name), block)
    first = first_on_address(conf)
    groups: dict[tuple[str, str], list[Domain]] = {}
    for domain in domains:
        groups.setdefault((domain.user, domain.server_name), []).append(domain)
    vhosts = []
    for key, members in groups.items():
        secured = secure.get(key)
        if secured is None and any(domain.ssl_address for domain in members):
            problems.append(f"{key[1]}: cPanel lists HTTPS, but httpd.conf has no SSL vhost for it")
        account = accounts.get(key[0], Account())
        vhosts.append(_vhost(key, members, secured, plain.get(key), account, first))
    return Inventory(tuple(sorted(vhosts, key=lambda vhost: vhost.key)), tuple(problems))


def first_on_address(conf: HttpdConf) -> dict[str, int]:
    """For each address the line of the SSL vhost that answers clients without SNI there."""
    first: dict[str, int] = {}
    for block in conf.blocks:
        if block.is_ssl:
            for address in block.addresses:
                first.setdefault(address, block.line)
    return first


def _vhost(
    key: tuple[str, str],
    members: Sequence[Domain],
    block: Block | None,
    plain: Block | None,
    account: Account,
    first: Mapping[str, int],
) -> Vhost:
    user, server_name = key
    wildcard = "*" + server_name.removeprefix("_wildcard_")
    own = wildcard if server_name.startswith("_wildcard_") else server_name
    source = block or plain
    aliases = source.aliases if source else tuple(domain.name for domain in members)
    listed = dict.fromkeys((own, *(name for name in aliases if names.is_host_name(name))))
    services = dict(block.services) if block else {}
    client = block.client_directives if block else ()
    return Vhost(
        user=user,
        server_name=server_name,
        owner=members[0].owner,
        incarnation=account.incarnation,
        is_suspended=account.is_suspended,
        is_ssl=block is not None,
        names=tuple(
            Name(name, _kind(name, own, listed), services.get(name, ())) for name in listed
        ),
        addresses=block.addresses if block else (),
        document_root=(source.document_root if source else "") or members[0].document_root,
        include_directory=block.include_directory if block else "",
        includes=block.includes if block else (),
        plain_include_directory=plain.include_directory if plain else "",
        plain_includes=plain.includes if plain else (),
        plain_addresses=plain.addresses if plain else (),
        own_directives=tuple(f"{found.name} {found.arguments}" for found in client),
        answers_without_sni=_answered(block, first) if block else (),
        user_dirs=block.user_dirs if block else (),
    )


def _answered(block: Block, first: Mapping[str, int]) -> tuple[str, ...]:
    return tuple(address for address in block.addresses if first[address] == block.line)


def _kind(name: str, own: str, listed: Mapping[str, None]) -> Kind:
    """What a name is for, told by its first label where the rest is another name of the vhost."""
    if name.startswith("*."):
        return Kind.WILDCARD
    if name == own:
        return Kind.MAIN
    label, _, rest = name.partition(".")
    if rest in listed:
        if label in SERVICE_LABELS:
            return Kind.SERVICE
        if label in ("www", "mail"):
            return Kind(label)
    return Kind.ALIAS


def as_record(vhost: Vhost) -> dict[str, object]:
    """The vhost as plain values, the shape that ``read_vhost`` takes."""
    return asdict(vhost)


def read_vhost(record: Mapping[str, Any]) -> Vhost:
    """The vhost of a record that ``as_record`` made (and JSON turned its tuples into lists)."""
    values: dict[str, Any] = {
        name: tuple(value) if isinstance(value, list) else value for name, value in record.items()
    }
    values["names"] = tuple(
        Name(name["name"], Kind(name["kind"]), tuple(name["forms"]), Proxied(name["proxied"]))
        for name in record["names"]
    )
    return Vhost(**values)
