"""The chore that follows the panel: it looks when a hook noted something, and once a minute."""

from __future__ import annotations

import logging
import time

from origin_pulls.agent import speaking
from origin_pulls.config import Config
from origin_pulls.engine import installation, reconciling
from origin_pulls.engine.server import Server
from origin_pulls.model.installation import State
from origin_pulls.server import lock, spool

logger = logging.getLogger(__name__)

PEEK = 2.0  # seconds between two glances at the spool


class Following:
    """What the chore remembers between two looks."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.next_look = 0.0

    def look_again(self, server: Server) -> None:
        """Let policies follow the panel where something may have happened.

        While somebody works nothing is done: it is looked at again a moment later.
        """
        is_due = time.monotonic() >= self.next_look
        if not is_due and not spool.has_something(self.config):
            return
        if lock.is_held(self.config.work_lock):
            return
        try:
            followed = reconciling.reconcile(
                server,
                lambda change: speaking.ask(self.config, change),
                logger.info,
            )
        except ConnectionError:
            logger.info("the agent does not listen yet: it is looked at again")
            return
        self.next_look = time.monotonic() + self.config.look_again_every
        if followed.events:
            logger.info("followed %d events of the panel", len(followed.events))
        if any(event.name == "upcp" for event in followed.events):
            self._look_after_update(server)

    def _look_after_update(self, server: Server) -> None:
        """The panel has updated itself: what that took away is put back out of the release."""
        parts = installation.check(
            server, repair=True, ask=lambda change: speaking.ask(self.config, change)
        )
        for part in parts:
            if part.state is not State.GOOD:
                logger.warning("after the update: %s: %s, %s", part.name, part.said, part.state)
