"""What a run works with, in one frozen value: configuration, Apache, store, edge, clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from origin_pulls.cloudflare.edge import Edge, MemoryEdge
from origin_pulls.config import Config
from origin_pulls.server import certificates
from origin_pulls.server.apache import Apache
from origin_pulls.store import Store, open_store


def utc_now() -> datetime:
    """The time, for those who are given a clock."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Server:
    """One server and the means to work on it."""

    config: Config
    apache: Apache
    store: Store
    edge: Edge
    clock: Callable[[], datetime] = utc_now

    @classmethod
    def of(cls, config: Config) -> Server:
        """The server of a configuration, its store opened for writing."""
        apache = Apache(config)
        return cls(config, apache, open_store(config.store), MemoryEdge())

    def stamp(self) -> str:
        """The time as it is stored."""
        return self.clock().isoformat(timespec="milliseconds")

    def probe(self) -> certificates.Probe:
        """This server's probe."""
        return certificates.probe(
            self.config.probe_directory, now=self.clock(), years=self.config.certificate_years
        )
