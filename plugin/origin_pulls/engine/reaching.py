"""Which token reaches the zone of a name: an account's own before the server's."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from types import TracebackType

from origin_pulls.cloudflare.client import Client
from origin_pulls.cloudflare.dns import Resolver
from origin_pulls.cloudflare.values import Zone
from origin_pulls.cloudflare.zones import Zones
from origin_pulls.config import Config
from origin_pulls.errors import EdgeLater, EdgeRefused, EdgeUnknown
from origin_pulls.model.tokens import TokenSeen
from origin_pulls.model.zones import ProxyState
from origin_pulls.secret import Secret
from origin_pulls.server.tokens import Token, Tokens

SERVER = ("", "")


@dataclass(frozen=True, slots=True)
class Reached:
    """A zone, and the client of the token that reaches it."""

    zone: Zone
    zones: Zones
    token: TokenSeen

    @property
    def client(self) -> Client:
        """The client to ask and to write with."""
        return self.zones.client


class Reaching:
    """Finds zones for one run, asking each thing once; a context manager, for one thread.

    ``problems`` are sentences about tokens that are not good; they hold no secret. A ``sleep``
    that raises ends every wait, ``say`` is told of long ones. With ``patience`` (seconds) it is
    a quick look: the API gets half of that time, and is not asked again once it was silent. One
    that ``is_held_up_by_none`` waits for no token: ``EdgeLater`` says when to ask it again.
    """

    def __init__(
        self,
        config: Config,
        *,
        sleep: Callable[[float], None] = time.sleep,
        say: Callable[[str], None] = lambda _: None,
        patience: float | None = None,
        is_held_up_by_none: bool = False,
    ) -> None:
        self._end = float("inf")
        self._longest: float | None = None
        if is_held_up_by_none:
            self._longest = config.edge_longest_wait
            most = min(config.edge_read_timeout, config.edge_longest_answer)
            config = replace(config, edge_read_timeout=most)
        if patience is not None:
            self._end = time.monotonic() + patience / 2
            config = replace(
                config,
                edge_connect_timeout=min(config.edge_connect_timeout, patience / 4),
                edge_read_timeout=min(config.edge_read_timeout, patience / 4),
            )
            sleep = self._sleep_in_time
            self._longest = patience / 2
        self._config = config
        self._sleep = sleep
        self._say = say
        self._kept = Tokens(config.tokens_directory)
        self._tokens: list[Token] | None = None
        self._zones: dict[str, Zones] = {}
        self._bad: dict[str, str] = {}
        self._resolver = Resolver(config, patience=patience)

    def __enter__(self) -> Reaching:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close all connections."""
        self._resolver.__exit__(None, None, None)
        for zones in self._zones.values():
            zones.client.close()

    @property
    def problems(self) -> list[str]:
        """What is wrong with tokens that were asked so far, a sentence each."""
        return list(self._bad.values())

    def problems_of(self, user: str, incarnation: str) -> list[str]:
        """Those of them that concern an account: its own tokens and the server's."""
        tokens = (*self._of(user, incarnation), *self._of(*SERVER))
        return [self._bad[one.id] for one in tokens if one.id in self._bad]

    @property
    def is_over(self) -> bool:
        """Whether a quick look can find out nothing more."""
        return time.monotonic() > self._end and self._resolver.is_over

    @property
    def resolver(self) -> Resolver:
        """This run's way to ask DNS."""
        return self._resolver

    def has_tokens(self, user: str, incarnation: str) -> bool:
        """Whether there is any token that could reach this account's zones."""
        return bool(self._of(user, incarnation) or self._of(*SERVER))

    def find(self, user: str, incarnation: str, name: str) -> Reached | None:
        """The zone of a name by the longest match, reached with the account's token if it can.

        A zone that Cloudflare does not serve counts only where no token reaches one that it does:
        names are not unique, and anybody may make a zone of any name. ``None``: no token reaches
        one (``problems`` may say why). Raises ``EdgeUnknown`` when that cannot be said because
        Cloudflare did not answer for a token.
        """
        best: Reached | None = None
        unknown: EdgeUnknown | None = None
        for tokens in (self._of(user, incarnation), self._of(*SERVER)):
            found, failed = self._among(tokens, name)
            unknown = unknown or failed
            for one in sorted(found, key=lambda one: -len(one.zone.name)):
                if one.zone.is_usable:
                    return one
                best = best or one
        if best is None and unknown is not None:
            raise unknown
        return best

    def others(self, reached: Reached) -> list[Client]:
        """The clients of the server's own tokens that reach the same zone as an account's."""
        if not reached.token.owner:
            return []
        found, _ = self._among(self._of(*SERVER), reached.zone.name)
        return [one.client for one in found if one.zone.id == reached.zone.id]

    def states(self, user: str, incarnation: str, names: Sequence[str]) -> list[ProxyState]:
        """Which of these names are proxied: by their zone's records, else by DNS."""
        return [self._state(user, incarnation, name) for name in names]

    def edge_addresses(self, name: str) -> list[str]:
        """The addresses at which Cloudflare's edge answers for a name."""
        return self._resolver.edge_addresses(name)

    def _state(self, user: str, incarnation: str, name: str) -> ProxyState:
        try:
            reached = self.find(user, incarnation, name)
            if reached and reached.zone.is_usable:
                return reached.zones.states(reached.zone, [name])[0]
        except EdgeRefused:
            pass  # without permission for DNS: what the world sees counts
        except EdgeLater:
            pass  # this token's alone, and it took no time
        except EdgeUnknown:
            self._is_silent()
        return self._resolver.state(name)

    def _is_silent(self) -> None:
        """In a quick look nobody waits for the API a second time."""
        if self._end != float("inf"):
            self._end = 0.0

    def _sleep_in_time(self, seconds: float) -> None:
        if time.monotonic() + seconds > self._end:
            raise _late()
        time.sleep(seconds)

    def _among(
        self, tokens: Sequence[Token], name: str
    ) -> tuple[list[Reached], EdgeUnknown | None]:
        found: list[Reached] = []
        unknown: EdgeUnknown | None = None
        for token in tokens:
            if token.id in self._bad:
                continue
            zones = self._zones_of(token)
            try:
                if time.monotonic() > self._end:
                    raise _late()
                zone = zones.find(name)
            except EdgeRefused as error:
                self._bad[token.id] = f"Token {token.id}: {error.message}. {error.hint}"
            except EdgeUnknown as error:
                unknown = error
            else:
                if zone:
                    found.append(Reached(zone, zones, token.seen))
        return found, unknown

    def _zones_of(self, token: Token) -> Zones:
        if token.id not in self._zones:
            made = client(
                self._config, token.secret, sleep=self._sleep, say=self._say, longest=self._longest
            )
            self._zones[token.id] = Zones(made)
        return self._zones[token.id]

    def _of(self, user: str, incarnation: str) -> list[Token]:
        if self._tokens is None:
            self._tokens = self._kept.all()
        return [one for one in self._tokens if (one.owner, one.incarnation) == (user, incarnation)]


def _late() -> EdgeUnknown:
    return EdgeUnknown("There was no time left to ask Cloudflare", hint="Look again in a minute.")


def client(
    config: Config,
    secret: Secret,
    *,
    sleep: Callable[[float], None] = time.sleep,
    say: Callable[[str], None] = lambda _: None,
    longest: float | None = None,
) -> Client:
    """A client of Cloudflare's API as the configuration names it."""
    return Client(
        config.cloudflare_api,
        secret,
        sleep=sleep,
        connect_timeout=config.edge_connect_timeout,
        read_timeout=config.edge_read_timeout,
        pause=config.edge_pause,
        say=say,
        longest=longest,
    )
