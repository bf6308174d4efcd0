"""Keeps the calls of one token within Cloudflare's limit, over all threads of this process.

The limit is 1,200 calls in five minutes for all uses of a token together; who goes over it gets
no answer at all for a while. So 200 calls may come at once, and three a second after that.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable

from origin_pulls.secret import Secret

BURST = 200.0
RATE = 3.0  # calls a second


class Pace:
    """When the next call of a token may be made."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._left = BURST
        self._at = clock()
        self._blocked_until = 0.0
        self._is_silent = False

    def take(self, longest: float = float("inf")) -> float:
        """Take a place in the row; how many seconds to wait before the call.

        Where that is longer than ``longest`` no place is taken: the call is not to be made.
        """
        with self._lock:
            now = self._clock()
            left = min(BURST, self._left + (now - self._at) * RATE) - 1
            seconds = max(-left / RATE, self._blocked_until - now, 0.0)
            if seconds <= longest:
                self._left, self._at = left, now
            return seconds

    def blocked(self) -> float:
        """For how many seconds Cloudflare will answer nothing to this token."""
        with self._lock:
            return max(self._blocked_until - self._clock(), 0.0)

    @property
    def is_silent(self) -> bool:
        """Whether it is blocked because no answer came, and not because Cloudflare says so."""
        return self._is_silent

    def block(self, seconds: float, *, is_silent: bool = False) -> None:
        """Cloudflare said to wait so long, or gave no answer; it holds for the whole token."""
        with self._lock:
            until = self._clock() + seconds
            if until > self._blocked_until:
                self._blocked_until, self._is_silent = until, is_silent


_paces: dict[tuple[str, bytes], Pace] = {}
_lock = threading.Lock()


def pace_of(api: str, token: Secret) -> Pace:
    """The one pace of a token in this process."""
    key = api, hashlib.sha256(token.reveal()).digest()
    with _lock:
        return _paces.setdefault(key, Pace())
