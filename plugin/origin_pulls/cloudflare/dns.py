"""Asks DNS over HTTPS what addresses a name has, as the world sees them."""

from __future__ import annotations

import ipaddress
import json
import time
from types import TracebackType

import requests

from origin_pulls.cloudflare import ranges
from origin_pulls.cloudflare.exchange import NoReply, exchange, new_session
from origin_pulls.config import Config, safe_address
from origin_pulls.errors import EdgeUnknown
from origin_pulls.model import zones
from origin_pulls.model.zones import ProxyState

KINDS = {"A": 1, "AAAA": 28}  # as they stand in an answer (RFC 1035, RFC 3596)
NO_ERROR, NO_SUCH_NAME = 0, 3
MOST_ADDRESSES = 64
TRIES = 2
SHARE = 5  # of a look's time: the most that one question may take
MOST_SILENT = 2


class Resolver:
    """Answers for one run, each name asked once; a context manager.

    With ``patience`` (seconds) all questions together take about that long: what is asked after
    it, or after two names for which nothing came, is not answered.
    """

    def __init__(self, config: Config, *, patience: float | None = None) -> None:
        address = config.dns_over_https
        self._address = safe_address(address) if address else ""
        self._timeouts = config.edge_connect_timeout, config.dns_timeout
        self._end = float("inf") if patience is None else time.monotonic() + patience
        if patience is not None:
            connect, read = self._timeouts
            # One name that nobody answers for must not take the time of all.
            self._timeouts = min(connect, patience / SHARE), min(read, patience / SHARE)
        self._silent = 0
        self._networks = ranges.read(config.cloudflare_ranges)
        self._session = new_session()
        self._known: dict[str, list[str]] = {}

    def __enter__(self) -> Resolver:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._session.close()

    @property
    def is_possible(self) -> bool:
        """Whether anybody's DNS is asked at all."""
        return bool(self._address)

    @property
    def is_over(self) -> bool:
        """Whether nothing is asked any more."""
        is_late = self._silent >= MOST_SILENT or time.monotonic() > self._end
        return is_late or not self._address

    def addresses(self, name: str) -> list[str]:
        """The addresses (A and AAAA) of a name; ``EdgeUnknown`` when no answer came."""
        if name not in self._known:
            found = [one for kind in KINDS for one in self._ask(name, kind)]
            self._known[name] = list(dict.fromkeys(found))[:MOST_ADDRESSES]
        return self._known[name]

    def edge_addresses(self, name: str) -> list[str]:
        """Those addresses of a name that are Cloudflare's: where its edge answers for it."""
        return zones.within(self.addresses(name), self._networks)

    def state(self, name: str) -> ProxyState:
        """Whether Cloudflare stands before a name, judged by its addresses; it never raises."""
        try:
            found: list[str] | None = self.addresses(name)
        except EdgeUnknown:
            found = None
        return zones.by_addresses(name, found, self._networks)

    def _ask(self, name: str, kind: str) -> list[str]:
        if not self._address:
            raise EdgeUnknown(
                "Nobody's DNS is asked for a server below another root",
                hint="Its config.yaml can name one: dns_over_https (docs/CONFIGURATION.md).",
            )
        reason, is_silent = "there was no time left for it", False
        for _ in range(TRIES):
            if self.is_over:
                break
            request = requests.Request(
                "GET",
                self._address,
                params={"name": name, "type": kind},
                headers={"Accept": "application/dns-json", "User-Agent": "origin-pulls"},
            )
            connect, read = self._timeouts
            came = exchange(self._session, request, connect_timeout=connect, read_timeout=read)
            is_silent = isinstance(came, NoReply)
            if isinstance(came, NoReply):
                reason = came.reason
            elif came.status != 200:
                reason = f"HTTP {came.status}"
            elif (found := read_answer(came.body, kind)) is not None:
                return found
            else:
                reason = "an answer that says nothing"
        if is_silent and self._end != float("inf"):
            self._silent += 1
        raise EdgeUnknown(
            f"DNS gave no answer for {name}: {reason}",
            hint="Check this server's way out to dns_over_https (docs/CONFIGURATION.md).",
        )


def read_answer(body: bytes, kind: str) -> list[str] | None:
    """The addresses of an answer in its JSON form, ``None`` where it holds no answer."""
    try:
        found = json.loads(body)
        status = found["Status"]
    except (ValueError, RecursionError, KeyError, TypeError):
        return None
    if status == NO_SUCH_NAME:
        return []
    listed = found.get("Answer") or []
    if status != NO_ERROR or not isinstance(listed, list):
        return None
    # The names on the way (CNAME) are in the list too.
    entries = [one for one in listed if isinstance(one, dict) and one.get("type") == KINDS[kind]]
    return [text for one in entries if (text := _address(one.get("data")))]


def edge_addresses(config: Config, name: str) -> list[str]:
    """The addresses of a name that are Cloudflare's: where its edge answers for it."""
    with Resolver(config) as resolver:
        return resolver.edge_addresses(name)


def _address(text: object) -> str:
    try:
        return str(ipaddress.ip_address(text)) if isinstance(text, str) else ""
    except ValueError:
        return ""
