"""How long the sites of one account may keep a run waiting: the lock is everybody's."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from origin_pulls.model.proof import Ask, Seen

FREE = 1.0  # seconds that any request may take
NO_TIME_LEFT = Seen(error="it was not asked any more: the sites of this account take too long")


class Patience:
    """Counts what each account's requests take beyond a second; then asks nothing more of it.

    Nobody is blamed for what a request takes while ``is_excused``: Apache reads its configuration.
    """

    def __init__(
        self,
        seconds: float,
        is_excused: Callable[[], bool] = lambda: False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.seconds = seconds
        self.is_excused = is_excused
        self.clock = clock
        self.spent: dict[str, float] = {}
        self.left_out: set[str] = set()
        self.counting = threading.Lock()

    def asked(self, key: str, request: Ask, ask: Callable[[Ask], Seen]) -> Seen:
        """What a request to a vhost comes to, or ``NO_TIME_LEFT``; several threads may ask."""
        account = _account(key)
        if self.spent.get(account, 0.0) > self.seconds:
            with self.counting:
                self.left_out.add(key)
            return NO_TIME_LEFT
        is_excused, began = self.is_excused(), self.clock()
        seen = ask(request)
        took = self.clock() - began - FREE
        if took > 0 and not is_excused and not self.is_excused():
            with self.counting:
                for one in (key, account):
                    self.spent[one] = self.spent.get(one, 0.0) + took
        return seen

    def is_slow(self, key: str) -> bool:
        """Whether a vhost takes too long by itself, or there was no time left for all of it."""
        return key in self.left_out or self.spent.get(key, 0.0) > self.seconds


def _account(key: str) -> str:
    return key.partition("/")[0]
