"""What the agent does by itself, again and again, in a thread of its own."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from origin_pulls.agent.following import PEEK, Following
from origin_pulls.config import Config
from origin_pulls.engine import looking, notifying, reverting
from origin_pulls.engine.server import Seen, Server
from origin_pulls.errors import OriginPullsError
from origin_pulls.server import under_way

logger = logging.getLogger(__name__)

HOUR = 3600.0
AFTER_FAILURE = 5.0  # seconds at least until a chore that failed is tried again


@dataclass(frozen=True, slots=True)
class Chore:
    """Something to do every so many seconds; it takes the work lock itself where it needs it."""

    name: str
    every: float
    do: Callable[[Server], None]


def chores(config: Config, wake: Callable[[], None]) -> list[Chore]:
    """All that this server's agent does by itself; ``wake`` lets it carry out what waits."""
    following = Following(config)
    return [
        Chore("look again", PEEK, following.look_again),
        Chore("inventory", config.inventory_every, _keep_inventory),
        Chore("letters", config.letters_every, notifying.send),
        Chore("reverting", config.revert_every, lambda server: reverting.revert(server, wake)),
        Chore("installer", HOUR, InstallerWatch().look),
    ]


def _keep_inventory(server: Server) -> None:
    """What the pages list follows the server, also where nobody changes anything here."""
    looking.look(server, keep=True)


class InstallerWatch:
    """Tells of an installer that was cut off and that nobody started again within an hour."""

    def __init__(self) -> None:
        self.told = 0.0  # of which mark, by its time

    def look(self, server: Server) -> None:
        """Look at the mark that an installer leaves; each is told once."""
        since = under_way.cut_off_since(server.config)
        if since in (0.0, self.told) or server.clock().timestamp() - since < HOUR:
            return
        self.told = since
        said = f"install.sh ({under_way.action(server.config)}) was cut off: start it again"
        notifying.tell(server, "the installation", said)


class Chores(threading.Thread):
    """Does each chore when it is due, until told to stop; one that fails is logged."""

    def __init__(self, config: Config, seen: Seen, due: Sequence[Chore]) -> None:
        super().__init__(name="chores", daemon=True)
        self.config = config
        self.seen = seen
        self.next = {chore: time.monotonic() for chore in due}
        self.said: dict[Chore, str] = {}  # so that what lasts is logged once
        self.wake = threading.Event()
        self.is_stopping = False

    def run(self) -> None:
        """Until ``stop``: wait for the next chore, or to be hurried, and do what is due."""
        while not self.is_stopping and self.next:
            self.wake.wait(max(min(self.next.values()) - time.monotonic(), 0))
            self.wake.clear()
            for chore in [one for one, at in self.next.items() if at <= time.monotonic()]:
                if not self.is_stopping:
                    self._do(chore)

    def hurry(self, name: str) -> None:
        """Let the chore of this name be due now."""
        for chore in self.next:
            if chore.name == name:
                self.next[chore] = 0.0
        self.wake.set()

    def stop(self) -> None:
        """Begin no further chore."""
        self.is_stopping = True
        self.wake.set()

    def _do(self, chore: Chore) -> None:
        self.next[chore] = time.monotonic() + chore.every
        try:
            server = Server.of(self.config, self.seen)
            try:
                chore.do(server)
            finally:
                server.store.close()
        except (OriginPullsError, OSError) as error:
            hint = error.hint if isinstance(error, OriginPullsError) else ""
            said = f"{error}. {hint}"
            self.next[chore] = max(self.next[chore], time.monotonic() + AFTER_FAILURE)
            if self.said.get(chore) != said:
                logger.error("%s: %s", chore.name, said)  # noqa: TRY400 - no trace
            self.said[chore] = said
        else:
            self.said.pop(chore, None)
