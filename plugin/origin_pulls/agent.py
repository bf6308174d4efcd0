"""The service: takes wishes from its socket, and carries out together what waits together."""

from __future__ import annotations

import json
import logging
import os
import pwd
import signal
import socket
import socketserver
import struct
import threading
import time
from collections.abc import Mapping
from typing import cast

from origin_pulls.config import Config
from origin_pulls.engine import working
from origin_pulls.engine.server import Seen, Server
from origin_pulls.errors import Busy, OriginPullsError, Refused
from origin_pulls.model import wish as wishes
from origin_pulls.server import files, lock
from origin_pulls.server.apache import Apache

logger = logging.getLogger(__name__)

WEB_USER = "origin-pulls"
CREDENTIALS = struct.Struct("3i")  # struct ucred: pid, uid, gid (unix(7))
READ_LIMIT = 10.0  # seconds for a whole wish to arrive
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
        """The answer to one wish: a job's number, or a refusal with its reason and hint."""
        self.arriving.append(line)
        try:
            wish = wishes.read(line)
            # One after the other: SQLite would let them wait for each other longer.
            with self.accepting:
                number = self._accept(wish)
        except OriginPullsError as error:
            return {"refused": error.message, "hint": error.hint, "code": error.exit_code}
        finally:
            self.arriving.pop()
        self.has_wish.set()
        return {"job": number}

    def _accept(self, wish: wishes.Wish) -> int:
        server = Server.of(self.config, self.seen)
        try:
            return working.accept(server, wish)
        finally:
            server.store.close()
            self.last_wish = time.monotonic()

    def _serve(self) -> None:
        signal.signal(signal.SIGTERM, lambda *_: self._stop())
        signal.signal(signal.SIGINT, lambda *_: self._stop())
        worker = threading.Thread(target=self._work, name="worker")
        listener = _Listener(self)
        listening = threading.Thread(target=listener.serve_forever, name="listener", daemon=True)
        worker.start()
        listening.start()
        logger.info("listening on %s", self.config.agent_socket)
        while worker.is_alive():
            # Not without a limit: a signal that comes just before a wait would be seen after it.
            worker.join(SIGNAL_LOOK)
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
        except (OriginPullsError, OSError) as error:
            hint = error.hint if isinstance(error, OriginPullsError) else ""
            logger.error("%s. %s", error, hint)  # noqa: TRY400 - a sentence, not a trace
            return False
        return True


class _Handler(socketserver.StreamRequestHandler):
    """One wish on one connection; nothing it sends can end the agent."""

    def handle(self) -> None:
        listener = cast(_Listener, self.server)
        connection = self.connection
        if _peer(connection) not in listener.allowed:
            answer: Mapping[str, object] = {"refused": "Only root may ask the agent", "code": 3}
        else:
            connection.settimeout(READ_LIMIT)
            limit = listener.agent.config.wish_bytes
            try:
                line = self.rfile.readline(limit + 1)
            except OSError:
                return
            if not line:
                return  # somebody only looked whether an agent is there
            if len(line) > limit:
                answer = {"refused": f"A wish has at most {limit} bytes", "code": 2}
            else:
                answer = listener.agent.take(line)
        try:
            self.wfile.write(json.dumps(answer).encode() + b"\n")
        except OSError:
            logger.info("somebody asked and did not wait for the answer")


class _Listener(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, agent: Agent) -> None:
        self.agent = agent
        self.allowed = {os.geteuid(), *_web_user()}
        path = agent.config.agent_socket
        files.make_directory(path.parent, mode=0o750)
        path.unlink(missing_ok=True)
        old = os.umask(0o117)
        try:
            super().__init__(str(path), _Handler)
        finally:
            os.umask(old)


def is_running(config: Config) -> bool:
    """Whether an agent answers on this server's socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(2)
        try:
            connection.connect(str(config.agent_socket))
        except OSError:
            return False
    return True


def ask(config: Config, wish: wishes.Wish) -> int:
    """Hand a wish to the running agent; the job's number.

    Raises what the agent refused, or ``ConnectionError`` when none answers.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(120)
        try:
            connection.connect(str(config.agent_socket))
            connection.sendall(wishes.write(wish))
            line = connection.makefile("rb").readline(config.wish_bytes)
        except OSError as error:
            raise ConnectionError("no agent answers") from error
    try:
        answer = json.loads(line)
    except ValueError as error:
        raise ConnectionError("the agent ended before it answered") from error
    if "job" in answer:
        return int(answer["job"])
    raise Refused(str(answer.get("refused", "")), hint=str(answer.get("hint", "")))


def _peer(connection: socket.socket) -> int:
    """The user id of the other end, as the kernel says it."""
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, CREDENTIALS.size)
    return int(CREDENTIALS.unpack(raw)[1])


def _web_user() -> list[int]:
    try:
        return [pwd.getpwnam(WEB_USER).pw_uid]
    except KeyError:
        return []
