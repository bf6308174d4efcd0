"""How long is asked again: as Apache needs, but not while visitors are turned away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from origin_pulls.config import Config
from origin_pulls.engine.patience import NO_TIME_LEFT, Patience
from origin_pulls.engine.proving import Prover
from origin_pulls.model.proof import Ask, Check, Expected, Seen
from origin_pulls.server import certificates

EDGE = Ask(address="192.0.2.1:443", host="shop.example", nonce="run")
ORIGIN = Ask(address="192.0.2.2:443", host="shop.example")
SERVED = Seen(status=200)
CHECKS = [Check("shop", ask, Expected.SERVED, SERVED) for ask in (EDGE, ORIGIN)]
SHORT, LONG = 0.1, 1.0


class Scripted(Prover):
    """A prover to whom each request through the edge is answered with the next of these."""

    def __init__(self, folder: Path, answers: Sequence[Seen]) -> None:
        probe = certificates.probe(folder, now=datetime.now(UTC), years=1)
        super().__init__(replace(Config(), bystanders=0), probe)
        self.answers = list(answers)
        self.passes = 0

    def ask_all(
        self, asks: Sequence[tuple[str, Ask]], patience: Patience, *, longest: float | None = None
    ) -> list[Seen]:
        self.passes += 1
        return [self._next() if ask.nonce else SERVED for _, ask in asks]

    def _next(self) -> Seen:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


def proven(prover: Scripted) -> list[bool]:
    results = prover.until_they_hold(
        CHECKS, is_hopeless=lambda: False, patience=LONG, edge_patience=SHORT
    )
    return [result.holds for result in results]


@pytest.mark.parametrize("status", [520, 525, 403])
def test_who_is_turned_away_at_the_edge_is_not_asked_for_as_long_as_apache_needs(
    tmp_path: Path, status: int
) -> None:
    away, silent = (
        Scripted(tmp_path / "a", [Seen(status=status)]),
        Scripted(tmp_path / "b", [Seen()]),
    )
    assert proven(away) == [False, True]
    assert proven(silent) == [False, True]
    assert away.passes < silent.passes, "what gives no answer is waited for longer"


def test_being_turned_away_for_a_moment_is_no_failure(tmp_path: Path) -> None:
    away = Seen(status=520)
    assert proven(Scripted(tmp_path, [away, SERVED, away, SERVED])) == [True, True]


class Slow:
    """A site that takes so many seconds for each answer, on a clock of its own."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.now = 0.0

    def clock(self) -> float:
        return self.now

    def answer(self, ask: Ask) -> Seen:
        del ask
        self.now += self.seconds
        return SERVED


def test_an_account_whose_sites_are_slow_is_asked_no_more_and_others_are() -> None:
    slow = Slow(6.0)
    patience = Patience(12.0, clock=slow.clock)
    seen = [patience.asked(f"acme/{number}.example", ORIGIN, slow.answer) for number in range(5)]
    assert seen == [SERVED, SERVED, SERVED, NO_TIME_LEFT, NO_TIME_LEFT]
    assert slow.now == 18.0
    assert [patience.is_slow(f"acme/{number}.example") for number in (0, 2, 3)] == [
        *(False, False),
        True,
    ]
    assert patience.asked("blog/blog.example", ORIGIN, slow.answer) == SERVED


def test_a_second_a_request_is_free_and_so_is_what_apache_takes() -> None:
    quick, reloading = Slow(1.0), Slow(9.0)
    for site, patience in (
        (quick, Patience(1.0, clock=quick.clock)),
        (reloading, Patience(1.0, lambda: True, reloading.clock)),
    ):
        seen = [patience.asked("acme/a.example", ORIGIN, site.answer) for _ in range(50)]
        assert set(seen) == {SERVED}
        assert not patience.is_slow("acme/a.example")


class Tired(Scripted):
    """A prover with no time left for the origin."""

    def ask_all(
        self, asks: Sequence[tuple[str, Ask]], patience: Patience, *, longest: float | None = None
    ) -> list[Seen]:
        self.passes += 1
        return [SERVED if ask.nonce else NO_TIME_LEFT for _, ask in asks]


def test_who_is_not_asked_any_more_is_not_waited_for(tmp_path: Path) -> None:
    tired = Tired(tmp_path, [SERVED])
    assert proven(tired) == [True, False]
    assert tired.passes == 1
