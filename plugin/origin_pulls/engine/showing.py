"""All there is to know about one vhost, and a proof of it made now; as values and plain records."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from origin_pulls.engine import kept_certificates, looking, name_states, preparing
from origin_pulls.engine.edge import asking_through
from origin_pulls.engine.edge.asking_through import Through
from origin_pulls.engine.gathering import Gathering
from origin_pulls.engine.kept_certificates import Kept
from origin_pulls.engine.proving import Before, Prover
from origin_pulls.engine.server import Server
from origin_pulls.model import include, refusals, saying, ways_round
from origin_pulls.model.inventory import Inventory, Proxied, Vhost
from origin_pulls.model.job import Applied
from origin_pulls.model.plan import Change
from origin_pulls.model.policy import Mode
from origin_pulls.model.proof import Result
from origin_pulls.model.rows import reasons
from origin_pulls.model.ways_round import WayRound
from origin_pulls.store import listing
from origin_pulls.store.listing import Noted
from origin_pulls.store.marks import Marks


@dataclass(frozen=True, slots=True)
class Row:
    """A vhost with the policy in force.

    ``attention`` says why a person has to look at it; of its names so many are known to be
    ``proxied`` and so many ``direct``.
    """

    vhost: Vhost
    applied: Applied
    attention: tuple[str, ...] = ()
    proxied: int = 0
    direct: int = 0


@dataclass(frozen=True, slots=True)
class Shown:
    """All there is to know about one vhost.

    ``certificate`` names the files of the certificate made for it (``ca``, ``leaf``, ``key``);
    ``states`` tells of each name whether Cloudflare stands before it, ``states_at`` since when
    that is known (empty: nothing was ever learned). ``kept`` are the certificates that Cloudflare
    presents to it, or will.
    """

    row: Row
    change: Change
    ways_round: tuple[WayRound, ...]
    warnings: tuple[str, ...]
    certificate: Mapping[str, str]
    states: Mapping[str, Proxied] = field(default_factory=dict)
    states_at: str = ""
    kept: tuple[Kept, ...] = ()

    @property
    def drift(self) -> str:
        """In what the include on the disk differs from the policy; empty when in nothing."""
        state = self.change.facts.secure.state
        if state in (include.State.EDITED, include.State.FOREIGN):
            return f"{self.change.facts.secure.path} is {state}"
        is_demanding = state is include.State.OURS
        if is_demanding != (self.row.applied.policy.mode is not Mode.OFF):
            return f"the include on the disk does not match the mode {self.row.applied.policy.mode}"
        return ""


def rows(server: Server, found: Inventory) -> list[Row]:
    """All vhosts of the inventory with their policies, and what needs attention."""
    applied = preparing.applied_now(server, found)
    noted, standing = listing.noted(server.store), listing.standing(server.store)
    listed = []
    for vhost in found.vhosts:
        mine = applied.get(vhost.key, Applied())
        proxied, direct = standing.get((vhost.user, vhost.server_name), (0, 0))
        listed.append(Row(vhost, mine, _attention(noted, vhost, mine), proxied, direct))
    return listed


def _attention(noted: Noted, vhost: Vhost, applied: Applied) -> tuple[str, ...]:
    said = noted.get((vhost.user, vhost.incarnation, vhost.server_name), [])
    return (*said, *reasons(applied.policy.mode, is_ssl=vhost.is_ssl))


def look_at(server: Server, found: Inventory, vhost: Vhost) -> Shown:
    """All about one vhost of the inventory."""
    conf = looking.read_conf(server)
    applied = preparing.applied_now(server, found)
    policies = {key: one.policy for key, one in applied.items()}
    mine = applied.get(vhost.key, Applied())
    change = Gathering(server, conf).change(vhost, mine, mine.policy)
    ways = ways_round.find(vhost, found.vhosts, policies, conf)
    material = server.store.material(vhost.user, vhost.incarnation, vhost.server_name)
    material = material.partition(" ")[0]
    folder = server.config.keys_directory / material
    parts = {"ca": "ca.pem", "leaf": "leaf.pem", "key": "leaf.key"}
    certificate = {what: str(folder / name) for what, name in parts.items()} if material else {}
    warnings = tuple(refusals.warnings(change))
    known = name_states.now(server, [vhost])[vhost.key]
    states = saying.known(vhost, known.states)
    counts = [sum(one is kind for one in states.values()) for kind in Proxied]
    row = Row(
        vhost, mine, _attention(listing.noted(server.store), vhost, mine), counts[0], counts[1]
    )
    return Shown(
        row,
        change,
        tuple(ways),
        warnings,
        certificate,
        states=states,
        states_at=known.at,
        kept=tuple(kept_certificates.kept(server, vhost)),
    )


@dataclass(frozen=True, slots=True)
class Proof:
    """What came of the requests to a vhost: of this server's own, and through Cloudflare."""

    results: tuple[Result, ...]
    through: Through

    @property
    def holds(self) -> bool:
        """Whether the policy does what it says, as far as it was asked."""
        return bool(self.results) and not self.problem

    @property
    def problem(self) -> str:
        """What does not hold first; empty when all does."""
        return next(iter(self.failed), "")

    @property
    def failed(self) -> list[str]:
        """What does not hold, in sentences that ``lines`` has as well."""
        found = [str(one) for one in self.results if not one.holds]
        return found if self.through.holds else [*found, self.through.problem]

    @property
    def lines(self) -> list[str]:
        """All of it in sentences."""
        return [*map(str, self.results), *self.through.lines]


