"""What the pages list: questions, and the rows that answer them. Times are UTC in ISO 8601."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from origin_pulls.errors import Unusable
from origin_pulls.model import names
from origin_pulls.model.edge_rows import EdgeProgress
from origin_pulls.model.job import STEP, Item, Job, State
from origin_pulls.model.policy import Mode, Port80, Trust

LONGEST_SEARCH = 100
MOST_PER_PAGE = 500


def reasons(mode: Mode, *, is_ssl: bool) -> list[str]:
    """Why a vhost needs attention by what it is, besides what was noted at it."""
    if mode is Mode.ENFORCE and not is_ssl:
        return ["It is enforced, but its HTTPS virtual host is gone."]
    return []


class Sort(StrEnum):
    """By what vhosts are sorted."""

    NAME = "name"
    ACCOUNT = "account"
    OWNER = "owner"
    MODE = "mode"
    PROXIED = "proxied"
    PROOF = "proof"


class Standing(StrEnum):
    """How many names of a vhost stand behind Cloudflare."""

    ALL = "all"
    SOME = "some"
    NONE = "none"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Which vhosts are wanted, in which order. ``only`` bounds all of it to one account."""

    search: str = ""
    mode: Mode | None = None
    account: str = ""
    owner: str = ""
    attention: bool | None = None
    locked: bool | None = None
    proxied: Standing | None = None
    only: str = ""
    sort: Sort = Sort.NAME
    is_descending: bool = False
    page: int = 1
    per_page: int = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class VhostRow:
    """A vhost as the list shows it. ``proof_at`` is empty and ``proof_held`` None before any."""

    user: str
    server_name: str
    owner: str
    mode: Mode = Mode.OFF
    trust: Trust = Trust.OWN
    port80: Port80 = Port80.LEAVE
    is_ssl: bool = False
    is_suspended: bool = False
    names: tuple[str, ...] = ()
    proxied: int = 0
    direct: int = 0
    proof_at: str = ""
    proof_held: bool | None = None
    notes: tuple[str, ...] = ()
    attention: tuple[str, ...] = ()
    locked: str = ""
    job: int = 0

    @property
    def key(self) -> str:
        """Account and ServerName in one word."""
        return f"{self.user}/{self.server_name}"

    @property
    def unknown(self) -> int:
        """Of how many names nobody knows whether Cloudflare stands before them."""
        return len(self.names) - self.proxied - self.direct


