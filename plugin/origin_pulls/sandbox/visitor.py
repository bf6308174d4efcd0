"""A visitor of the sandbox's sites: one request, over TLS or plain, with what it is to pretend."""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509

from origin_pulls.sandbox.sandbox import Sandbox

TIMEOUT = 20.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pretence:
    """How a visitor differs from a plain one: other Host or SNI, certificate, address, TLS.

    ``host`` is the Host header as it is sent; ``server_name`` the SNI, empty for none. A
    ``certificate`` is a PEM file with leaf and key, or leaf and ``key`` apart.
    """

    host: str | None = None
    server_name: str | None = None
    certificate: Path | None = None
    key: Path | None = None
    address: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    method: str = "GET"
    version: ssl.TLSVersion | None = None


PLAIN = Pretence()


def ask(sandbox: Sandbox, name: str, path: str = "/", as_: Pretence = PLAIN) -> Answer:
    """Ask ``https://name/path`` of the sandbox; ``OSError`` where the handshake is refused."""
    with _secured(sandbox, name, as_) as connected:
        return _asked(connected, f"{name}:{sandbox.https_port}", path, as_)


def ask_plain(sandbox: Sandbox, name: str, path: str = "/", as_: Pretence = PLAIN) -> Answer:
    """Ask ``http://name/path`` of the sandbox."""
    address = as_.address or sandbox.address
    with socket.create_connection((address, sandbox.http_port), TIMEOUT) as connected:
        return _asked(connected, f"{name}:{sandbox.http_port}", path, as_)


def certificate_names(sandbox: Sandbox, name: str, as_: Pretence = PLAIN) -> list[str]:
    """The host names of the certificate that answers ``name``."""
    with _secured(sandbox, name, as_) as connected:
        shown = connected.getpeercert(binary_form=True) or b""
    leaf = x509.load_der_x509_certificate(shown)
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return names.get_values_for_type(x509.DNSName)


def _secured(sandbox: Sandbox, name: str, as_: Pretence) -> ssl.SSLSocket:
    context = ssl.create_default_context(cafile=sandbox.server_ca)
    # Whoever pretends another SNI gets another site's certificate: that is not its question.
    context.check_hostname = as_.server_name is None
    if as_.certificate:
        context.load_cert_chain(as_.certificate, as_.key)
    if as_.version:
        context.minimum_version = context.maximum_version = as_.version
    server_name = name if as_.server_name is None else as_.server_name
    address = as_.address or sandbox.address
    connected = socket.create_connection((address, sandbox.https_port), TIMEOUT)
    try:
        return context.wrap_socket(connected, server_hostname=server_name or None)
    except OSError:
        connected.close()
        raise


def _asked(connected: socket.socket, host: str, path: str, as_: Pretence) -> Answer:
    connection = http.client.HTTPConnection("")
    connection.sock = connected
    connection.putrequest(as_.method, path, skip_host=True, skip_accept_encoding=True)
    for name, value in {"Host": as_.host or host, "Connection": "close", **as_.headers}.items():
        connection.putheader(name, value)
    connection.endheaders()
    with connection.getresponse() as response:
        body = response.read().decode("utf-8", "replace")
        return Answer(response.status, dict(response.getheaders()), body)
