"""The product on a sandbox with its Cloudflare: both sides to ask, and a restless visitor."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from origin_pulls.model.proof import Ask, Seen
from origin_pulls.sandbox.cloudflare.remote import Remote
from origin_pulls.server import asking
from tests.server_under_test import UnderTest

PLACES = ("127.0.64.1", "127.0.64.2")
WRITES = ("POST", "PUT", "PATCH", "DELETE")
REST = 0.02  # seconds between two visits: the machine is small
LONG = 20_000.0  # seconds of Cloudflare's clock, which runs twenty times as fast as ours
QUICK = "edge_rounds: 2\n"


@dataclass(frozen=True, slots=True)
class EdgeSite(UnderTest):
    """One sandbox, its Cloudflare and a token for it."""

    remote: Remote
    token: str

    def visit(self, host: str, place: int = 0) -> Seen:
        """One visit through one place of the edge."""
        assert self.sandbox.cloudflare
        address = f"{PLACES[place]}:{self.sandbox.cloudflare.edge_port}"
        return asking.ask(Ask(address=address, host=host, nonce="visitor"), {}, timeout=60)

    def zone(self, name: str) -> dict[str, Any]:
        """A zone as Cloudflare has it now."""
        return self.remote.zones()[name]

    def live(self, name: str, store: str = "zone_certificates") -> list[dict[str, Any]]:
        """The live certificates of a zone's store."""
        gone = ("pending_deletion", "deleted")
        return [one for one in self.zone(name)[store] if one["status"] not in gone]

    def writes(self) -> list[tuple[str, str]]:
        """What was written at Cloudflare, in order."""
        calls = self.remote.calls()
        return [(one["method"], one["path"]) for one in calls if one["method"] in WRITES]

    @contextmanager
    def lagging(self) -> Iterator[None]:
        """Let the second place of the edge learn nothing more before this block ends."""
        self.remote.switch(edge_lags=[1.0, LONG])
        try:
            yield
        finally:
            self.remote.clock(advance=2 * LONG)
            self.remote.switch(edge_lags=[1.0, 4.0])
            self.remote.edge()

    def begin_anew(self) -> None:
        """Both sides as on the first day; the token is kept."""
        self.forget_everything()
        self.remote.reset()
        self.remote.edge()


class Visitor(threading.Thread):
    """Visits names through both places of the edge without a pause, and counts what came."""

    def __init__(self, site: EdgeSite, *hosts: str) -> None:
        super().__init__(daemon=True)
        self.site = site
        self.hosts = hosts
        self.came: Counter[str] = Counter()
        self.refusals: list[float] = []
        self.is_over = threading.Event()

    @property
    def refused(self) -> float:
        """How many seconds lay between the first and the last visit that was not served."""
        return self.refusals[-1] - self.refusals[0] if self.refusals else 0.0

    def run(self) -> None:
        while not self.is_over.is_set():
            for host in self.hosts:
                for place in range(len(PLACES)):
                    seen = self.site.visit(host, place)
                    self.came[str(seen)] += 1
                    if seen.status != 200:
                        self.refusals.append(time.monotonic())
                    self.is_over.wait(REST)

    def __enter__(self) -> Visitor:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.is_over.set()
        self.join(120)
