"""How long the sites of one account may keep a run waiting: the lock is everybody's."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable

from origin_pulls.model.proof import Ask, Seen

FREE = 1.0  # seconds that a request may take, one with another
NO_TIME_LEFT = Seen(error="it was not asked any more: the sites of this account take too long")


class Patience:
    """Counts what each account's requests take beyond a second each; then asks no more of it.

    The quick sites of an account make up for some that are dead. Nobody is blamed for what a
    request takes while ``is_excused``: Apache reads its configuration.
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
        self.granted: dict[str, float] = {}
        self.spent: dict[str, float] = {}
        self.left_out: set[str] = set()
        self.counting = threading.Lock()

    def expect(self, keys: Iterable[str]) -> None:
        """Grant the requests that are about to be made, each named by its vhost's key."""
        for key in keys:
            for one in (key, _account(key)):
                self.granted[one] = self.granted.get(one, 0.0) + FREE

    def asked(self, key: str, request: Ask, ask: Callable[[Ask], Seen]) -> Seen:
        """What a request to a vhost comes to, or ``NO_TIME_LEFT``; several threads may ask."""
        account = _account(key)
        if self._is_over(account):
            with self.counting:
                self.left_out.add(key)
            return NO_TIME_LEFT
        is_excused, began = self.is_excused(), self.clock()
        seen = ask(request)
        took = self.clock() - began
        if not is_excused and not self.is_excused():
            with self.counting:
                for one in (key, account):
                    self.spent[one] = self.spent.get(one, 0.0) + took
        return seen

    def is_slow(self, key: str) -> bool:
        """Whether a vhost takes too long by itself, or there was no time left for all of it."""
        return key in self.left_out or self._is_over(key)

    def _is_over(self, one: str) -> bool:
        return self.spent.get(one, 0.0) > self.seconds + self.granted.get(one, 0.0)


def _account(key: str) -> str:
    return key.partition("/")[0]
