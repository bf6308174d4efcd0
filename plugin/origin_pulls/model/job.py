"""What a person asked for, and what became of it: jobs and their items."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from origin_pulls.model.inventory import Vhost
from origin_pulls.model.policy import Policy, read_policy


class State(StrEnum):
    """How far a job, or one vhost in it, has come."""

    WAITING = "waiting"
    RUNNING = "running"
    AT_EDGE = "at the edge"
    DONE = "done"
    REFUSED = "refused"
    RESTORED = "restored"
    NOT_RESTORED = "not restored"

    @property
    def is_over(self) -> bool:
        """Whether nothing more will happen."""
        return self not in (State.WAITING, State.RUNNING, State.AT_EDGE)

    @property
    def words(self) -> str:
        """As people read it; programs read the value."""
        return "at Cloudflare" if self is State.AT_EDGE else str(self)


# The worst of these is the outcome of a whole job, and its exit code.
SEVERITY = (State.DONE, State.REFUSED, State.RESTORED, State.NOT_RESTORED)
EXIT_CODES = {State.DONE: 0, State.REFUSED: 3, State.RESTORED: 4, State.NOT_RESTORED: 5}


STEP = "step"  # the kind of a job that another one, at Cloudflare, makes for an ordinary run
ROTATE = "rotate"
UNDO = "undo"
UNTOUCHED = Policy()


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """The policy in force for a vhost; ``job`` is the one it comes from (0: from none)."""

    policy: Policy = UNTOUCHED
    job: int = 0


NOTHING_APPLIED = Applied()


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One vhost's part of a job: wanted and before, what came of it, the proof, and warnings.

    ``after_job`` is the job that the vhost's policy counts as coming from afterwards: the job
    itself, or for an undo the job before the one that it takes back.
    """

    user: str
    server_name: str
    incarnation: str
    wanted: Policy
    before: Applied = NOTHING_APPLIED
    after_job: int = 0
    state: State = State.WAITING
    message: str = ""
    hint: str = ""
    diff: str = ""
    proof: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def key(self) -> str:
        """Account and ServerName in one word."""
        return f"{self.user}/{self.server_name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What one person asked in one go, and its outcome. Times are UTC in ISO 8601.

    ``caller_kind`` and ``address`` say who asked from where (``model/caller.py``). After
    ``revert_minutes`` (0: never) it is undone unless confirmed. ``fingerprint`` is that of the
    preview that was reviewed (empty: none was).
    """

    number: int
    kind: str
    who: str
    asked: str
    items: tuple[Item, ...] = ()
    started: str = ""
    ended: str = ""
    undoes: int = 0
    is_partial: bool = False
    state: State = State.WAITING
    message: str = ""
    hint: str = ""
    caller_kind: str = ""
    address: str = ""
    revert_minutes: int = 0
    fingerprint: str = ""


def item_for(vhost: Vhost, wanted: Policy) -> Item:
    """The part of a job that gives this vhost, in its account's present life, a policy."""
    return Item(
        user=vhost.user,
        server_name=vhost.server_name,
        incarnation=vhost.incarnation,
        wanted=wanted,
    )


def as_record(job: Job) -> dict[str, Any]:
    """The job as plain values, the shape that ``read_job`` takes."""
    record = asdict(job)
    for found, item in zip(record["items"], job.items, strict=True):
        found["wanted"] = item.wanted.as_record()
        found["before"] = {"policy": item.before.policy.as_record(), "job": item.before.job}
    return record


def read_job(record: Mapping[str, Any]) -> Job:
    """The job of a record that ``as_record`` made."""
    items = tuple(_read_item(item) for item in record["items"])
    return Job(**{**record, "items": items, "state": State(record["state"])})


def _read_item(record: Mapping[str, Any]) -> Item:
    before = Applied(policy=read_policy(record["before"]["policy"]), job=record["before"]["job"])
    values = {
        **record,
        "wanted": read_policy(record["wanted"]),
        "before": before,
        "state": State(record["state"]),
        "proof": tuple(record["proof"]),
        "notes": tuple(record["notes"]),
    }
    return Item(**values)
