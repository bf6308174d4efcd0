"""The accounts that a new sandbox has: a fixed fleet, and as many more as are asked for."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from origin_pulls.sandbox.layout import ADDRESS, DEDICATED_ADDRESS


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One cPanel account as somebody ordered it.

    ``user_dirs`` is cPanel's ``userdirprotect``: empty protects the vhost (``UserDir disabled``),
    ``-1`` leaves ``/~user/`` open on it. ``privileges`` make the account a reseller. One that
    ``is_generated`` is spared what costs time where thousands are made.
    """

    user: str
    domain: str
    owner: str = "root"
    parked: tuple[str, ...] = ()
    addons: tuple[str, ...] = ()
    addons_lie_below_public_html: bool = False
    subdomains: tuple[str, ...] = ()
    address: str = ADDRESS
    has_ssl: bool = True
    has_cgi: bool = False
    has_protected_folders: bool = False
    is_suspended: bool = False
    privileges: str = ""
    user_dirs: str = ""
    is_generated: bool = False

    def addon_subdomain(self, addon: str) -> str:
        """The subdomain in whose vhost an addon domain lives."""
        return f"{addon.partition('.')[0]}.{self.domain}"

    @property
    def addon_map(self) -> dict[str, str]:
        """Each addon domain with its subdomain."""
        return {addon: self.addon_subdomain(addon) for addon in self.addons}

    @property
    def vhost_domains(self) -> tuple[str, ...]:
        """The domains that have a vhost of their own, the main one first."""
        return (self.domain, *self.addon_map.values(), *self.subdomains)

    def zones(self, domain: str) -> tuple[str, ...]:
        """The zone names that live in the vhost of a domain."""
        if domain == self.domain:
            return (domain, *self.parked)
        return tuple(addon for addon, name in self.addon_map.items() if name == domain)

    def folder(self, domain: str) -> str:
        """The document root of a domain with a vhost, relative to the home directory."""
        if domain == self.domain:
            return "public_html"
        for addon, subdomain in self.addon_map.items():
            if domain == subdomain:
                return f"public_html/{addon}" if self.addons_lie_below_public_html else addon
        return domain.replace("*", "_wildcard_")


BASE: Sequence[Account] = (
    Account(
        user="shop",
        domain="shop.example",
        parked=("shop-parked.example", "shop-second.example"),
        addons=("shop-addon.example",),
        addons_lie_below_public_html=True,
        subdomains=("blog.shop.example", "api.shop.example", "*.shop.example"),
        has_cgi=True,
        has_protected_folders=True,
    ),
    Account(
        user="blog",
        domain="blog.example",
        addons=("blog-addon.example",),
        has_cgi=True,
        has_protected_folders=True,
    ),
    Account(user="plain", domain="plain.example", user_dirs="-1"),
    Account(user="closed", domain="closed.example", is_suspended=True),
    Account(
        user="reseller1",
        domain="reseller1.example",
        privileges="acct-summary,create-acct,list-accts,ssl-info",
    ),
    Account(user="acme", domain="acme.example", owner="reseller1"),
    Account(user="nossl", domain="nossl.example", has_ssl=False),
    Account(user="idn", domain="xn--bcher-kva.example"),
    Account(user="dedi", domain="dedi.example", address=DEDICATED_ADDRESS),
)


def vhost_count(accounts: Sequence[Account]) -> int:
    """How many SSL vhosts these accounts have."""
    return sum(len(account.vhost_domains) for account in accounts if account.has_ssl)


def of(vhosts: int) -> list[Account]:
    """The fixed fleet, filled up to at least ``vhosts`` SSL vhosts."""
    return [*BASE, *generated(vhosts - vhost_count(BASE))]


def generated(count: int, taken: frozenset[str] = frozenset()) -> list[Account]:
    """So many accounts of one vhost each, named by number; ``taken`` names are passed over."""
    free = (number for number in itertools.count(1) if f"bulk{number:05}" not in taken)
    return [
        Account(user=f"bulk{number:05}", domain=f"site{number:05}.example", is_generated=True)
        for number in itertools.islice(free, max(0, count))
    ]
