"""How much one person may ask: so many requests a time, and an account one at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from origin_pulls.web.refused import TooMany

MOST_KNOWN = 4096
SLOWER = "Wait a few seconds; nothing was changed."


@dataclass(slots=True)
class _Bucket:
    """What one person may still ask, and the door that lets one request through at once."""

    left: float
    at: float
    door: threading.Lock = field(default_factory=threading.Lock)


class Limits:
    """Counts requests per person; ``is_single`` lets each have one in flight only."""

    def __init__(self, *, burst: int, rate: float, wait: float, is_single: bool) -> None:
        self.burst = burst
        self.rate = rate
        self.wait = wait
        self.is_single = is_single
        self._buckets: dict[str, _Bucket] = {}
        self._lock = threading.Lock()

    @contextmanager
    def one_request(self, who: str, now: float) -> Iterator[None]:
        """Let one request of this person through, or say ``TooMany``."""
        bucket = self._take(who, now)
        if not self.is_single:
            yield
            return
        if not bucket.door.acquire(timeout=self.wait):
            raise TooMany("Another request of yours is still being answered", hint=SLOWER)
        try:
            yield
        finally:
            bucket.door.release()

    def _take(self, who: str, now: float) -> _Bucket:
        with self._lock:
            bucket = self._buckets.get(who)
            if bucket is None:
                self._forget(now)
                bucket = self._buckets[who] = _Bucket(self.burst, now)
            bucket.left = min(self.burst, bucket.left + (now - bucket.at) * self.rate)
            bucket.at = now
            if bucket.left < 1:
                raise TooMany("You ask faster than these pages answer", hint=SLOWER)
            bucket.left -= 1
            return bucket

    def _forget(self, now: float) -> None:
        """Forget those who are full again: to know them makes no difference."""
        if len(self._buckets) < MOST_KNOWN:
            return
        full = self.burst / self.rate
        for who in [one for one, bucket in self._buckets.items() if now - bucket.at > full]:
            if not self._buckets[who].door.locked():
                del self._buckets[who]
