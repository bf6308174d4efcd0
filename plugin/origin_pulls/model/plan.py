"""Decides: from facts to policies as an ordered list of steps, so that no prefix is an outage."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from origin_pulls.model import certificates, include
from origin_pulls.model.certificates import Anchor
from origin_pulls.model.facts import File, ServerFacts, VhostFacts
from origin_pulls.model.policy import Mode, Policy, Port80


@dataclass(frozen=True, slots=True)
class Write:
    """Put ``text`` whole in the place of the file; ``before`` is what stood there."""

    vhost: str
    path: Path
    text: bytes
    before: bytes | None

    @property
    def is_include(self) -> bool:
        """Whether Apache finds this file by a pattern, so that it must never vanish."""
        return self.path.name == include.FILE_NAME


@dataclass(frozen=True, slots=True)
class Remove:
    """Take a file away that no configuration names any more."""

    vhost: str
    path: Path
    before: bytes


@dataclass(frozen=True, slots=True)
class Rebuild:
    """Let cPanel generate ``httpd.conf``: an Include line is missing for these vhosts."""

    vhosts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Reload:
    """Test the configuration, then let Apache read it gracefully."""


@dataclass(frozen=True, slots=True)
class Prove:
    """Make sure with real requests that these vhosts do what these policies say."""

    policies: tuple[tuple[str, Policy], ...]


@dataclass(frozen=True, slots=True)
class Present:
    """Let Cloudflare present the certificate of these anchors to this vhost."""

    vhost: str
    anchors: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Withdraw:
    """Let Cloudflare present no certificate to this vhost any more."""

    vhost: str


Step = Write | Remove | Rebuild | Reload | Prove | Present | Withdraw


@dataclass(frozen=True, slots=True)
class Change:
    """One vhost's facts and the policy wanted for it."""

    facts: VhostFacts
    wanted: Policy

    @property
    def key(self) -> str:
        """Which vhost it is."""
        return self.facts.vhost.key

    @property
    def is_relaxing(self) -> bool:
        """Whether the origin demands less afterwards: then it goes first, the edge after it."""
        return self.wanted.mode is not Mode.ENFORCE

    @property
    def swaps_trust(self) -> bool:
        """Whether an origin that demands now will demand what the edge has yet to present."""
        now, wanted = fingerprints(self.facts.trusted_now), fingerprints(self.facts.trusted)
        both = self.facts.policy.mode is Mode.ENFORCE and self.wanted.mode is Mode.ENFORCE
        edge = self.facts.edge
        return both and now != wanted and edge.is_managed and not wanted & edge.presents


def steps(server: ServerFacts, changes: Sequence[Change]) -> list[Step]:
    """The steps that lead from the facts to what is wanted; ``[]`` where nothing is to do.

    Three parts, each one reload at the most however many vhosts change:

    1. origins that demand less than now, and origins that will trust other certificates
       (they trust old and new for a while);
    2. the edge, which presents before an origin demands and stops only after it relaxed;
    3. origins that demand more than now, or trust the new certificates alone.

    ``refusals`` must have been asked before; this function trusts its facts.
    """
    relaxed = [change for change in changes if change.is_relaxing]
    tightened = [change for change in changes if not change.is_relaxing]
    widened = [change for change in tightened if change.swaps_trust]
    first = [step for change in relaxed for step in _writes(server, change)]
    first += [step for change in widened for step in _widened(server, change)]
    last = [step for change in tightened for step in _writes(server, change)]
    edge = _edge_steps(changes)
    logging = _server_include(server, changes)
    if not edge and not widened:
        return [*_round([*first, *last, *logging], changes), *_leftovers(relaxed)]
    as_now = [replace(change, wanted=change.facts.policy) for change in widened]
    return [
        *_round([*first, *logging], [*relaxed, *as_now]),
        *edge,
        *_round(last, tightened),
        *_leftovers(relaxed),
    ]


def describe(step: Step) -> str:
    """One step in words, for previews and logs."""
    match step:
        case Write():
            return f"write {step.path}"
        case Remove():
            return f"remove {step.path}, which nothing names any more"
        case Rebuild():
            missing = len(step.vhosts)
            lines = "1 Include line is" if missing == 1 else f"{missing} Include lines are"
            return f"rebuild httpd.conf: {lines} missing"
        case Reload():
            return "test the configuration and reload Apache gracefully"
        case Prove():
            proven = len(step.policies)
            vhosts = "1 vhost" if proven == 1 else f"{proven} vhosts"
            return f"prove {vhosts} with real requests, or take back"
        case Present():
            return f"let Cloudflare present the certificate to {step.vhost}"
        case Withdraw():
            return f"let Cloudflare present no certificate to {step.vhost} any more"


