"""What a run works with, in one frozen value: configuration, Apache, store, edge, clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from origin_pulls.cloudflare.edge import Edge
from origin_pulls.config import Config
from origin_pulls.engine.edge.knowing import KnownEdge
from origin_pulls.engine.edge.reach import NoReach, Reach
from origin_pulls.engine.edge.token_reach import TokenReach
from origin_pulls.model.certificates import Anchor
from origin_pulls.model.inventory import Inventory
from origin_pulls.server import certificates, files, users
from origin_pulls.server.apache import Apache
from origin_pulls.store import Store, memory_store, open_store, read_store


def utc_now() -> datetime:
    """The time, for those who are given a clock."""
    return datetime.now(UTC)


def web_group(config: Config) -> int | None:
    """The group of the web services' user, ``None`` where they are not installed."""
    found = users.ids(config.passwd, config.web_user)
    return found[1] if found else None


def reach_of(config: Config) -> Reach:
    """The way to Cloudflare of the server of a configuration."""
    return TokenReach(config)


class Seen:
    """The inventory that was seen last; threads may share one."""

    def __init__(self) -> None:
        self._last: tuple[str, Inventory] | None = None

    def under(self, signature: str) -> Inventory | None:
        """The inventory, if its sources had this signature."""
        last = self._last
        return last[1] if last and last[0] == signature else None

    def remember(self, signature: str, inventory: Inventory) -> None:
        """Keep this one in place of the one before."""
        self._last = (signature, inventory)


@dataclass(frozen=True, slots=True)
class Server:
    """One server and the means to work on it; a dry one is only looked at."""

    config: Config
    apache: Apache
    store: Store
    edge: Edge
    is_dry: bool = False
    clock: Callable[[], datetime] = utc_now
    seen: Seen = field(default_factory=Seen)
    reach: Reach = field(default_factory=NoReach)

    @classmethod
    def of(cls, config: Config, seen: Seen | None = None) -> Server:
        """The server of a configuration, its store opened for writing.

        Who opens it often shares what was ``seen``.
        """
        apache = Apache(config)
        # Made here, so that no folder gets its mode from what happens to be kept in it first.
        files.make_directory(config.settings_file.parent)
        files.make_directory(config.keys_directory, mode=0o700)
        files.make_directory(config.state_directory)
        files.make_directory(config.journal, mode=0o700)
        store = open_store(config.store, group=web_group(config))
        edge = KnownEdge(config, store)
        return cls(config, apache, store, edge, seen=seen or Seen(), reach=reach_of(config))

    @classmethod
    def dry(cls, config: Config, seen: Seen | None = None) -> Server:
        """The server of a configuration, to be looked at: nothing on it is written."""
        return cls._dry(config, read_store(config.store) or memory_store(), seen)

    @classmethod
    def without_store(cls, config: Config) -> Server:
        """The same where its store cannot be read: as if it had an empty one."""
        return cls._dry(config, memory_store(), None)

    @classmethod
    def _dry(cls, config: Config, store: Store, seen: Seen | None) -> Server:
        apache, edge = Apache(config), KnownEdge(config, store)
        reach = reach_of(config)
        return cls(config, apache, store, edge, is_dry=True, seen=seen or Seen(), reach=reach)

    def stamp(self) -> str:
        """The time as it is stored."""
        return self.clock().isoformat(timespec="milliseconds")

    def probe(self) -> certificates.Probe:
        """This server's probe, made at the first use."""
        return certificates.probe(
            self.config.probe_directory, now=self.clock(), years=self.config.certificate_years
        )

    def probe_anchor(self) -> Anchor:
        """The probe's CA; on a dry server that has no probe yet, one that stands for it."""
        now = self.clock()
        kept = certificates.kept_probe(self.config.probe_directory)
        if kept is None and self.is_dry:
            years = self.config.certificate_years
            return certificates.make("(not made yet)", now=now, years=years).anchor(now)
        return (kept or self.probe()).anchor(now)
