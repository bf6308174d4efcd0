"""Asks a vhost as a visitor would: one real connection, handshake and request each time."""

from __future__ import annotations

import contextlib
import http.client
import io
import ipaddress
import re
import secrets
import socket
import ssl
import time
from collections.abc import Mapping
from email.message import Message
from pathlib import Path

from origin_pulls.model.include import NONCE
from origin_pulls.model.proof import Ask, Seen, Shown

LONGEST_HEAD = 65536
STATUS_LINE = re.compile(rb"HTTP/\d\.\d (\d{3})[^\r\n]*\r?\n")
# Alerts by which Apache refuses a client's certificate, or the lack of one (RFC 8446, 6.2).
REFUSED_BY = (
    "HANDSHAKE_FAILURE",
    "CERTIFICATE_REQUIRED",
    "UNKNOWN_CA",
    "BAD_CERTIFICATE",
    "CERTIFICATE_EXPIRED",
    "CERTIFICATE_UNKNOWN",
    "UNSUPPORTED_CERTIFICATE",
    "ACCESS_DENIED",
)

Certificates = Mapping[Shown, tuple[Path, Path]]


def ask(request: Ask, certificates: Certificates, *, timeout: float) -> Seen:
    """What a HEAD request comes to; it never raises for what a server may do.

    ``certificates`` gives certificate and key file for each kind that a request may show. The
    whole of it takes ``timeout`` seconds at most: a site may answer a byte at a time for ever.
    """
    end = time.monotonic() + timeout
    try:
        address, port = split_address(request.address)
        with socket.create_connection((address, port), timeout=timeout) as plain:
            if not request.is_tls:
                return _request(plain, request, end)
            context = _context(certificates.get(request.shown))
            return _secure(plain, context, request, end)
    except (OSError, ValueError) as error:
        return Seen(error=_reason(error))


def source_towards(address: str) -> str:
    """The address of this machine from which it reaches ``address``; nothing is sent."""
    host, port = split_address(address)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as towards:
        try:
            towards.connect((host, port))
        except OSError:
            return host
        return str(towards.getsockname()[0])


def has_route(address: str) -> bool:
    """Whether this machine has any way to ``address``; nothing is sent.

    Without IPv6 it has none to half of the addresses that DNS names.
    """
    host, port = split_address(address)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as towards:
            towards.connect((host, port))
    except OSError:
        return False
    return True


def split_address(address: str) -> tuple[str, int]:
    """Host and port of ``192.0.2.1:443``, ``[2001:db8::1]:443`` or ``*:443`` (this machine)."""
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    if host in ("", "*", "_default_"):
        host = "127.0.0.1"
    return str(ipaddress.ip_address(host)), int(port)


def _secure(plain: socket.socket, context: ssl.SSLContext, request: Ask, end: float) -> Seen:
    try:
        with context.wrap_socket(plain, server_hostname=request.host) as secured:
            return _request(secured, request, end)
    except ssl.SSLError as error:
        # An SSLError is an OSError too: a refusal must not be taken for a broken line.
        is_refused = any(word in str(error.reason or "").upper() for word in REFUSED_BY)
        return Seen(is_refused=is_refused, error="" if is_refused else _reason(error))


def _request(stream: socket.socket, request: Ask, end: float) -> Seen:
    query, proof = "", tuple[str, ...]()
    if request.nonce:
        nonce = f"{request.nonce}-{secrets.token_hex(8)}"
        query, proof = f"?{NONCE}={nonce}", (f"{NONCE}: {nonce}",)
    lines = (
        f"HEAD {request.path}{query} HTTP/1.1",
        f"Host: {request.host}",
        "User-Agent: origin-pulls-proof",
        *proof,
        "Accept: */*",
        "Connection: close",
        "",
        "",
    )
    # With TLS 1.3 a refusal arrives after the handshake: it is read even if sending broke off.
    with contextlib.suppress(ConnectionError):
        stream.sendall("\r\n".join(lines).encode("ascii"))
    while True:
        status, headers = _read_head(stream, end)
        if not 100 <= status < 200:
            return Seen(status=status, location=headers.get("Location") or "")


def _read_head(stream: socket.socket, end: float) -> tuple[int, Message]:
    """Status and headers of one answer. ``OSError`` when it does not come, or is none."""
    head = b""
    while b"\r\n\r\n" not in head and b"\n\n" not in head:
        left = end - time.monotonic()
        if left <= 0 or len(head) > LONGEST_HEAD:
            raise TimeoutError
        stream.settimeout(left)
        # A byte at a time at the end of a head would be as good; nothing behind it is needed.
        piece = stream.recv(4096 if not head else 512)
        if not piece:
            break
        head += piece
    found = STATUS_LINE.match(head)
    if not found:
        raise OSError("no HTTP answer")
    text = head[found.end() :].partition(b"\r\n\r\n")[0]
    return int(found[1]), http.client.parse_headers(io.BytesIO(text + b"\r\n\r\n"))


def _context(certificate: tuple[Path, Path] | None) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # The machine asks itself by address; whose server certificate it has is another question.
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["http/1.1"])
    if certificate is not None:
        context.load_cert_chain(*map(str, certificate))
    return context


def _reason(error: OSError | ValueError) -> str:
    if isinstance(error, TimeoutError):
        return "no answer in time"
    return str((error.strerror if isinstance(error, OSError) else "") or error)
