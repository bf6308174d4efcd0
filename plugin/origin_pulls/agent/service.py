"""The agent itself: carries out together what waits together."""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Mapping

from origin_pulls.agent.chores import Chores, chores
from origin_pulls.agent.edge import GO_ON, edge_chores
from origin_pulls.agent.listening import Listener
from origin_pulls.config import Config
from origin_pulls.engine import token_keeping, working
from origin_pulls.engine.server import Seen, Server
from origin_pulls.errors import Busy, OriginPullsError, Refused
from origin_pulls.model import wish as wishes
from origin_pulls.model.token_wish import TokenWish
from origin_pulls.server import lock
from origin_pulls.server.apache import Apache

logger = logging.getLogger(__name__)

PAUSE = 0.02
SIGNAL_LOOK = 0.5
AGAIN = 30.0  # seconds after which a recovery that failed is tried again


class Agent:
    """One agent of one server; ``serve`` runs until SIGTERM."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.has_wish = threading.Event()
        self.is_stopping = threading.Event()
        self.last_wish = 0.0
        self.arriving: list[bytes] = []
        self.accepting = threading.Lock()
        self.seen = Seen()
        self.chores = Chores(config, self.seen, chores(config))
        # A thread of its own: nothing shall wait because Cloudflare is slow.
        self.edge = Chores(config, self.seen, edge_chores(config))

    def serve(self) -> None:
        """Run the service. ``Refused`` when another agent serves this server already."""
        Apache(self.config)  # refuses where there is no cPanel server
        try:
            with lock.held(self.config.agent_lock, patience=0, waiting=logger.info):
                self._serve()
        except Busy as error:
            raise Refused(
                f"Another agent runs on this server: {error.message}",
                hint="One is enough; end that one first if this one should take its place.",
            ) from error

    def take(self, line: bytes) -> Mapping[str, object]:
        """The answer to one wish: a job's number, what was done, or a refusal with its hint."""
        self.arriving.append(line)
        try:
            wish = wishes.read(line)
            if isinstance(wish, TokenWish):
                # Not one after the other: Cloudflare is asked, and may take its time.
                return {"done": self._keep_token(wish)}
            # One after the other: SQLite would let them wait for each other longer.
            with self.accepting:
                return self._accept(wish)
        except OriginPullsError as error:
            return {"refused": error.message, "hint": error.hint, "code": error.exit_code}
        finally:
            self.arriving.pop()

    def _accept(self, wish: wishes.JobWish | wishes.Cancel) -> Mapping[str, object]:
        server = Server.of(self.config, self.seen)
        try:
            match wish:
                case wishes.Cancel():
                    done = working.cancel(server, wish)
                    self.edge.hurry(GO_ON)
                    return {"done": done}
                case wishes.Change() | wishes.Undo() | wishes.Rotate():
                    number = working.accept(server, wish)
                    self.has_wish.set()
                    return {"job": number}
        finally:
            server.store.close()
            self.last_wish = time.monotonic()

    def _keep_token(self, wish: TokenWish) -> Mapping[str, object]:
        server = Server.of(self.config, self.seen)
        try:
            return token_keeping.carry_out(server, wish, logger.info)
        finally:
            server.store.close()

    def _serve(self) -> None:
        signal.signal(signal.SIGTERM, lambda *_: self._stop())
        signal.signal(signal.SIGINT, lambda *_: self._stop())
        worker = threading.Thread(target=self._work, name="worker")
        listener = Listener(self.config, self.take)
        listening = threading.Thread(target=listener.serve_forever, name="listener", daemon=True)
        worker.start()
        self.chores.start()
        self.edge.start()
        listening.start()
        logger.info("listening on %s", self.config.agent_socket)
        while worker.is_alive():
            # Not without a limit: a signal that comes just before a wait would be seen after it.
            worker.join(SIGNAL_LOOK)
        self.chores.stop()
        self.edge.stop()
        listener.shutdown()
        listener.server_close()
        self.config.agent_socket.unlink(missing_ok=True)
        if not self.is_stopping.is_set():
            # The worker ended by an error of ours: a fresh process recovers from the journal.
            raise SystemExit(1)

    def _stop(self) -> None:
        self.is_stopping.set()
        self.has_wish.set()

    def _work(self) -> None:
        """Until told to stop: wait for wishes, let those that come together gather, work."""
        is_sound = self._work_once()
        while not self.is_stopping.is_set():
            self.has_wish.wait(None if is_sound else AGAIN)
            self.has_wish.clear()
            if not self.is_stopping.is_set():
                is_sound = self._work_once()

    def _gather(self) -> None:
        """Wait while wishes keep coming, but not for ever."""
        end = time.monotonic() + self.config.gather_longest
        while not self.is_stopping.is_set() and time.monotonic() < end:
            quiet = time.monotonic() - self.last_wish
            if not self.arriving and quiet >= self.config.gather_window:
                return
            time.sleep(max(self.config.gather_window - quiet, PAUSE))

    def _work_once(self) -> bool:
        try:
            # Opened anew each time: an administrator may have put another store in its place.
            server = Server.of(self.config, self.seen)
            try:
                with working.holding(server, logger.info):
                    working.work(server, logger.info, self._gather)
            finally:
                server.store.close()
            self.edge.hurry(GO_ON)
        except (OriginPullsError, OSError) as error:
            hint = error.hint if isinstance(error, OriginPullsError) else ""
            logger.error("%s. %s", error, hint)  # noqa: TRY400 - a sentence, not a trace
            return False
        return True
