"""Which accounts have the feature, and which WHM users root's rights, as cPanel says."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from origin_pulls.config import Config
from origin_pulls.server import cpanel, files

logger = logging.getLogger(__name__)

FEATURE = "originpulls"
AT_ONCE = 8
MOST_KEPT = 100_000


class Features:
    """Asks cPanel and remembers the answer for a while; closed when in doubt."""

    def __init__(self, config: Config, clock: Callable[[], float] = time.monotonic) -> None:
        self.config = config
        self.clock = clock
        self.known: dict[str, tuple[float, bool]] = {}
        self.slots = threading.BoundedSemaphore(AT_ONCE)

    def has(self, user: str) -> bool:
        """Whether Feature Manager gives this account Origin Pulls."""
        until, answer = self.known.get(user, (0.0, False))
        if self.clock() < until:
            return answer
        if not self.slots.acquire(timeout=self.config.feature_timeout):
            return False
        try:
            found = self._ask(user)
        finally:
            self.slots.release()
        if found is None:
            # Not remembered: the next one asks again, and is refused until cPanel answers.
            logger.warning("cPanel does not say whether %s has the feature %s", user, FEATURE)
            return False
        if len(self.known) > MOST_KEPT:
            self.known.clear()
        self.known[user] = (self.clock() + self.config.feature_cache, found)
        return found

    def _ask(self, user: str) -> bool | None:
        answer = cpanel.whmapi(
            self.config,
            "verify_user_has_feature",
            timeout=self.config.feature_timeout,
            user=user,
            feature=FEATURE,
        )
        value = answer.get("has_feature") if isinstance(answer, dict) else None
        return None if value is None else str(value) == "1"


def is_root_level(config: Config, user: str) -> bool:
    """Whether a WHM user is root or a reseller with ``all`` (``/var/cpanel/resellers``)."""
    if user == "root":
        return True
    try:
        text = files.read(config.resellers, limit=1024 * 1024) or b""
    except OSError:
        return False
    for line in text.decode("utf-8", "replace").splitlines():
        name, _, rights = line.partition(":")
        if name.strip() == user:
            return "all" in [one.strip() for one in rights.split(",")]
    return False
