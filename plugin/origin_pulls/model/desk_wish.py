"""Wishes of the pages besides changes: to see, to prove, to lock, to set, to confirm, to panic."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from origin_pulls.errors import Unusable
from origin_pulls.model import names
from origin_pulls.model.settings import read_settings

LONGEST_REASON = 300
LARGEST_NUMBER = 2**63


@dataclass(frozen=True, slots=True)
class Enter:
    """May who asks look at these pages at all? Answered with ``{"done": True}``, or refused."""


@dataclass(frozen=True, slots=True)
class Show:
    """All there is to know about one vhost; answered with ``{"shown": {...}}``."""

    user: str
    server_name: str


@dataclass(frozen=True, slots=True)
class Prove:
    """Prove one vhost now with real requests; answered with ``{"proof": {...}}``."""

    user: str
    server_name: str


@dataclass(frozen=True, slots=True)
class Edge:
    """What Cloudflare does for one vhost, asked there now; answered with ``{"edge": {...}}``."""

    user: str
    server_name: str


@dataclass(frozen=True, slots=True)
class Doctor:
    """Look at the whole server; answered with ``{"checks": [...]}``."""


@dataclass(frozen=True, slots=True)
class Lock:
    """Keep the account holder from changing this vhost, for a reason that is shown."""

    user: str
    server_name: str
    reason: str


@dataclass(frozen=True, slots=True)
class Unlock:
    """Let the account holder change this vhost again."""

    user: str
    server_name: str


@dataclass(frozen=True, slots=True)
class ChangeSettings:
    """Set these settings, as (name, value); the others stay."""

    values: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Confirm:
    """Let a job stay that would go back by itself."""

    job: int


@dataclass(frozen=True, slots=True)
class Relax:
    """Panic: every vhost back to no demand; answered with ``{"relaxed": {...}}``."""


DeskWish = Enter | Show | Prove | Edge | Doctor | Lock | Unlock | ChangeSettings | Confirm | Relax
NAMES = {
    Enter: "enter",
    Show: "show",
    Prove: "prove",
    Edge: "edge",
    Doctor: "doctor",
    Lock: "lock",
    Unlock: "unlock",
    ChangeSettings: "settings",
    Confirm: "confirm",
    Relax: "relax",
}


def as_record(wish: DeskWish) -> dict[str, object]:
    """The wish as plain values."""
    record: dict[str, object] = {"wish": NAMES[type(wish)]}
    match wish:
        case Show() | Prove() | Edge() | Unlock():
            record |= {"user": wish.user, "server_name": wish.server_name}
        case Lock():
            record |= {"user": wish.user, "server_name": wish.server_name, "reason": wish.reason}
        case ChangeSettings():
            record["values"] = dict(wish.values)
        case Confirm():
            record["job"] = wish.job
        case _:
            pass
    return record


def read(record: Mapping[str, object]) -> DeskWish | None:
    """The wish of a record, checked; ``None`` when it is none of these."""
    match record.get("wish"):
        case "enter":
            return Enter()
        case "show":
            return Show(*_vhost(record))
        case "prove":
            return Prove(*_vhost(record))
        case "edge":
            return Edge(*_vhost(record))
        case "doctor":
            return Doctor()
        case "lock":
            return Lock(*_vhost(record), _reason(record.get("reason")))
        case "unlock":
            return Unlock(*_vhost(record))
        case "settings":
            return ChangeSettings(_values(record.get("values")))
        case "confirm":
            return Confirm(job_number(record.get("job")))
        case "relax":
            return Relax()
    return None


def job_number(number: object) -> int:
    """The number of a job, or ``Unusable``."""
    if not isinstance(number, int) or isinstance(number, bool) or not 0 < number < LARGEST_NUMBER:
        raise Unusable("The wish names no job", hint="Give `job` as a number.")
    return number


def _vhost(record: Mapping[str, object]) -> tuple[str, str]:
    user, server_name = record.get("user"), record.get("server_name")
    if not isinstance(user, str) or not names.is_account(user):
        raise Unusable("The wish names no account", hint="Give `user`.")
    if not isinstance(server_name, str) or not names.is_host_name(server_name):
        raise Unusable("The wish names no vhost", hint="Give `server_name`.")
    return user, server_name


def _reason(reason: object) -> str:
    if not isinstance(reason, str) or not reason.strip():
        raise Unusable("A lock needs a reason", hint="The account holder reads it.")
    text = " ".join(reason.split())
    if len(text) > LONGEST_REASON or not text.isprintable():
        raise Unusable("The reason is no plain text", hint=f"At most {LONGEST_REASON} signs.")
    return text


def _values(values: object) -> tuple[tuple[str, str], ...]:
    if not isinstance(values, dict) or not values:
        raise Unusable("The wish sets nothing", hint="Give `values`.")
    given = {str(name): str(value) for name, value in values.items()}
    read_settings(given)
    return tuple(sorted(given.items()))
