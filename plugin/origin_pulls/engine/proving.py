"""Proves with real requests: asks, compares, waits while Apache is still changing over."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from origin_pulls.config import Config
from origin_pulls.model import proof
from origin_pulls.model.inventory import Vhost
from origin_pulls.model.policy import Policy
from origin_pulls.model.proof import Ask, Check, Expected, Result, Seen, Shown
from origin_pulls.server import asking
from origin_pulls.server.certificates import Probe

AT_ONCE = 8
PAUSE = 0.05
LONGEST_PAUSE = 1.0
MOST_CANDIDATES = 3  # for one bystander
Ways = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Before:
    """What came before a change: each request with its answer, bystanders apart."""

    asked: Mapping[Ask, Seen] = field(default_factory=dict)
    bystanders: tuple[tuple[str, Ask, Seen], ...] = ()


class Prover:
    """Asks this server's own Apache, with the certificates that the probe keeps for it."""

    def __init__(self, config: Config, probe: Probe) -> None:
        self.config = config
        self.certificates: Mapping[Shown, tuple[Path, Path]] = {
            Shown.OURS: (probe.leaf_file, probe.leaf_key_file),
            Shown.STRANGER: (probe.stranger_file, probe.stranger_key_file),
        }

    def ask_all(self, asks: Sequence[Ask]) -> list[tuple[Ask, Seen]]:
        """All these requests, some at a time; the answers in the order of the requests."""
        if not asks:
            return []
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return list(zip(asks, pool.map(self._ask, asks), strict=True))

    def before(
        self, changing: Sequence[tuple[Vhost, Policy, Ways]], others: Sequence[Vhost]
    ) -> Before:
        """What vhosts that are about to change answer now, and some that are not."""
        asks = [
            ask for vhost, policy, ways in changing for ask in proof.baseline(vhost, policy, ways)
        ]
        answers = self.ask_all(asks)
        bystanders: list[tuple[str, Ask, Seen]] = []
        for vhost in others[: MOST_CANDIDATES * self.config.bystanders]:
            if len(bystanders) >= self.config.bystanders:
                break
            ask = Ask(address=vhost.addresses[0], host=proof.main_host(vhost))
            seen, again = self._ask(ask), self._ask(ask)
            # A site that does not even agree with itself is no witness.
            if seen.status is not None and seen.status < 500 and proof.is_same(seen, again):
                bystanders.append((vhost.key, ask, seen))
        return Before(dict(answers), tuple(bystanders))

    def checks(self, vhost: Vhost, policy: Policy, before: Before, ways: Ways = ()) -> list[Check]:
        """The checks that prove a policy of one vhost from this machine."""
        address = (vhost.addresses or vhost.plain_addresses or ("127.0.0.1:443",))[0]
        source = asking.source_towards(address)
        return proof.checks(vhost, policy, source=source, before=before.asked, ways=ways)

    def bystander_checks(self, before: Before) -> list[Check]:
        """The checks that those who are not meant answer as before."""
        return [
            Check(f"bystander {key}", ask, Expected.SAME, seen)
            for key, ask, seen in before.bystanders
        ]

    def until_they_hold(
        self,
        checks: Sequence[Check],
        *,
        is_hopeless: Callable[[], bool],
        patience: float,
        edge_patience: float | None = None,
    ) -> list[Result]:
        """Ask until every check holds, or patience ends, or it is hopeless; the last results.

        A graceful restart changes over while requests come in, so the first answers may still be
        old ones. Checks that do not hold yet are asked again; what counts in the end is one pass
        in which all of them held.

        ``edge_patience``: for how long a request through Cloudflare may go on being turned away.
        So are visitors, and this is much shorter than the time for Apache's changing over.
        """
        end = time.monotonic() + patience
        visitors = _Visitors(edge_patience)
        results: list[Result] = []
        asked: Sequence[int] = range(len(checks))
        pause = PAUSE
        while True:
            answers = self.ask_all([checks[number].ask for number in asked])
            fresh = dict(zip(asked, (seen for _, seen in answers), strict=True))
            results = [
                Result(check, fresh[number]) if number in fresh else results[number]
                for number, check in enumerate(checks)
            ]
            failing = [number for number, result in enumerate(results) if not result.holds]
            if not failing and len(asked) == len(checks):
                return results
            visitors.note(results)
            if is_hopeless() or visitors.are_refused or time.monotonic() >= end:
                return results
            if failing:
                time.sleep(pause)
                pause = min(pause * 1.5, LONGEST_PAUSE)
            asked = failing or range(len(checks))

    def _ask(self, request: Ask) -> Seen:
        return asking.ask(request, self.certificates, timeout=self.config.answer_timeout)


class _Visitors:
    """How long requests through Cloudflare have been turned away, each without a break."""

    def __init__(self, patience: float | None) -> None:
        self.patience = patience
        self.since: dict[int, float] = {}
        self.are_refused = False

    def note(self, results: Sequence[Result]) -> None:
        """Take the results of one more pass; a single failure never counts."""
        if self.patience is None:
            return
        now = time.monotonic()
        failing = {number for number, result in enumerate(results) if proof.turns_away(result)}
        self.are_refused = any(
            number in self.since and now - self.since[number] >= self.patience for number in failing
        )
        self.since = {number: self.since.get(number, now) for number in failing}
