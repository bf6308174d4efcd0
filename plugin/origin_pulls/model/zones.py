"""Whose zone a name is in, and whether Cloudflare stands before it: decided from what was read."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from origin_pulls.model.inventory import Proxied

ADDRESS_KINDS = ("A", "AAAA", "CNAME")


class RecordLike(Protocol):
    """What is asked of a DNS record here."""

    @property
    def name(self) -> str:
        """Its name, in punycode."""

    @property
    def kind(self) -> str:
        """Its type."""

    @property
    def is_proxied(self) -> bool:
        """Whether Cloudflare stands before it."""


@dataclass(frozen=True, slots=True)
class ProxyState:
    """Whether Cloudflare stands before a name, and from what that is known.

    ``is_answered`` false: nobody answered, so what was known before may still be so.
    """

    name: str
    proxied: Proxied
    why: str
    is_answered: bool = True


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a vhost's names, and when it was learned; empty: nothing ever was."""

    states: Mapping[str, Proxied] = field(default_factory=dict)
    at: str = ""


def candidates(name: str) -> list[str]:
    """The names that a zone may have in which ``name`` lies, the longest first."""
    labels = name.removeprefix("*.").split(".")
    return [".".join(labels[start:]) for start in range(len(labels) - 1)]


def by_records(name: str, records: Sequence[RecordLike], zone: str) -> ProxyState:
    """What a zone's records (all of them) say of a name in it.

    Records of the name itself count before those of a wildcard. One proxied record makes all
    addresses of its name proxied: so Cloudflare treats them.
    """
    exact = [record for record in records if record.name == name]
    if exact:
        return _judged(name, exact, "its DNS record")
    delegated = [one.name for one in records if one.kind == "NS" and one.name != zone]
    if any(name.endswith("." + one) for one in delegated):
        return ProxyState(name, Proxied.UNKNOWN, "other name servers answer for it")
    for parent in candidates(name)[1:] if not name.startswith("*.") else []:
        wild = [record for record in records if record.name == f"*.{parent}"]
        if wild:
            return _judged(name, wild, f"the record *.{parent}")
        is_there = any(one.name == parent or one.name.endswith("." + parent) for one in records)
        if parent == zone or is_there:
            break  # a wildcard above a name that exists says nothing of what is below it
    return ProxyState(name, Proxied.UNKNOWN, f"the zone {zone} has no record for it")


def by_addresses(name: str, addresses: Sequence[str] | None, networks: Sequence[str]) -> ProxyState:
    """What the addresses that DNS gives for a name say; ``None``: DNS did not answer."""
    if addresses is None:
        return ProxyState(name, Proxied.UNKNOWN, "DNS did not answer", is_answered=False)
    if not addresses:
        return ProxyState(name, Proxied.UNKNOWN, "DNS knows no address of it")
    inside = within(addresses, networks)
    if len(inside) == len(addresses):
        return ProxyState(name, Proxied.PROXIED, "DNS gives addresses of Cloudflare")
    outside = next(one for one in addresses if one not in inside)
    some = "some addresses" if inside else "addresses"
    return ProxyState(name, Proxied.DIRECT, f"DNS gives {some} beside Cloudflare's: {outside}")


def within(addresses: Sequence[str], networks: Sequence[str]) -> list[str]:
    """Those of the addresses that lie in one of the networks."""
    nets = [ipaddress.ip_network(network) for network in networks]
    found = [(text, ipaddress.ip_address(text)) for text in addresses]
    # An address of one version lies in no network of the other; Python says so itself.
    return [text for text, address in found if any(address in net for net in nets)]


def _judged(name: str, records: Sequence[RecordLike], where: str) -> ProxyState:
    found = [record for record in records if record.kind in ADDRESS_KINDS]
    if not found:
        return ProxyState(name, Proxied.UNKNOWN, f"{where} gives no address")
    if any(record.is_proxied for record in found):
        return ProxyState(name, Proxied.PROXIED, f"{where} is proxied")
    return ProxyState(name, Proxied.DIRECT, f"{where} is DNS-only (grey)")
