"""Whether an account holder may look at these pages at all, as settings and panel say now."""

from __future__ import annotations

from origin_pulls.actions import desk
from origin_pulls.actions import pages as reading
from origin_pulls.config import Config
from origin_pulls.errors import Refused
from origin_pulls.model.caller import Caller
from origin_pulls.model.settings import Permission

MOST_KNOWN = 4096


class Entrance:
    """Asks the agent, which alone can ask cPanel for features, and remembers a yes for a while.

    What the administrator sets is read at each request, so that closing works at once.
    """

    def __init__(self, config: Config) -> None:
        self.config = config
        self._let_in: dict[str, float] = {}

    def is_closed(self) -> bool:
        """Whether the administrator lets no account holder look at anything."""
        return reading.settings(self.config).accounts_may is Permission.NOTHING

    def let_in(self, caller: Caller, now: float) -> None:
        """Nothing for who may look; ``Refused`` with the reason for everybody else."""
        if self.is_closed():
            raise Refused(
                "Your provider has not opened Origin Pulls to account holders",
                hint="Ask your server's administrator.",
            )
        if now < self._let_in.get(caller.user, 0.0):
            return
        desk.enter(self.config, caller)
        if len(self._let_in) >= MOST_KNOWN:
            self._let_in.clear()
        self._let_in[caller.user] = now + self.config.feature_cache
