"""What the list says of the server itself; asked of the agent now and then, not at each look."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass

from origin_pulls.actions import desk
from origin_pulls.config import Config
from origin_pulls.model.caller import Caller
from origin_pulls.model.checks import Check, Health

_lock = threading.Lock()
_last: dict[str, ServerFacts] = {}

# The checks that the head of the list shows, by the names that the doctor gives them.
SHOWN = ("apache", "front")


@dataclass(frozen=True, slots=True)
class ServerFacts:
    """The doctor's findings in short, and when they were asked (a monotonic time)."""

    shown: tuple[Check, ...] = ()
    bad: int = 0
    warnings: int = 0
    at: float = 0.0
    is_away: bool = False  # no agent answers, and nothing that was found before need be so


AWAY = ServerFacts(is_away=True)


def known(config: Config) -> ServerFacts | None:
    """What was found last, without asking; nothing of that counts where the agent is away."""
    return AWAY if desk.is_away(config) else _last.get(str(config.root))


def is_old(config: Config, found: ServerFacts | None, now: float) -> bool:
    """Whether this should be asked again."""
    return found is None or now - found.at > config.facts_for


def asked(config: Config, caller: Caller, now: float) -> ServerFacts:
    """What is known, asked again where it is older than some minutes."""
    with _lock:
        last = known(config)
        if last is None or (not last.is_away and is_old(config, last, now)):
            last = in_short(desk.doctor(config, caller), now)
            _last[str(config.root)] = last
        return last


def keep(config: Config, checks: Sequence[Check], now: float) -> None:
    """Remember what the doctor found for somebody else."""
    _last[str(config.root)] = in_short(checks, now)


def in_short(checks: Sequence[Check], now: float) -> ServerFacts:
    """The findings that fit into the head of a page."""
    return ServerFacts(
        shown=tuple(check for check in checks if check.name in SHOWN),
        bad=sum(check.state is Health.BAD for check in checks),
        warnings=sum(check.state is Health.WARNING for check in checks),
        at=now,
    )
