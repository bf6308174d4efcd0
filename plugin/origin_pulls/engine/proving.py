"""Proves with real requests: asks, compares, waits while Apache is still changing over."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent import futures
from dataclasses import dataclass, field
from pathlib import Path

from origin_pulls.config import Config
from origin_pulls.engine import giving_way
from origin_pulls.engine.patience import NO_TIME_LEFT, Patience
from origin_pulls.model import proof
from origin_pulls.model.inventory import Vhost
from origin_pulls.model.policy import Policy
from origin_pulls.model.proof import Ask, Check, Expected, Result, Seen, Shown
from origin_pulls.server import asking
from origin_pulls.server.certificates import Probe

AT_ONCE = 8
PAUSE = 0.05
LONGEST_PAUSE = 1.0
GLANCE = 0.2  # seconds between two looks whether everything is being relaxed
MOST_CANDIDATES = 3  # for one bystander
Ways = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Before:
    """What came before a change: each request with its answer, bystanders apart.

    ``slow`` are the vhosts (keys) that do not answer in time, or not all that they were asked.
    """

    asked: Mapping[Ask, Seen] = field(default_factory=dict)
    bystanders: tuple[tuple[str, Ask, Seen], ...] = ()
    slow: frozenset[str] = frozenset()


class Prover:
    """Asks this server's own Apache, with the certificates that the probe keeps for it."""

    def __init__(self, config: Config, probe: Probe) -> None:
        self.config = config
        self.certificates: Mapping[Shown, tuple[Path, Path]] = {
            Shown.OURS: (probe.leaf_file, probe.leaf_key_file),
            Shown.STRANGER: (probe.stranger_file, probe.stranger_key_file),
        }

    def ask_all(
        self, asks: Sequence[tuple[str, Ask]], patience: Patience, *, longest: float | None = None
    ) -> list[Seen]:
        """What these requests come to, each with the vhost (key) that it is for, in their order.

        ``longest`` is how many seconds one may take. Raises ``Overtaken`` as soon as somebody
        relaxes everything: what is still being asked then is waited for by nobody.
        """
        timeout = longest or self.config.answer_timeout

        def ask(request: Ask) -> Seen:
            return asking.ask(request, self.certificates, timeout=timeout)

        giving_way.check(self.config)
        patience.expect(key for key, _ in asks)
        pool = futures.ThreadPoolExecutor(AT_ONCE)
        left: set[futures.Future[Seen]] = set()
        try:
            begun = [pool.submit(patience.asked, key, request, ask) for key, request in asks]
            left = set(begun)
            while left:
                _, left = futures.wait(left, GLANCE)
                giving_way.check(self.config)
            return [one.result() for one in begun]
        finally:
            pool.shutdown(wait=not left, cancel_futures=True)

    def before(
        self, changing: Sequence[tuple[Vhost, Policy, Ways]], others: Sequence[Vhost]
    ) -> Before:
        """What vhosts that are about to change answer now, and some that are not."""
        asks = [
            (vhost.key, ask)
            for vhost, policy, ways in changing
            for ask in proof.baseline(vhost, policy, ways)
        ]
        patience = Patience(self.config.slow_before)
        came = self.ask_all(asks, patience)
        answers = {ask: seen for (_, ask), seen in zip(asks, came, strict=True)}
        slow = frozenset(vhost.key for vhost, _, _ in changing if patience.is_slow(vhost.key))
        return Before(answers, tuple(self._witnesses(others)), slow)

    def _witnesses(self, others: Sequence[Vhost]) -> list[tuple[str, Ask, Seen]]:
        """Vhosts that answer at once and the same twice; who does not agree with itself is none."""
        wanted = self.config.bystanders
        found: list[tuple[str, Ask, Seen]] = []
        if not wanted:
            return found
        for some in itertools.islice(_in_turn(others, wanted), MOST_CANDIDATES):
            asks = [
                (vhost.key, Ask(address=vhost.addresses[0], host=proof.main_host(vhost)))
                for vhost in some
            ]
            seen = self._as_witnesses(asks)
            again = self._as_witnesses(asks)
            found += [
                (key, ask, one)
                for (key, ask), one, other in zip(asks, seen, again, strict=True)
                if one.status is not None and one.status < 500 and proof.is_same(one, other)
            ]
            if len(found) >= wanted:
                break
        return found[:wanted]

    def _as_witnesses(self, asks: Sequence[tuple[str, Ask]]) -> list[Seen]:
        patience = Patience(self.config.slow_before)
        return self.ask_all(asks, patience, longest=self.config.witness_patience)

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
        is_changing_over: Callable[[], bool] = lambda: False,
        settled_patience: float | None = None,
    ) -> list[Result]:
        """Ask until every check holds, or patience ends, or it is hopeless; the last results.

        A graceful restart changes over while requests come in, so the first answers may still be
        old ones. Checks that do not hold yet are asked again; what counts in the end is one pass
        in which all of them held.

        ``edge_patience``: for how long a request through Cloudflare may go on being turned away.
        So are visitors, and this is much shorter than the time for Apache's changing over.
        ``settled_patience``: for how long it is asked once Apache has changed over. A site that
        takes too long then (``slow_in_proof``) is not asked again.
        """
        end = time.monotonic() + patience
        visitors = _Visitors(edge_patience)
        waiting = Patience(self.config.slow_in_proof, is_changing_over)
        results: list[Result] = []
        asked: Sequence[int] = range(len(checks))
        pause = PAUSE
        while True:
            if settled_patience is not None and not is_changing_over():
                end, settled_patience = min(end, time.monotonic() + settled_patience), None
            asks = [(checks[number].vhost, checks[number].ask) for number in asked]
            fresh = dict(zip(asked, self.ask_all(asks, waiting), strict=True))
            results = [
                Result(check, fresh[number]) if number in fresh else results[number]
                for number, check in enumerate(checks)
            ]
            failing = [
                number
                for number, result in enumerate(results)
                if not result.holds and result.seen != NO_TIME_LEFT
            ]
            if not failing and len(asked) == len(checks):
                return results
            visitors.note(results)
            if is_hopeless() or visitors.are_refused or time.monotonic() >= end:
                return results
            if failing:
                time.sleep(pause)
                pause = min(pause * 1.5, LONGEST_PAUSE)
            asked = failing or range(len(checks))


def _in_turn(vhosts: Sequence[Vhost], count: int) -> Iterator[Sequence[Vhost]]:
    """These vhosts, so many at a time."""
    return (vhosts[begin : begin + count] for begin in range(0, len(vhosts), count))


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
