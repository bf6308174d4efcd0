"""The two ports: TLS, HTTP, one thread for a connection."""

from __future__ import annotations

import ssl
import tempfile
from contextlib import ExitStack, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from socket import IPPROTO_TCP, TCP_NODELAY, socket
from typing import IO

from origin_pulls.sandbox.front import pages
from origin_pulls.sandbox.front.panel import Panel
from origin_pulls.sandbox.front.requests import Asked, Reply, reply, split
from origin_pulls.sandbox.front.running import NoAnswer

SILENCE = 60.0
LONGEST_BODY = 64 * 1024 * 1024
IN_MEMORY = 2 * 1024 * 1024


class Front(ThreadingHTTPServer):
    """One panel's port."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], panel: Panel, tls: ssl.SSLContext) -> None:
        self.panel = panel
        self.tls = tls
        super().__init__(address, Handler)

    def handle_error(self, _request: object, _client: object) -> None:
        """Browsers that go away in the middle are no news."""


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    server: Front
    protocol_version = "HTTP/1.1"
    server_version = "cpsrvd"
    sys_version = ""
    timeout = SILENCE

    def setup(self) -> None:
        """The handshake, in the connection's own thread: a slow one delays nobody."""
        plain: socket = self.request
        plain.settimeout(SILENCE)
        # Heads and bodies are written one after the other; neither waits for the other's receipt.
        plain.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
        self.request = self.server.tls.wrap_socket(plain, server_side=True)
        super().setup()

    def do_GET(self) -> None:
        """Answer a GET."""
        self._serve()

    do_POST = do_HEAD = do_PUT = do_DELETE = do_OPTIONS = do_GET  # noqa: N815

    def log_message(self, *_words: object) -> None:
        """A sandbox keeps no access log of its panels."""

    def _serve(self) -> None:
        with ExitStack() as ending:
            body = ending.enter_context(tempfile.SpooledTemporaryFile(IN_MEMORY))
            length = self._read_body(body)
            if length is None:
                self.close_connection = True
                self._send(reply(413, pages.refusal(413, "The request has no usable length.")))
                return
            self._send(self._answer(body, length, ending))

    def _answer(self, body: IO[bytes], length: int, ending: ExitStack) -> Reply:
        found = split(self.path)
        if found is None:
            return reply(404, pages.refusal(404, "There is no such page."))
        asked = Asked(
            self.command,
            *found,
            self.headers,
            body,
            length,
            self.client_address[0],
            self.server.server_port,
        )
        return self.server.panel.answer(asked, ending)

    def _read_body(self, body: IO[bytes]) -> int | None:
        """Take the body whole, so that a script never waits for a slow browser."""
        said = self.headers.get("Content-Length", "0")
        if self.headers.get("Transfer-Encoding") or not said.isdigit():
            return None
        left = int(said)
        if left > LONGEST_BODY:
            return None
        while left:
            part = self.rfile.read(min(left, 65536))
            if not part:
                return None
            body.write(part)
            left -= len(part)
        body.seek(0)
        return int(said)

    def _send(self, answer: Reply) -> None:
        names = {name.lower() for name, _ in answer.headers}
        is_chunked = "content-length" not in names and self.command != "HEAD"
        self.send_response(answer.status)
        for name, value in answer.headers:
            self.send_header(name, value)
        if is_chunked:
            self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        if self.command == "HEAD":
            return
        try:
            for part in filter(None, answer.body):
                self.wfile.write(b"%x\r\n%b\r\n" % (len(part), part) if is_chunked else part)
            if is_chunked:
                self.wfile.write(b"0\r\n\r\n")
        except NoAnswer:
            # Too late for another status: the browser sees a page that breaks off.
            self.close_connection = True
        with suppress(OSError):
            self.wfile.flush()
