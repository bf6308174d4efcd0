"""Answers that take longer than a panel waits: worked out meanwhile, and asked for again.

A review of thousands of vhosts takes a minute; a bridge gives up after 30 seconds. Who asks the
same once more gets what was worked out since, or hears that it goes on.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

Answer = Mapping[str, object]
KEPT = 120.0  # seconds for which an answer waits to be fetched


@dataclass(slots=True)
class _Working:
    """One question that is being answered, or was and is not fetched yet."""

    question: bytes
    is_over: threading.Event = field(default_factory=threading.Event)
    answer: Answer = field(default_factory=dict)
    error: Exception | None = None
    ended: float = 0.0


class Lingering:
    """One question a person; another one takes its place."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.working: dict[str, _Working] = {}
        self.changing = threading.Lock()

    def answer(
        self, who: str, question: bytes, look: Callable[[], Answer], *, patience: float
    ) -> Answer | None:
        """What ``look`` gives, or raises; ``None`` where that takes more seconds than these.

        Then ``look`` goes on, and the same question of the same person finds its answer later.
        """
        one = self._begun(who, question, look)
        if not one.is_over.wait(patience):
            return None
        with self.changing:
            if self.working.get(who) is one:
                del self.working[who]
        if one.error is not None:
            raise one.error
        return one.answer

    def _begun(self, who: str, question: bytes, look: Callable[[], Answer]) -> _Working:
        with self.changing:
            old = self.clock() - KEPT
            for name in [key for key, one in self.working.items() if 0 < one.ended < old]:
                del self.working[name]
            one = self.working.get(who)
            if one is not None and one.question == question:
                return one
            one = self.working[who] = _Working(question)
            threading.Thread(target=self._work, args=(one, look), daemon=True).start()
            return one

    def _work(self, one: _Working, look: Callable[[], Answer]) -> None:
        try:
            one.answer = look()
        except Exception as error:  # noqa: BLE001 - raised to whoever asked
            one.error = error
        one.ended = self.clock()
        one.is_over.set()
