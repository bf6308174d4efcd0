"""A question whose answer takes long: it is worked out once, and given to who asks again."""

from __future__ import annotations

import threading

import pytest

from origin_pulls.agent.lingering import KEPT, Answer, Lingering
from origin_pulls.errors import Refused

SOON, LONG = 0.01, 60.0


class Slow:
    """A look that takes as long as it is told to, and counts how often it was begun."""

    def __init__(self, error: Exception | None = None) -> None:
        self.may_end = threading.Event()
        self.begun = 0
        self.error = error

    def __call__(self) -> Answer:
        self.begun += 1
        assert self.may_end.wait(LONG)
        if self.error:
            raise self.error
        return {"seen": self.begun}


def test_a_quick_answer_is_given_at_once_and_not_kept() -> None:
    lingering, slow = Lingering(), Slow()
    slow.may_end.set()
    assert lingering.answer("root", b"a", slow, patience=LONG) == {"seen": 1}
    assert lingering.answer("root", b"a", slow, patience=LONG) == {"seen": 2}
    assert lingering.working == {}


def test_a_slow_one_goes_on_and_is_fetched_by_who_asks_the_same_again() -> None:
    lingering, slow = Lingering(), Slow()
    for _ in range(3):
        assert lingering.answer("root", b"a", slow, patience=SOON) is None
    slow.may_end.set()
    assert lingering.answer("root", b"a", slow, patience=LONG) == {"seen": 1}
    assert slow.begun == 1


def test_another_person_and_another_question_get_answers_of_their_own() -> None:
    lingering, slow = Lingering(), Slow()
    assert lingering.answer("account shop", b"a", slow, patience=SOON) is None
    other = Slow()
    other.may_end.set()
    assert lingering.answer("account blog", b"a", other, patience=LONG) == {"seen": 1}
    assert lingering.answer("account shop", b"b", other, patience=LONG) == {"seen": 2}
    slow.may_end.set()


def test_what_went_wrong_meanwhile_is_told_to_who_asks_again() -> None:
    lingering, slow = Lingering(), Slow(Refused("no", hint="Really."))
    assert lingering.answer("root", b"a", slow, patience=SOON) is None
    slow.may_end.set()
    with pytest.raises(Refused, match="no"):
        lingering.answer("root", b"a", slow, patience=LONG)


def test_what_nobody_fetches_is_forgotten() -> None:
    now = [1000.0]
    lingering, slow = Lingering(lambda: now[0]), Slow()
    assert lingering.answer("root", b"a", slow, patience=SOON) is None
    one = lingering.working["root"]
    slow.may_end.set()
    assert one.is_over.wait(LONG)
    now[0] += KEPT + 1
    assert lingering.answer("root", b"a", slow, patience=LONG) == {"seen": 2}