@dataclass(frozen=True, slots=True, kw_only=True)
class VhostPage:
    """One page of vhosts.

    ``total`` counts what matches, ``modes`` and ``attention`` count all that the caller may see.
    """

    rows: tuple[VhostRow, ...]
    total: int
    page: int
    per_page: int
    modes: Mapping[Mode, int] = field(default_factory=dict)
    attention: int = 0
    taken: str = ""

    @property
    def first(self) -> int:
        """The number of the first row shown, 0 where there is none."""
        return (self.page - 1) * self.per_page + 1 if self.rows else 0

    @property
    def last(self) -> int:
        """The number of the last row shown."""
        return self.first + len(self.rows) - 1 if self.rows else 0

    @property
    def pages(self) -> int:
        """How many pages there are."""
        return max(1, -(-self.total // self.per_page))


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a job's progress; ``number`` is what the next question goes on from."""

    number: int
    at: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPage:
    """A job as one caller may see it: lines of progress after the one asked for, its items.

    ``revert_at`` is the time at which it goes back by itself unless confirmed, empty when it does
    not. ``undone_by`` is the newest job that undoes it, 0 for none. ``edge`` says where it is
    while it is at Cloudflare.
    """

    job: Job
    lines: tuple[Line, ...] = ()
    items: tuple[Item, ...] = ()
    counts: Mapping[str, int] = field(default_factory=dict)
    revert_at: str = ""
    undone_by: int = 0
    edge: EdgeProgress | None = None
    others: frozenset[str] = frozenset()  # for an account holder: whose vhosts it is about as well
    is_anothers: bool = False  # for an account holder: the administrator's, or for others as well
    may_change: bool = True  # whether the caller may do anything about it at all
    may_cancel: bool = True

    @property
    def can_cancel(self) -> bool:
        """Whether it can be taken back while it is on its way (the agent looks again)."""
        is_there = self.edge is not None and not self.edge.cancelled_by
        return is_there and self.may_cancel and not self.is_anothers

    @property
    def can_confirm(self) -> bool:
        """Whether the caller may let it stay."""
        return bool(self.revert_at) and self.may_change and not self.is_anothers

    @property
    def last_line(self) -> int:
        """The line to ask on from."""
        return self.lines[-1].number if self.lines else 0

    @property
    def can_undo(self) -> bool:
        """Whether an undo may do something (the agent looks again)."""
        # Relaxing everything changes files without a diff being kept.
        is_undoable = self.job.state.is_over and self.job.kind != STEP
        return (is_undoable and self.may_change) and any(
            one.state is State.DONE and one.wanted != one.before.policy for one in self.items
        )


@dataclass(frozen=True, slots=True)
class ByItself:
    """The last change of a vhost, where nobody asked for it: its job, when, to what, and why."""

    job: int
    at: str
    mode: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRow:
    """A job in a list."""

    number: int
    kind: str
    who: str
    caller_kind: str
    state: str
    asked: str
    ended: str
    vhosts: int
    first_vhost: str
    modes: tuple[str, ...] = ()
    revert_at: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """One line of the activity: who did what, when, from where.

    ``count`` is how many vhosts it was done to; ``subject`` is the last of them.
    """

    number: int
    at: str
    who: str
    kind: str
    address: str
    via: str
    action: str
    subject: str
    job: int
    count: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityPage:
    """One page of the activity, newest first; ``total`` counts what matches.

    ``undoable`` are those of its jobs that can be taken back now.
    """

    deeds: tuple[Deed, ...]
    total: int
    page: int
    per_page: int
    undoable: frozenset[int] = frozenset()

    @property
    def pages(self) -> int:
        """How many pages there are."""
        return max(1, -(-self.total // self.per_page))


def read_question(given: Mapping[str, str], *, only: str = "") -> Question:
    """The question of a query string; what is not understood is ``Unusable``, never ignored."""
    search = given.get("search", "").strip().lower()
    if len(search) > LONGEST_SEARCH:
        raise Unusable("The text to search for is too long", hint=f"At most {LONGEST_SEARCH}.")
    if not search.isascii():
        search = " ".join(map(_as_host_name, search.split()))
    for name in ("account", "owner"):
        if (text := given.get(name, "")) and not names.is_account(text):
            raise Unusable(f"{names.shown(text)} is no account", hint="Choose one of the list.")
    try:
        mode, proxied = given.get("mode", ""), given.get("proxied", "")
        return Question(
            search=search,
            mode=Mode(mode) if mode else None,
            account=given.get("account", ""),
            owner=given.get("owner", ""),
            attention=_flag(given.get("attention", "")),
            locked=_flag(given.get("locked", "")),
            proxied=Standing(proxied) if proxied else None,
            only=only,
            sort=Sort(given.get("sort", "") or Sort.NAME),
            is_descending=given.get("order", "") == "desc",
            page=_number(given.get("page", ""), 1, 1_000_000),
            per_page=_number(given.get("per_page", ""), 50, MOST_PER_PAGE),
        )
    except ValueError as error:
        raise Unusable(f"That cannot be asked: {error}", hint="Choose from the form.") from error


def _as_host_name(text: str) -> str:
    try:
        return text.encode("idna").decode("ascii")
    except (UnicodeError, LookupError):  # no host name; or no codec, where none can be loaded
        return text


def _flag(text: str) -> bool | None:
    if not text:
        return None
    if text not in ("yes", "no"):
        raise ValueError(f"{names.shown(text)} is neither yes nor no")
    return text == "yes"


def _number(text: str, default: int, most: int) -> int:
    if not text:
        return default
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and 1 <= int(text) <= most):
        raise ValueError(f"{names.shown(text)} is no number from 1 to {most}")
    return int(text)
