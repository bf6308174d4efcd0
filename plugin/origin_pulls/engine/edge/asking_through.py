"""Asks a vhost through Cloudflare, as its visitors do, for a proof that somebody wants now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from origin_pulls.engine import name_states
from origin_pulls.engine.edge import probing
from origin_pulls.engine.edge.probing import Way
from origin_pulls.engine.server import Server
from origin_pulls.errors import EdgeUnknown
from origin_pulls.model.inventory import VISITED, Proxied, Vhost
from origin_pulls.model.policy import Mode, Policy

MOST_HOSTS = 4


@dataclass(frozen=True, slots=True)
class Through:
    """What came of it: the ``ways`` that were good, and the ``problem`` of one that was not.

    ``holds``: no visitor who comes that way is refused. ``why_not`` says why nobody was asked
    (empty: somebody was).
    """

    ways: tuple[Way, ...] = ()
    problem: str = ""
    holds: bool = True
    why_not: str = ""

    @property
    def lines(self) -> list[str]:
        """The same in sentences."""
        came = [
            f"https://{host}/ through Cloudflare ({address}): came with the certificate"
            for address, host in self.ways
        ]
        if self.why_not:
            return [*came, f"not asked through Cloudflare: {self.why_not}"]
        return [*came, self.problem] if self.problem else came

    def as_record(self) -> dict[str, Any]:
        """The same as plain values."""
        return {
            "asked": not self.why_not,
            "why_not": self.why_not,
            "ways": [{"address": address, "host": host} for address, host in self.ways],
            "problem": self.problem,
            "holds": self.holds,
        }


def ask(server: Server, vhost: Vhost, policy: Policy) -> Through:
    """Ask the names of a vhost that are known to be behind Cloudflare, by its zones' tokens or DNS.

    Under ``enforce`` the certificate must come; under ``observe`` visitors must be served.
    """
    if policy.mode is Mode.OFF:
        return Through(why_not="no certificate is asked for")
    hosts = _hosts(server, vhost, policy)
    if not hosts:
        return Through(why_not=f"no name of {vhost.server_name} is known to be behind it")
    try:
        probed = probing.probe(server, hosts, None)
    except EdgeUnknown as error:
        return Through(why_not=error.message)
    if not probed.is_asked:
        return Through(probed.ways, why_not=probed.problem)
    holds = not probed.problem or (policy.mode is Mode.OBSERVE and probed.is_served)
    return Through(probed.ways, probed.problem, holds)


def _hosts(server: Server, vhost: Vhost, policy: Policy) -> Sequence[str]:
    """Some names that a demand counts for; of different domains first, for they have zones each."""
    states = name_states.now(server, [vhost])[vhost.key].states
    names = [
        name.name
        for name in vhost.names
        if name.kind in VISITED
        and states.get(name.name) is Proxied.PROXIED
        and name.name not in policy.exempt_names
    ]
    below = {name for name in names if any(name.endswith(f".{other}") for other in names)}
    return sorted(names, key=lambda name: name in below)[:MOST_HOSTS]