def prove(server: Server, vhost: Vhost, applied: Applied) -> Proof:
    """Ask a vhost with real requests, once, whether it does what its policy says.

    Where Cloudflare stands before it, it is asked that way too: this server alone cannot know what
    visitors get. It is kept at the vhost whether it held.
    """
    prover = Prover(server.config, server.probe())
    checks = [
        replace(check, before=None) for check in prover.checks(vhost, applied.policy, Before())
    ]
    results = prover.until_they_hold(checks, is_hopeless=lambda: True, patience=0)
    proof = Proof(tuple(results), asking_through.ask(server, vhost, applied.policy))
    said = proof.problem or _proven(proof)
    Marks(server.store).proven(vhost, held=not proof.problem, said=said, at=server.stamp())
    return proof


def _proven(proof: Proof) -> str:
    """What held, in a few words."""
    through = proof.through
    said = f"proven by {len(proof.results) + len(through.ways)} requests"
    if through.why_not:
        return f"{said}, {through.lines[-1]}"
    return f"{said}, {len(through.ways)} of them through Cloudflare"


def row_record(row: Row) -> dict[str, Any]:
    """A vhost of the list as plain values."""
    vhost, policy = row.vhost, row.applied.policy
    return {
        "user": vhost.user,
        "servername": vhost.server_name,
        "names": list(vhost.host_names),
        "ssl": vhost.is_ssl,
        "mode": str(policy.mode),
        "trust": str(policy.trust),
        "port80": str(policy.port80),
        "proxied": row.proxied,
        "direct": row.direct,
        "attention": list(row.attention),
        "owner": vhost.owner,
        "suspended": vhost.is_suspended,
        "addresses": list(vhost.addresses),
        "document_root": vhost.document_root,
        "job": row.applied.job,
    }


def shown_record(shown: Shown) -> dict[str, Any]:
    """All about one vhost as plain values."""
    facts, vhost = shown.change.facts, shown.row.vhost
    certificates = [
        {
            "subject": one.subject,
            "sha256": one.sha256,
            "expires": one.expires.isoformat(),
            "pem": one.pem,
        }
        for one in facts.trusted
    ]
    return {
        **row_record(shown.row),
        "names": [
            {
                "name": name.name,
                "kind": str(name.kind),
                "proxied": str(shown.states.get(name.name, name.proxied)),
                "service_forms": list(name.forms),
            }
            for name in vhost.names
        ],
        "names_at": shown.states_at or None,
        "policy": shown.row.applied.policy.as_record(),
        "include": {"path": str(facts.secure.path), "state": str(facts.secure.state)},
        "port80_include": {"path": str(facts.plain.path), "state": str(facts.plain.state)},
        "answers_without_sni": list(vhost.answers_without_sni),
        "trusted": certificates,
        "certificate": dict(shown.certificate),
        "kept": [kept_certificates.as_record(one) for one in shown.kept],
        "drift": shown.drift,
        "warnings": list(shown.warnings),
        "ways_round": [
            {"kind": way.kind, "what": way.what, "hint": way.hint} for way in shown.ways_round
        ],
    }


def result_record(result: Result) -> dict[str, Any]:
    """One check of a proof as plain values."""
    ask = result.check.ask
    return {
        "host": ask.host,
        "path": ask.path,
        "tls": ask.is_tls,
        "certificate": str(ask.shown),
        "expected": str(result.check.expected),
        "came": str(result.seen),
        "holds": result.holds,
    }
