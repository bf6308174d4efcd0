"""What the sandbox's own files say about the server: host name, addresses, ports, resellers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from origin_pulls.sandbox.layout import ADDRESS, HOSTNAME, Layout


@dataclass(frozen=True, slots=True)
class ServerSettings:
    """The settings that the generator and the interfaces need."""

    hostname: str
    shared_address: str
    addresses: tuple[str, ...]
    http_port: int
    https_port: int
    has_service_names: bool
    resellers: frozenset[str]


def read(layout: Layout) -> ServerSettings:
    """The settings as they are on disk now."""
    given = pairs(layout.at("/var/cpanel/cpanel.config"), "=")
    basics = pairs(layout.at("/etc/wwwacct.conf"), " ")
    shared = basics.get("ADDR", ADDRESS)
    dedicated = [line.partition(":")[0] for line in lines(layout.at("/etc/ips"))]
    return ServerSettings(
        hostname=basics.get("HOST", HOSTNAME),
        shared_address=shared,
        addresses=tuple(dict.fromkeys((shared, *dedicated))),
        http_port=_port(given.get("apache_port", "80")),
        https_port=_port(given.get("apache_ssl_port", "443")),
        has_service_names=given.get("proxysubdomains") == "1",
        resellers=frozenset(pairs(layout.at("/var/cpanel/resellers"), ":")),
    )


def lines(path: Path) -> list[str]:
    """The lines of a list that say something; none where there is no such file."""
    try:
        text = path.read_text()
    except FileNotFoundError:
        return []
    return [line for line in text.splitlines() if line.strip() and not line.startswith("#")]


def pairs(path: Path, between: str) -> Mapping[str, str]:
    """The ``name value`` lines of a file by name."""
    found = {}
    for line in lines(path):
        name, _, value = line.partition(between)
        found[name.strip()] = value.strip()
    return found


def _port(text: str) -> int:
    return int(text.rpartition(":")[2])
