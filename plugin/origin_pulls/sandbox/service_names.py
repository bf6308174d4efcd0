"""cPanel's service subdomains: aliases of a user's SSL vhost, and rewrites away from the site.

Shape: the rendered sample of facts/cpanel.md §3. The conditions take the exact Host value only;
whatever else is sent falls through to the site, as on a real server (facts/apache.md §2).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from origin_pulls.sandbox.switches import Switches

PORTS = {
    "cpanel": 2082,
    "webmail": 2095,
    "webdisk": 2077,
    "cpcontacts": 2079,
    "cpcalendars": 2079,
    "whm": 2086,
}
WEBSOCKET = frozenset(("cpanel", "webmail", "whm"))
AUTODISCOVER = "autodiscover"
ALIASED = ("webdisk", "webmail", "cpcontacts", "cpcalendars", AUTODISCOVER, "cpanel")


def labels(*, for_reseller: bool) -> tuple[str, ...]:
    """The labels that an account's zones get."""
    return (*ALIASED, "whm") if for_reseller else ALIASED


def names(zones: Sequence[str], *, for_reseller: bool) -> list[str]:
    """The service names of these zones, in the order of their aliases."""
    return [f"{label}.{zone}" for zone in zones for label in labels(for_reseller=for_reseller)]


def rewrites(
    zones: Sequence[str], port: int, plain_port: int, switches: Switches, *, for_reseller: bool
) -> str:
    """The rules of a vhost that serves the service names of ``zones``; empty without zones."""
    if not zones:
        return ""
    lines = ["    RequestHeader set X-HTTPS 1", "    RewriteEngine On"]
    for label in labels(for_reseller=for_reseller):
        hosts = [f"{label}.{zone}" for zone in zones]
        lines += _rules(label, list(_exact(hosts, port)), plain_port, switches)
    return "\n".join(lines)


def shared_rewrites(plain_port: int, switches: Switches) -> str:
    """The rules of the vhosts that the whole server's service names share."""
    lines = ["    RewriteEngine On"]
    for label in labels(for_reseller=True):
        condition = f"        RewriteCond %{{HTTP_HOST}} ^{label}\\."
        lines += _rules(label, [condition], plain_port, switches)
    return "\n".join(lines)


def _exact(hosts: Sequence[str], port: int) -> Iterator[str]:
    values = [form for host in hosts for form in (host, f"{host}:{port}")]
    for value in values:
        last = value == values[-1]
        yield f"                RewriteCond %{{HTTP_HOST}} ={value}{'' if last else ' [OR]'}"


def _rules(
    label: str, conditions: Sequence[str], plain_port: int, switches: Switches
) -> Iterator[str]:
    yield from conditions
    yield "            RewriteCond %{HTTP:Upgrade} !websocket   [nocase]"
    if label == AUTODISCOVER and switches.autodiscover == "cgi":
        target = f"http://127.0.0.1:{plain_port}/cgi-sys/autodiscover.cgi"
        yield f"            RewriteRule ^ {target} [P]"
        return
    port = PORTS.get(label, 2079)
    place = f"/___proxy_subdomain_{label}"
    yield f"            RewriteRule ^/(.*) {place}/$1 [PT]"
    yield f'            ProxyPass "{place}" "http://127.0.0.1:{port}" max=1 retry=0'
    if label in WEBSOCKET and switches.websocket_rules:
        place = f"/___proxy_subdomain_ws_{label}"
        yield from conditions
        yield "            RewriteCond %{HTTP:Upgrade} websocket   [nocase]"
        yield f"            RewriteRule ^/(.*) {place}/$1 [PT]"
        yield f'            ProxyPass "{place}" "ws://127.0.0.1:{port}" max=1 retry=0'
