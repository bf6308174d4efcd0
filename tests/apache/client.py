"""A visitor who speaks HTTP/1.1 and HTTP/2 over TLS byte by byte, and says whatever is asked."""

from __future__ import annotations

import contextlib
import http.client
import io
import socket
import ssl
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

import h2.config
import h2.connection
import h2.events
import h2.settings

Shown = tuple[Path, Path]  # a certificate and its key

TLS_1_2 = ssl.TLSVersion.TLSv1_2
TLS_1_3 = ssl.TLSVersion.TLSv1_3
PATIENCE = 10.0
# By these Apache refuses a certificate, or the lack of one (RFC 8446, 6.2).
REFUSALS = (
    "HANDSHAKE_FAILURE",
    "CERTIFICATE_REQUIRED",
    "UNKNOWN_CA",
    "BAD_CERTIFICATE",
    "CERTIFICATE_EXPIRED",
    "CERTIFICATE_UNKNOWN",
    "UNSUPPORTED_CERTIFICATE",
    "DECRYPT_ERROR",  # a signature that does not hold
)
RESET = "RESET"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came: an HTTP answer, or the word by which the handshake was refused.

    ``text`` is everything that came, pushed streams and heads included: where a page must not
    be given away, it is this that must not hold it.
    """

    status: int | None = None
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    text: bytes = b""
    refusal: str = ""

    @property
    def is_refused(self) -> bool:
        """Whether the handshake was refused, so that no request was even read."""
        return self.status is None and bool(self.refusal)

    def header(self, name: str) -> str:
        """A header's value, empty when it did not come."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), "")


class _Received:
    """Bytes that came, as the socket that ``http.client`` wants to read from."""

    def __init__(self, text: bytes) -> None:
        self.text = text

    def makefile(self, *_: object) -> io.BytesIO:
        return io.BytesIO(self.text)