def fingerprints(anchors: Iterable[Anchor]) -> frozenset[str]:
    """The SHA-256 values of these anchors."""
    return frozenset(anchor.sha256 for anchor in anchors)


def _round(writes: Sequence[Step], changes: Sequence[Change]) -> list[Step]:
    """Files, then one rebuild if an Include line is missing, one reload, one proof."""
    missing = [
        change
        for change in changes
        if (change.wanted.mode is not Mode.OFF and not change.facts.is_included)
        or (change.wanted.port80 is not Port80.LEAVE and not change.facts.is_plain_included)
    ]
    if not writes and not missing:
        return []
    rebuild: list[Step] = [Rebuild(tuple(change.key for change in missing))] if missing else []
    touched = {step.vhost for step in writes if isinstance(step, Write)}
    touched |= {change.key for change in missing}
    proven = tuple((one.key, one.wanted) for one in changes if one.key in touched)
    return [*writes, *rebuild, Reload(), Prove(proven)]


def _writes(server: ServerFacts, change: Change) -> list[Step]:
    """The files of one vhost, the CA file before the include that names it.

    Only where a demand is given up the include comes first: under the old demand the new CA
    would refuse what the edge still presents.
    """
    facts, wanted = change.facts, change.wanted
    trusted = (*facts.trusted, facts.probe)
    found: list[Step] = []
    text = include.secure(
        wanted,
        facts.vhost,
        bundle=str(facts.bundle.path),
        depth=certificates.depth(facts.trusted),
        version=server.version,
    )
    plain = include.plain(wanted, ranges=server.ranges, https_port=server.https_port)
    if wanted.mode is not Mode.OFF or facts.secure.text is not None:
        found += _write(change.key, facts.secure, text)
    if wanted.mode is not Mode.OFF:
        gives_up = facts.policy.mode is Mode.ENFORCE and change.is_relaxing
        bundle = _write(change.key, facts.bundle, certificates.bundle(trusted))
        found = found + bundle if gives_up else bundle + found
    if wanted.port80 is not Port80.LEAVE or facts.plain.text is not None:
        found += _write(change.key, facts.plain, plain)
    return found


def _widened(server: ServerFacts, change: Change) -> list[Step]:
    """The vhost as it is, but trusting what it will trust besides what it trusts now."""
    facts = change.facts
    both = tuple({one.sha256: one for one in (*facts.trusted_now, *facts.trusted)}.values())
    return _writes(
        server,
        Change(
            facts=replace(facts, trusted=both, plain=File(facts.plain.path)),
            wanted=replace(facts.policy, port80=Port80.LEAVE),
        ),
    )


def _edge_steps(changes: Sequence[Change]) -> list[Step]:
    found: list[Step] = []
    for change in changes:
        edge, anchors = change.facts.edge, fingerprints(change.facts.trusted)
        if not edge.is_managed:
            continue
        if change.wanted.mode is Mode.ENFORCE and not anchors & edge.presents:
            found.append(Present(change.key, tuple(sorted(anchors))))
        if change.wanted.mode is Mode.OFF and edge.presents:
            found.append(Withdraw(change.key))
    return found


def _leftovers(changes: Sequence[Change]) -> list[Step]:
    """CA files that nothing names any more, once Apache has let go of them."""
    return [
        Remove(change.key, change.facts.bundle.path, change.facts.bundle.text)
        for change in changes
        if change.wanted.mode is Mode.OFF and change.facts.bundle.text is not None
    ]


def _server_include(server: ServerFacts, changes: Sequence[Change]) -> list[Step]:
    """The log line is there exactly as long as some vhost has a policy that writes to it."""
    is_used = server.is_used_by_others or any(one.wanted.mode is not Mode.OFF for one in changes)
    if not is_used and server.server_include.text is None:
        return []
    text = include.server(log=server.request_log) if is_used else include.nothing()
    return list(_write("", server.server_include, text))


def _write(vhost: str, file: File, text: bytes) -> list[Step]:
    return [] if file.text == text else [Write(vhost, file.path, text, file.text)]
