"""Decides what follows from the life of accounts: who was renamed, who is gone, what is new.

An account's *life* is its user id and start date (``Vhost.incarnation``). A policy belongs to a
life, not to a name: it goes along when a life gets another name, and ends with it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from origin_pulls.model import names
from origin_pulls.model.inventory import Vhost
from origin_pulls.model.job import Applied
from origin_pulls.model.policy import Mode, Policy

Row = tuple[str, str, str]  # user, incarnation, ServerName
RETRY = 3600.0  # seconds after which what was refused is asked for again
EVENT_NAME = re.compile(r"[A-Za-z0-9_:]{1,80}")
NUMBER = re.compile(r"[0-9]{1,12}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """What a hook noted: the event, when (seconds), and the account it names, if it does."""

    name: str
    at: int
    user: str = ""
    new_user: str = ""


@dataclass(frozen=True, slots=True)
class Life:
    """One account as it is now; unknown parts are empty."""

    uid: str
    began: str

    @property
    def incarnation(self) -> str:
        """The word by which policies are bound to it (``Vhost.incarnation``)."""
        return f"{self.uid}-{self.began}"

    @property
    def is_known(self) -> bool:
        """Whether a decision to forget something may be built on it."""
        return bool(self.uid and self.began)


@dataclass(frozen=True, slots=True)
class LastSeen:
    """What a vhost looked like the last time; ``asked`` is when something was asked for it."""

    is_ssl: bool
    host_names: tuple[str, ...]
    asked: float = 0.0


@dataclass(frozen=True, slots=True)
class Move:
    """An account's life got another name."""

    user: str
    incarnation: str
    new_user: str
    new_incarnation: str


