"""The HTTP server of the sandbox's Cloudflare: API, DNS and switches on one loopback port."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from origin_pulls.sandbox.cloudflare import api, dns, failure, permissions
from origin_pulls.sandbox.cloudflare.access import BASE
from origin_pulls.sandbox.cloudflare.control import Control
from origin_pulls.sandbox.cloudflare.keeper import Keeper
from origin_pulls.sandbox.cloudflare.refusals import Answer, ApiRefusal
from origin_pulls.sandbox.cloudflare.state import Fault
from origin_pulls.sandbox.layout import ADDRESS

LARGEST = 1024 * 1024
SILENCE = 60.0
LOGGED = 20_000
RATE = {"Ratelimit": '"default";r=1150;t=290', "Ratelimit-Policy": '"default";q=1200;w=300'}
# Changes of client certificates, which Cloudflare carries out one at a time in a zone.
SERIAL = re.compile(r"/zones/([0-9a-f]{32})/origin_tls_client_auth(?!/settings)(/.*)?")


class Server(ThreadingHTTPServer):
    """Listens, and hands each request to what answers it."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, keeper: Keeper, port: int) -> None:
        super().__init__((ADDRESS, port), Handler)
        self.keeper = keeper
        self.calls: list[dict[str, Any]] = []
        self.control = Control(keeper, self.calls, self._end_delays)
        self._running: set[str] = set()
        self._pause = threading.Event()

    def answered(self, request: Request) -> Answer | None:
        """The answer to a request; ``None`` where the connection is to end without one."""
        if request.path == "/dns-query":
            with self.keeper.changed:
                return dns.answer(self.keeper.world, request.query)
        if request.path == "/sandbox/failure":
            late = self.keeper.world.switches.refused_late
            status = failure.status(self.keeper.access, request.headers, late)
            return Answer(status, {}, {"Content-Type": "text/plain"}, f"error code: {status}\n")
        try:
            if request.path.startswith("/sandbox/"):
                rest = request.path.removeprefix("/sandbox/")
                return self.control.answer(
                    request.method, rest, request.query, _parsed(request.body)
                )
            return self._api(request)
        except ApiRefusal as refusal:
            return refusal.answer

    def _end_delays(self) -> None:
        self._pause.set()
        self._pause = threading.Event()

    def _api(self, request: Request) -> Answer | None:
        path = request.path.removeprefix(BASE)
        with ExitStack() as stack:
            # At once: who sees a call in the log sees it at work, too.
            with self.keeper.changed:
                pause, noted = self._pause, self._note(request)
                fault = self._fault(request.method, path)
                if fault and fault.cut == "before":
                    return None
                try:
                    stack.enter_context(self._alone(request.method, path))
                except ApiRefusal as refusal:
                    noted["status"] = refusal.status
                    return refusal.answer
            if fault and fault.delay:
                pause.wait(fault.delay)
            answer = _faulty(fault) or self._done(request, path, noted)
        noted["status"] = answer.status
        return None if fault and fault.cut == "after" else answer

    def _done(self, request: Request, path: str, noted: dict[str, Any]) -> Answer:
        try:
            return self._answered(request, path, noted)
        except ApiRefusal as refusal:
            return refusal.answer

    def _answered(self, request: Request, path: str, noted: dict[str, Any]) -> Answer:
        keeper = self.keeper
        if request.path == path:
            raise ApiRefusal(404, 7003, f"Could not route to {path}")
        with keeper.changed:
            keeper.world.tick()
            if (request.method, path) == ("GET", "/ips"):
                return dns.networks(keeper.world)
            token = permissions.identified(keeper.world, request.headers, request.address)
            noted["token"] = token.id
            body = _parsed(request.body)
            given = api.answer(keeper.world, token, request.method, path, request.query, body)
            if request.method != "GET":
                keeper.keep()
            return given

    def _note(self, request: Request) -> dict[str, Any]:
        """Put a call into the log; what it brought along stays out of it."""
        noted = {"method": request.method, "path": request.path, "token": None, "status": None}
        with self.keeper.changed:
            del self.calls[: max(0, len(self.calls) - LOGGED)]
            self.calls.append(noted)
        return noted

    def _fault(self, method: str, path: str) -> Fault | None:
        with self.keeper.changed:
            faults = self.keeper.world.faults
            for fault in faults:
                if fault.method in ("", method) and re.search(fault.path, path):
                    fault.times -= 1
                    if fault.times <= 0:
                        faults.remove(fault)
                    return fault
        return None

    @contextmanager
    def _alone(self, method: str, path: str) -> Iterator[None]:
        """One change of client certificates in a zone at a time: the second is refused (409)."""
        found = SERIAL.fullmatch(path)
        if found is None or method == "GET":
            yield
            return
        zone_id = found[1]
        with self.keeper.changed:
            zone = next((one for one in self.keeper.world.zones if one.id == zone_id), None)
            if zone_id in self._running or (zone and self.keeper.world.now() < zone.busy_until):
                text = "Another change of this zone's client certificates is in progress"
                raise ApiRefusal(409, 1493, text)
            self._running.add(zone_id)
        try:
            yield
        finally:
            with self.keeper.changed:
                self._running.discard(zone_id)
                if zone:
                    zone.busy_until = self.keeper.world.now() + self.keeper.world.switches.busy


class Request:
    """One request as it came."""

    def __init__(self, handler: Handler, body: bytes) -> None:
        target = urlsplit(handler.path)
        self.method = handler.command
        self.path = unquote(target.path)
        self.query: Mapping[str, str] = dict(parse_qsl(target.query, keep_blank_values=True))
        self.headers: Mapping[str, str] = {
            name.title(): value for name, value in handler.headers.items()
        }
        self.address = str(handler.client_address[0])
        self.body = body


class Handler(BaseHTTPRequestHandler):
    """Reads requests and writes answers."""

    protocol_version = "HTTP/1.1"
    timeout = SILENCE
    server: Server

    def serve(self) -> None:
        """Answer one request."""
        length = int(self.headers.get("Content-Length") or 0)
        if not 0 <= length <= LARGEST:
            self.send_error(413)
            return
        answer = self.server.answered(Request(self, self.rfile.read(length)))
        if answer is None:
            self.close_connection = True
            return
        text = answer.text or json.dumps(answer.body)
        headers = {"Content-Type": "application/json", **RATE, **answer.headers}
        self.send_response_only(answer.status)
        for name, value in headers.items():
            self.send_header(name, value)
        content = text.encode()
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = serve  # noqa: N815 - http.server's names

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
        """Say nothing: the calls are kept, and asked for."""


def _parsed(body: bytes) -> dict[str, Any]:
    if not body:
        return {}
    try:
        given = json.loads(body)
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise ApiRefusal(400, 6007, "Malformed JSON in request body")
    return given


def _faulty(fault: Fault | None) -> Answer | None:
    """The answer that a fault has in the place of the real one, if it has one."""
    if fault is None or not fault.status:
        return None
    if fault.body:
        return Answer(fault.status, {}, {"Content-Type": "text/html", **fault.headers}, fault.body)
    refusal = ApiRefusal(fault.status, fault.code, fault.message)
    refusal.headers |= fault.headers
    return refusal.answer
