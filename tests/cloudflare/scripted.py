"""A small HTTP server that answers by a script: the faults of a network, one at a time."""

from __future__ import annotations

import json
import socket
import threading
from collections import defaultdict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import cast
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Reply:
    """One scripted answer. ``is_cut``: the connection breaks instead; ``is_silent``: none comes."""

    status: int = 200
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    is_cut: bool = False
    is_silent: bool = False


@dataclass(frozen=True)
class Call:
    """One request that came."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> object:
        """What was sent."""
        return json.loads(self.body)


CUT = Reply(is_cut=True)
SILENT = Reply(is_silent=True)
HTML = Reply(502, b"<html>Bad gateway</html>")


def good(result: object, **info: object) -> Reply:
    """A good answer with this result."""
    body: dict[str, object] = {"success": True, "errors": [], "messages": [], "result": result}
    if info:
        body["result_info"] = info
    return Reply(body=json.dumps(body).encode())


def bad(status: int, code: int, message: str, **headers: str) -> Reply:
    """An error as Cloudflare words it."""
    body = {"success": False, "errors": [{"code": code, "message": message}], "messages": []}
    named = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    return Reply(status, json.dumps(body).encode(), named)


@dataclass
class Api:
    """The server: what it will answer to whom, and what came."""

    url: str = ""
    calls: list[Call] = field(default_factory=list)
    script: dict[tuple[str, str], deque[Reply]] = field(default_factory=lambda: defaultdict(deque))
    released: threading.Event = field(default_factory=threading.Event)

    def on(self, method: str, path: str, *replies: Reply) -> None:
        """Answer so, one after the other; the last one again and again.

        A path with its query is answered before the same path without.
        """
        self.script[method, path].extend(replies)

    def made(self, method: str = "") -> list[str]:
        """What was asked, in order, as ``GET /zones``."""
        return [f"{one.method} {one.path}" for one in self.calls if method in ("", one.method)]

    def answer(self, call: Call) -> Reply:
        """The next answer of the script."""
        self.calls.append(call)
        exact = self.script.get((call.method, f"{call.path}?{call.query}"))
        replies = exact or self.script.get((call.method, call.path))
        if not replies:
            return bad(404, 0, f"the script has nothing for {call.method} {call.path}")
        return replies.popleft() if len(replies) > 1 else replies[0]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # headers and body are two writes

    def _do(self) -> None:
        api = cast(_Server, self.server).api
        parts = urlsplit(self.path)
        length = int(self.headers.get("Content-Length", "0"))
        headers = {name.lower(): value for name, value in self.headers.items()}
        call = Call(str(self.command), parts.path, parts.query, headers, self.rfile.read(length))
        reply = api.answer(call)
        if reply.is_silent:
            api.released.wait(120)
        if reply.is_cut or reply.is_silent:
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self.send_response(reply.status)
        for name, value in reply.headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        self.wfile.write(reply.body)

    do_GET = do_PUT = do_POST = do_DELETE = do_PATCH = _do  # noqa: N815 - http.server's names

    def log_message(self, *args: object) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, api: Api) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.api = api

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is what some tests are about."""


@contextmanager
def serving() -> Iterator[Api]:
    """The server, on a free port of loopback, while the block runs."""
    api = Api()
    server = _Server(api)
    api.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield api
    finally:
        api.released.set()
        server.shutdown()
        thread.join()
        server.server_close()