@dataclass(frozen=True, slots=True)
class Asked:
    """A policy to be carried out for a vhost, and why."""

    user: str
    server_name: str
    policy: Policy
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """The server as it is: accounts, vhosts, and our includes on the disk by vhost key.

    ``included`` are vhosts where an include of ours holds directives, ``astray`` those that have
    no include of ours where Apache reads it, or one that names another vhost's files.
    ``traceless`` says whether the panel knows nothing of a vhost any more.
    """

    lives: Mapping[str, Life]
    vhosts: Sequence[Vhost]
    included: Collection[str]
    astray: Collection[str]
    traceless: Callable[[str, str], bool]


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be done, in this order."""

    moves: tuple[Move, ...] = ()
    forgotten: tuple[Row, ...] = ()
    asked: tuple[Asked, ...] = ()


def read_event(text: str) -> Event | None:
    """The event of a spool file, ``None`` where it makes no sense. Everything is checked."""
    lines = dict(line.split(" ", 1) for line in reversed(text.splitlines()) if " " in line)
    name, at = lines.get("event", ""), lines.get("at", "")
    if not EVENT_NAME.fullmatch(name) or not NUMBER.fullmatch(at):
        return None
    user, new_user = lines.get("user", ""), lines.get("newuser", "")
    return Event(
        name=name,
        at=int(at),
        user=user if names.is_account(user) else "",
        new_user=new_user if names.is_account(new_user) else "",
    )


def decide(
    policies: Mapping[Row, Applied],
    found: Found,
    *,
    memory: Mapping[Row, LastSeen],
    events: Sequence[Event],
    inherits: Callable[[Vhost], Policy],
    now: float,
    under_way: Collection[tuple[str, str]] = (),
) -> Decision:
    """What follows from what is kept and what is found.

    With no ``memory`` at all this is the first look: nothing counts as new then. ``under_way`` are
    lives (user, incarnation) that have no policy yet, perhaps, but jobs: these go along too.
    """
    kept_lives = [*(row[:2] for row in policies), *sorted(under_way)]
    moves = tuple(_moves(kept_lives, found.lives, events))
    moved = {(move.user, move.incarnation): move for move in moves}
    forgotten = tuple(row for row in policies if row[:2] not in moved and _is_gone(row, found))
    kept: dict[Row, Applied] = {}
    for row, applied in policies.items():
        if row not in forgotten:
            kept[_moved(row, moved)] = applied
    remembered = {_moved(row, moved): seen for row, seen in memory.items()}
    asked = tuple(
        one
        for vhost in found.vhosts
        if vhost.is_ssl
        and (one := _asked(vhost, kept, found, remembered, inherits))
        and _is_time(vhost, remembered, events, now)
    )
    return Decision(moves, forgotten, asked)


def _moves(
    kept: Sequence[tuple[str, str]], lives: Mapping[str, Life], events: Sequence[Event]
) -> Iterator[Move]:
    """Lives that go on under another name: the same user id and start, or a noted rename."""
    by_incarnation = {life.incarnation: user for user, life in lives.items() if life.is_known}
    for user, incarnation in dict.fromkeys(kept):
        if user in lives and lives[user].incarnation == incarnation:
            continue
        new = by_incarnation.get(incarnation) or _renamed(user, incarnation, lives, events)
        if new:
            yield Move(user, incarnation, new, lives[new].incarnation)


def _renamed(
    user: str, incarnation: str, lives: Mapping[str, Life], events: Sequence[Event]
) -> str:
    """The name that a noted rename gave to a life, where nothing speaks against it."""
    uid = incarnation.partition("-")[0]
    name = user
    for event in sorted(events, key=lambda event: event.at):
        if event.name.endswith("Accounts::Modify") and event.user == name and event.new_user:
            name = event.new_user
        elif event.name.endswith(("Accounts::Create", "Accounts::Remove")) and event.user == name:
            return ""  # one life ended or another began: whose the user id is now nobody can say
    is_same = name != user and name in lives and lives[name].is_known and lives[name].uid == uid
    return name if is_same else ""


def _is_gone(row: Row, found: Found) -> bool:
    """Whether what a policy was for is no more: certainly, not just out of sight."""
    user, incarnation, server_name = row
    life = found.lives.get(user)
    if life is None:
        return True
    if life.incarnation != incarnation:
        return life.is_known
    return found.traceless(user, server_name)


def _moved(row: Row, moved: Mapping[tuple[str, str], Move]) -> Row:
    move = moved.get(row[:2])
    return (move.new_user, move.new_incarnation, row[2]) if move else row


def _asked(
    vhost: Vhost,
    kept: Mapping[Row, Applied],
    found: Found,
    memory: Mapping[Row, LastSeen],
    inherits: Callable[[Vhost], Policy],
) -> Asked | None:
    row = vhost.user, vhost.incarnation, vhost.server_name
    applied, before = kept.get(row), memory.get(row)
    if applied is not None and not applied.policy.is_idle:
        if vhost.key in found.astray and applied.policy.mode is not Mode.OFF:
            return _one(vhost, applied.policy, "its include is not what Apache should read")
        if before is not None and before.host_names != vhost.host_names:
            return _one(vhost, applied.policy, "its names have changed")
        return None
    life = found.lives.get(vhost.user)
    if life is None or not life.is_known:
        return None  # whose policies these are cannot be told now: nothing is given up for that
    if vhost.key in found.included:
        return _one(vhost, Policy(), "an earlier life left an include here")
    is_new = bool(memory) and applied is None and (before is None or not before.is_ssl)
    policy = inherits(vhost) if is_new else Policy()
    return None if policy.is_idle else _one(vhost, policy, "it is new, and this is the default")


def _one(vhost: Vhost, policy: Policy, why: str) -> Asked:
    return Asked(vhost.user, vhost.server_name, policy, why)


def _is_time(
    vhost: Vhost, memory: Mapping[Row, LastSeen], events: Sequence[Event], now: float
) -> bool:
    """Not at each look again: what was refused is asked for anew when the panel did something."""
    before = memory.get((vhost.user, vhost.incarnation, vhost.server_name))
    if before is None or not before.asked:
        return True
    named = {name for event in events for name in (event.user, event.new_user)}
    return vhost.user in named or now - before.asked >= RETRY
