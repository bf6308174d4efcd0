"""What the pages ask of the agent: each wish with who asks, each answer as a value.

Raises what the agent refused, ``Away`` with what to type where no agent is there to be asked, or
``Unanswered`` where a deed was asked for and nobody knows whether it was done.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from origin_pulls.agent import speaking
from origin_pulls.config import Config
from origin_pulls.engine import own_files
from origin_pulls.errors import OriginPullsError, Refused, Unanswered
from origin_pulls.model import preview as previews
from origin_pulls.model import rights
from origin_pulls.model.caller import Caller
from origin_pulls.model.checks import Check, read_check
from origin_pulls.model.desk_wish import (
    ChangeSettings,
    Confirm,
    Doctor,
    Edge,
    Enter,
    Lock,
    Prove,
    Relax,
    Show,
    Unlock,
)
from origin_pulls.model.preview import Preview
from origin_pulls.model.token_wish import ListTokens
from origin_pulls.model.wish import Cancel, JobWish, Reviewed, Wish
from origin_pulls.model.wish import Preview as PreviewWish

AGENT_AWAY = own_files.AWAY  # the one check that can be made when no agent answers
# What only looks: without an answer, nothing is changed by having asked.
QUESTIONS = (Enter, Show, Edge, Prove, Doctor, PreviewWish, ListTokens)
LOOK = (
    "It may be done all the same: look at `origin-pulls jobs`, and where it would be seen, "
    "before you ask again."
)
NOT_THERE = "As root: `systemctl start origin-pulls-agent` (or: `origin-pulls agent`)."


class Away(Refused):
    """No agent answers, so nothing was done."""


@dataclass(frozen=True, slots=True)
class Proven:
    """A proof made just now: whether it held, a line for each request, and those that failed."""

    held: bool
    lines: tuple[str, ...]
    failed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Relaxed:
    """What the panic button did: includes emptied, files kept aside, problems, its job or 0."""

    emptied: int
    kept: tuple[str, ...]
    problems: tuple[str, ...]
    job: int


def submit(config: Config, caller: Caller, wish: JobWish) -> int:
    """Have a change, an undo or a rotation carried out; the number of its job, to be followed."""
    return int(str(ask(config, caller, wish)["job"]))


def preview(config: Config, caller: Caller, wish: Reviewed, after: int = 0) -> Preview | None:
    """What a change or an undo would do; ``None`` while so much is still being looked at.

    Then the same is asked again a little later. Of many vhosts those after this many are shown.
    """
    answer = ask(config, caller, PreviewWish(wish, after))
    return previews.read_preview(_record(answer["preview"])) if "preview" in answer else None


def enter(config: Config, caller: Caller) -> None:
    """``Refused``, with the reason, for who may not even look at these pages."""
    ask(config, caller, Enter())


def show(config: Config, caller: Caller, user: str, server_name: str) -> Mapping[str, Any]:
    """All there is to know about one vhost: the record that ``show --json`` prints.

    For an account holder without the paths of root's files.
    """
    return _record(ask(config, caller, Show(user, server_name))["shown"])


def edge(config: Config, caller: Caller, user: str, server_name: str) -> Mapping[str, Any]:
    """What Cloudflare does for one vhost, asked there now: what ``edge --json`` prints."""
    return _record(ask(config, caller, Edge(user, server_name))["edge"])


def prove(config: Config, caller: Caller, user: str, server_name: str) -> Proven:
    """Prove one vhost now with real requests."""
    record = _record(ask(config, caller, Prove(user, server_name))["proof"])
    lines, failed = (tuple(map(str, record[name])) for name in ("lines", "failed"))
    return Proven(bool(record["held"]), lines, failed)


def doctor(config: Config, caller: Caller) -> list[Check]:
    """All checks of the server."""
    answer = ask(config, caller, Doctor())["checks"]
    listed = answer if isinstance(answer, Sequence) else []
    return [read_check(_record(one)) for one in listed]


def lock(config: Config, caller: Caller, user: str, server_name: str, reason: str) -> None:
    """Keep the account holder from changing a vhost; the reason is shown to them."""
    ask(config, caller, Lock(user, server_name, reason))


def unlock(config: Config, caller: Caller, user: str, server_name: str) -> None:
    """Let the account holder change a vhost again."""
    ask(config, caller, Unlock(user, server_name))


def change_settings(config: Config, caller: Caller, values: Mapping[str, str]) -> None:
    """Set these settings; the others stay."""
    ask(config, caller, ChangeSettings(tuple(sorted(values.items()))))


def confirm(config: Config, caller: Caller, job: int) -> None:
    """Let a job stay that would go back by itself."""
    ask(config, caller, Confirm(job))


def cancel(config: Config, caller: Caller, job: int) -> None:
    """Have a job that is at Cloudflare taken back."""
    ask(config, caller, Cancel(job))


def relax(config: Config, caller: Caller) -> Relaxed:
    """Panic: every vhost back to no demand."""
    record = _record(ask(config, caller, Relax())["relaxed"])
    return Relaxed(
        int(record["emptied"]),
        tuple(record["kept"]),
        tuple(record["problems"]),
        int(record["job"] or 0),
    )


def ask(config: Config, caller: Caller, wish: Wish) -> Mapping[str, object]:
    """The agent's answer to any wish, as plain values."""
    try:
        return speaking.hand_over(config, wish, caller, patience=config.page_patience)
    except Unanswered as error:
        raise _unanswered(wish, error.message) from error
    except speaking.Ended as error:
        raise _unanswered(
            wish, "The service that does the work ended before it answered"
        ) from error
    except ConnectionError as error:
        message = "The service that does the work does not answer, so nothing was done"
        told = rights.as_told_to_accounts(message, NOT_THERE)
        message, hint = told if caller.is_account else (message, NOT_THERE)
        raise Away(message, hint=hint) from error


def is_away(config: Config) -> bool:
    """Whether no agent takes connections just now."""
    return not speaking.is_running(config)


def _unanswered(wish: Wish, message: str) -> OriginPullsError:
    if isinstance(wish, QUESTIONS):
        return Refused(message, hint="Nothing is changed by looking. Try again in a minute.")
    return Unanswered(message, hint=LOOK)


def _record(value: object) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise Refused("The agent's answer cannot be understood", hint="Is it the same version?")
    return value