@dataclass(frozen=True, slots=True, kw_only=True)
class Visitor:
    """Somebody who connects to ``address`` for ``name`` (its SNI), with or without certificate.

    ``source`` is the address to come from; ``session`` one to resume; ``will_show_later`` offers
    TLS 1.3's authentication after the handshake.
    """

    port: int
    name: str | None
    address: str = "127.0.0.1"
    shown: Shown | None = None
    tls: ssl.TLSVersion = TLS_1_3
    source: str = ""
    session: ssl.SSLSession | None = None
    context: ssl.SSLContext | None = None
    will_show_later: bool = False

    def but(self, **other: object) -> Self:
        """The same visitor, changed in some respects."""
        return replace(self, **other)  # type: ignore[arg-type]

    def tls_context(self, *protocols: str) -> ssl.SSLContext:
        """What a TLS library needs to know of this visitor."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.minimum_version = context.maximum_version = self.tls
        context.post_handshake_auth = self.will_show_later
        if protocols:
            context.set_alpn_protocols(list(protocols))
        if self.shown:
            context.load_cert_chain(*map(str, self.shown))
        return context

    @contextlib.contextmanager
    def connected(self, *protocols: str) -> Iterator[ssl.SSLSocket]:
        """An open connection; ``ssl.SSLError`` where the handshake is refused at once."""
        source = (self.source, 0) if self.source else None
        context = self.context or self.tls_context(*protocols)
        to = (self.address, self.port)
        with (
            socket.create_connection(to, timeout=PATIENCE, source_address=source) as plain,
            context.wrap_socket(plain, server_hostname=self.name, session=self.session) as line,
        ):
            yield line

    def get(self, path: str = "/", **headers: str) -> Answer:
        """A GET over HTTP/1.1 for the name in the handshake; headers with ``_`` for ``-``."""
        return self.send(request("GET", path, self.name or "", **headers))

    def send(self, text: bytes) -> Answer:
        """Whatever request ``text`` is, sent as it stands, and all that comes until the end."""
        try:
            with self.connected() as line:
                return exchange(line, text)
        except ConnectionResetError:
            return Answer(refusal=RESET)
        except ssl.SSLError as error:
            return _refused(error)

    def get2(self, path: str = "/", *, authority: str = "", **headers: str) -> Answer:
        """A GET over HTTP/2."""
        return self.send2({":path": path, ":authority": authority or self.name or ""}, **headers)

    def send2(self, pseudo: Mapping[str, str], **headers: str) -> Answer:
        """An HTTP/2 request; a pseudo header given as an empty text is left out."""
        whole = {":method": "GET", ":scheme": "https", **pseudo}
        fields = [(name, value) for name, value in whole.items() if value]
        fields += [(_dashed(name), value) for name, value in headers.items()]
        try:
            with self.connected("h2") as line:
                return exchange2(line, fields)
        except ConnectionResetError:
            return Answer(refusal=RESET)
        except ssl.SSLError as error:
            return _refused(error)


@dataclass(frozen=True, slots=True, kw_only=True)
class PlainVisitor:
    """Somebody who comes to port 80."""

    port: int
    name: str
    address: str = "127.0.0.1"
    source: str = ""

    def get(self, path: str = "/", **headers: str) -> Answer:
        """A GET without TLS."""
        source = (self.source, 0) if self.source else None
        to = (self.address, self.port)
        with socket.create_connection(to, timeout=PATIENCE, source_address=source) as line:
            return exchange(line, request("GET", path, self.name, **headers))


def request(method: str, path: str, host: str, **headers: str) -> bytes:
    """An HTTP/1.1 request that asks for the connection to be closed; no Host where it is empty."""
    fields = {"Host": host} if host else {}
    fields |= {_dashed(name): value for name, value in headers.items()}
    fields.setdefault("Connection", "close")
    return raw(f"{method} {path} HTTP/1.1", *(f"{key}: {value}" for key, value in fields.items()))


def raw(*lines: str) -> bytes:
    """A request of these lines."""
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def exchange(line: socket.socket, text: bytes) -> Answer:
    """Send on an open connection and read to its end."""
    # With TLS 1.3 a refusal comes after the handshake: read it even when sending broke off.
    with contextlib.suppress(ConnectionError):
        line.sendall(text)
    return _parsed(b"".join(iter(lambda: _received(line), b"")), text)


def answer_of(line: socket.socket, text: bytes) -> Answer:
    """Send on an open connection and read one answer, so that the connection may go on."""
    line.sendall(text)
    response = http.client.HTTPResponse(line, method=text.split()[0].decode("latin-1"))
    response.begin()
    body = response.read()
    return Answer(response.status, tuple(response.getheaders()), body, body)


def exchange2(line: ssl.SSLSocket, fields: Sequence[tuple[str, str]]) -> Answer:
    """One HTTP/2 request on a fresh connection, and all that comes for it."""
    assert line.selected_alpn_protocol() == "h2"
    config = h2.config.H2Configuration(validate_outbound_headers=False, header_encoding="latin-1")
    connection = h2.connection.H2Connection(config)
    connection.initiate_connection()
    connection.send_headers(1, fields, end_stream=True)
    with contextlib.suppress(ConnectionError):
        line.sendall(connection.data_to_send())
    stream = _Stream()
    while not stream.is_over and (received := _received(line)):
        for event in connection.receive_data(received):
            stream.take(event)
        line.sendall(connection.data_to_send())
    return stream.answer()


class _Stream:
    """What has come on an HTTP/2 connection: the answer on stream 1, and what was pushed."""

    def __init__(self) -> None:
        self.headers: tuple[tuple[str, str], ...] = ()
        self.body = b""
        self.pushed: list[bytes] = []
        self.waiting = {1}
        self.is_over = False
        self.refusal = ""

    def take(self, event: h2.events.Event) -> None:
        """Note one event."""
        match event:
            case h2.events.ResponseReceived(stream_id=1):
                self.headers = tuple((str(key), str(value)) for key, value in event.headers or ())
            case h2.events.DataReceived(stream_id=1):
                self.body += event.data or b""
            case h2.events.DataReceived():
                self.pushed.append(event.data or b"")
            case h2.events.PushedStreamReceived():
                self.waiting.add(event.pushed_stream_id or 0)
            case h2.events.StreamEnded():
                self.waiting.discard(event.stream_id or 0)
            case h2.events.StreamReset():
                self.refusal = f"H2 {event.error_code!s}"
                self.waiting.discard(event.stream_id or 0)
            case h2.events.ConnectionTerminated():
                self.refusal = f"H2 {event.error_code!s}"
                self.is_over = True
        self.is_over = self.is_over or not self.waiting

    def answer(self) -> Answer:
        """The whole of it."""
        status = dict(self.headers).get(":status")
        head = "".join(f"{key}: {value}\n" for key, value in self.headers).encode("latin-1")
        return Answer(
            status=int(status) if status else None,
            headers=tuple(pair for pair in self.headers if pair[0] != ":status"),
            body=self.body,
            text=head + self.body + b"".join(self.pushed),
            refusal=self.refusal,
        )


def _parsed(text: bytes, asked: bytes) -> Answer:
    if not text.startswith(b"HTTP/"):
        return Answer(text=text)  # nothing at all, or HTTP/0.9
    method = asked.split()[0].decode("latin-1") if asked.split() else "GET"
    response = http.client.HTTPResponse(_Received(text), method=method)  # type: ignore[arg-type]
    response.begin()
    body = response.read()
    return Answer(response.status, tuple(response.getheaders()), body, text)


def _received(line: socket.socket) -> bytes:
    try:
        return line.recv(65536)
    except (ssl.SSLEOFError, ssl.SSLZeroReturnError):
        return b""


def _refused(error: ssl.SSLError) -> Answer:
    reason = str(error.reason or "").upper()
    word = next((word for word in REFUSALS if word in reason), "")
    if not word:
        raise error
    return Answer(refusal=word)


def _dashed(name: str) -> str:
    return name.replace("_", "-")
