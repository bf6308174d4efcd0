"""The agent itself: carries out together what waits together."""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from origin_pulls.agent.admitting import Door
from origin_pulls.agent.answering import Answering
from origin_pulls.agent.chores import Chores, chores
from origin_pulls.agent.edge import GO_ON, edge_chores
from origin_pulls.agent.listening import Listener
from origin_pulls.config import Config
from origin_pulls.engine import token_keeping, working
from origin_pulls.engine.edge import wishing
from origin_pulls.engine.server import Seen, Server
from origin_pulls.errors import Busy, Damaged, OriginPullsError, Refused
from origin_pulls.model import rights
from origin_pulls.model import wish as wishes
from origin_pulls.model.desk_wish import Relax
from origin_pulls.model.token_wish import CheckTokens, TokenWish
from origin_pulls.model.wish import Asked, Cancel, JobWish
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
        self.door = Door(config, self.seen)
        self.answering = Answering(config, self.seen)
        self.chores = Chores(config, self.seen, chores(config, self.has_wish.set))
        # A thread of its own: nothing shall wait because Cloudflare is slow.
        self.edge = Chores(config, self.seen, edge_chores(config, self.has_wish.set))

    def serve(self) -> None:
        """Run the service. ``Refused`` when another agent serves this server already."""
        Apache(self.config)  # refuses where there is no cPanel server
        try:
            held = lock.held(self.config.agent_lock, patience=0, waiting=logger.info)
            with held, self._kept_open():
                self._serve()
        except Busy as error:
            raise Refused(
                f"Another agent runs on this server: {error.message}",
                hint="One is enough; end that one first if this one should take its place.",
            ) from error

    def take(self, line: bytes, is_root: bool = True) -> Mapping[str, object]:
        """The answer to one wish: a job's number, what was done, or a refusal with its hint."""
        asked = None
        try:
            # A job that is just coming in is waited for, so that it joins the next run.
            with self._arriving(line):
                asked = wishes.read_asked(line)
                if isinstance(asked.wish, JobWish):
                    return self._accept(asked, is_root=is_root)
            return self._answer(asked, is_root=is_root)
        except OriginPullsError as error:
            message, hint = error.message, error.hint
            if asked and asked.caller and asked.caller.is_account:
                message, hint = rights.as_told_to_accounts(message, hint)
            return {"refused": message, "hint": hint, "code": error.exit_code}

    def _accept(self, asked: Asked, *, is_root: bool) -> Mapping[str, object]:
        # One after the other, as SQLite would let them wait for each other longer; but judged
        # before, as cPanel may take its time to say what an account has.
        with self.door.admitted(asked, is_root=is_root) as admitted, self.accepting:
            if not isinstance(admitted.wish, JobWish):
                raise Refused("This is no change", hint="Is it the same version?")
            try:
                number = working.accept(admitted.server, admitted.wish, admitted.caller)
            finally:
                self.last_wish = time.monotonic()
            admitted.note(job=number)
            self.has_wish.set()
            return {"job": number}

    def _answer(self, asked: Asked, *, is_root: bool) -> Mapping[str, object]:
        if isinstance(asked.wish, Relax):
            caller = self.door.admitted_in_panic(asked, is_root=is_root)
            relaxed = self.answering.relax(caller)
            self.door.note(asked.wish, caller)
            return relaxed
        answer: Mapping[str, object]
        subject = ""
        with self.door.admitted(asked, is_root=is_root) as admitted:
            if isinstance(admitted.wish, TokenWish) and not isinstance(admitted.wish, CheckTokens):
                done = token_keeping.carry_out(admitted.server, admitted.wish, logger.info)
                answer, subject = {"done": done}, token_keeping.about_done(done)
            elif isinstance(admitted.wish, Cancel):
                answer = {"done": wishing.cancel(admitted.server, admitted.wish)}
                self.edge.hurry(GO_ON)
            else:
                answer = self.answering.answer(admitted)
            admitted.note(subject=subject)
            return answer

    @contextmanager
    def _kept_open(self) -> Iterator[None]:
        """Hold the store open, so that the log beside it stays while the agent runs.

        The pages' services need that to read it: they may not make one. A store that is damaged
        keeps nobody from relaxing everything.
        """
        try:
            store = Server.of(self.config, self.seen).store
        except Damaged as error:
            logger.error("%s. %s", error, error.hint)  # noqa: TRY400 - a sentence, not a trace
            yield
            return
        try:
            yield
        finally:
            store.close()

    @contextmanager
    def _arriving(self, line: bytes) -> Iterator[None]:
        self.arriving.append(line)
        try:
            yield
        finally:
            self.arriving.pop()

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
