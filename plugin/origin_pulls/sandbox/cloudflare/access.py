"""Where a sandbox's Cloudflare is: its files, its addresses and its ports."""

from __future__ import annotations

import socket
from dataclasses import dataclass
from pathlib import Path

from origin_pulls.sandbox.layout import ADDRESS, Layout

# Loopback addresses of their own, so that an origin can tell the edge from other visitors.
EDGE_ADDRESSES = ("127.0.64.1", "127.0.64.2")
ELSEWHERE = "127.0.64.9"  # another server, on which names of a zone may live
BASE = "/client/v4"


@dataclass(frozen=True, slots=True)
class Access:
    """The ports of a sandbox's Cloudflare, and its place below the sandbox's directory."""

    layout: Layout
    api_port: int = 0
    edge_port: int = 0
    edge_http_port: int = 0
    https_port: int = 0
    http_port: int = 0

    @property
    def directory(self) -> Path:
        """Everything that Cloudflare keeps."""
        return self.layout.directory / "cloudflare"

    @property
    def edge(self) -> Path:
        """nginx's own folder; whoever works in it is a process of this sandbox's edge."""
        return self.directory / "edge"

    @property
    def state(self) -> Path:
        """What the API knows."""
        return self.directory / "state.json"

    @property
    def seed(self) -> Path:
        """What the API knew at first."""
        return self.directory / "seed.json"

    @property
    def shared_ca(self) -> Path:
        """The stand-in for Cloudflare's shared CA."""
        return self.directory / "shared-ca.pem"

    @property
    def log(self) -> Path:
        """What the API's process says when it fails."""
        return self.directory / "service.log"

    @property
    def pid_file(self) -> Path:
        """The number of the API's process."""
        return self.directory / "service.pid"

    @property
    def origin(self) -> str:
        """The address of the server of DNS, API and switches."""
        return f"http://{ADDRESS}:{self.api_port}"

    @property
    def url(self) -> str:
        """The base of the API."""
        return f"{self.origin}{BASE}"

    @property
    def dns(self) -> str:
        """Where DNS over HTTPS is asked (over HTTP here)."""
        return f"{self.origin}/dns-query"


def are_free(*ports: int) -> bool:
    """Whether Cloudflare's addresses have these ports to give."""
    pairs = [(address, port) for address in (ADDRESS, *EDGE_ADDRESSES, ELSEWHERE) for port in ports]
    return all(_is_free(*pair) for pair in pairs)


def _is_free(address: str, port: int) -> bool:
    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((address, port))
        except OSError:
            return False
    return True
