"""The agent's socket: who may ask, one bounded line, one answer."""

from __future__ import annotations

import json
import logging
import os
import socket
import socketserver
import struct
from collections.abc import Callable, Mapping
from typing import cast

from origin_pulls.config import Config
from origin_pulls.server import files, users

logger = logging.getLogger(__name__)

# What gives the answer to a line; the second argument says whether root itself asks.
Take = Callable[[bytes, bool], Mapping[str, object]]
CREDENTIALS = struct.Struct("3i")  # struct ucred: pid, uid, gid (unix(7))
STRANGERS_BYTES = 4096
READ_LIMIT = 10.0  # seconds for a whole wish to arrive


class _Handler(socketserver.StreamRequestHandler):
    """One wish on one connection; nothing it sends can end the agent."""

    def handle(self) -> None:
        listener = cast(Listener, self.server)
        connection = self.connection
        peer = _peer(connection)
        is_allowed = peer in listener.allowed
        connection.settimeout(READ_LIMIT)
        # A stranger's line is read too, but little of it: the refusal reaches who has written.
        limit = listener.config.wish_bytes if is_allowed else STRANGERS_BYTES
        try:
            line = self.rfile.readline(limit + 1)
        except OSError:
            return
        if not line:
            return  # somebody only looked whether an agent is there
        if not is_allowed:
            answer: Mapping[str, object] = {"refused": "Only root may ask the agent", "code": 3}
        elif len(line) > limit:
            answer = {"refused": f"A wish has at most {limit} bytes", "code": 2}
        else:
            answer = listener.take(line, peer == os.geteuid())
        try:
            self.wfile.write(json.dumps(answer).encode() + b"\n")
        except OSError:
            logger.info("somebody asked and did not wait for the answer")


class Listener(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """The socket, open; ``take`` gives the answer to one line."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, config: Config, take: Take) -> None:
        self.config = config
        self.take = take
        pages = users.ids(config.passwd, config.web_user)
        self.allowed = {os.geteuid(), *(pages[:1] if pages else ())}
        path = config.agent_socket
        files.make_directory(path.parent.parent)
        files.make_directory(path.parent, mode=0o750)
        path.unlink(missing_ok=True)
        old = os.umask(0o117)
        try:
            super().__init__(str(path), _Handler)
        finally:
            os.umask(old)
        if pages and os.geteuid() == 0:
            # The pages' service may come in, nobody else; what it may ask is judged wish by wish.
            os.chown(path.parent, -1, pages[1])
            os.chown(path, -1, pages[1])


def _peer(connection: socket.socket) -> int:
    """The user id of the other end, as the kernel says it."""
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, CREDENTIALS.size)
    return int(CREDENTIALS.unpack(raw)[1])
