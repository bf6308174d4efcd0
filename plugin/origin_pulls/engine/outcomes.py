"""What became of each vhost of a run, and of the jobs that asked for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from origin_pulls.engine.preparing import Prepared
from origin_pulls.errors import NotRestored, OriginPullsError, Restored
from origin_pulls.model import refusals
from origin_pulls.model.job import SEVERITY, Applied, Item, Job, State
from origin_pulls.model.plan import Change


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one vhost: done, or an error that says refused, restored, not restored."""

    error: OriginPullsError | None = None
    proof: tuple[str, ...] = ()

    @property
    def state(self) -> State:
        """The state of the item."""
        match self.error:
            case None:
                return State.DONE
            case NotRestored():
                return State.NOT_RESTORED
            case Restored():
                return State.RESTORED
            case _:
                return State.REFUSED


def ended(jobs: Sequence[Job], outcomes: Mapping[str, Outcome], prepared: Prepared) -> list[Job]:
    """The jobs with what became of their items, the worst of them being the job's outcome."""
    changes = {change.key: change for change in prepared.changes}
    return [_ended(job, outcomes, prepared, changes) for job in jobs]


def _ended(
    job: Job,
    outcomes: Mapping[str, Outcome],
    prepared: Prepared,
    changes: Mapping[str, Change],
) -> Job:
    items = tuple(
        _ended_item(job, item, outcomes.get(item.key, Outcome()), prepared, changes)
        for item in job.items
    )
    worst = max(items, key=lambda item: SEVERITY.index(item.state), default=None)
    if worst is None or worst.state is State.DONE:
        return replace(job, items=items, state=State.DONE)
    return replace(job, items=items, state=worst.state, message=worst.message, hint=worst.hint)


def _ended_item(
    job: Job,
    item: Item,
    outcome: Outcome,
    prepared: Prepared,
    changes: Mapping[str, Change],
) -> Item:
    is_done = outcome.error is None
    before = prepared.applied.get(item.key, Applied())
    changed = prepared.diffs.get(item.key, "") if outcome.state is not State.REFUSED else ""
    change = changes.get(item.key)
    return replace(
        item,
        state=outcome.state,
        message=outcome.error.message if outcome.error else _done(item, before, changed, outcome),
        hint=outcome.error.hint if outcome.error else "",
        diff=changed,
        proof=outcome.proof,
        notes=tuple(refusals.warnings(change)) if is_done and changed and change else (),
        before=before if is_done else item.before,
        after_job=_comes_from(job, item, before),
    )


def _comes_from(job: Job, item: Item, before: Applied) -> int:
    """The job that the policy counts as coming from: one that changes nothing does not count."""
    if job.kind == "undo" or item.after_job:
        return item.after_job
    return before.job if item.wanted == before.policy else job.number


def _done(item: Item, before: Applied, changed: str, outcome: Outcome) -> str:
    if outcome.proof:
        return f"Done and proven by {len(outcome.proof)} requests."
    if not changed and item.wanted != before.policy:
        return "Done: it is kept; nothing that Apache reads is changed by it."
    return "Done." if changed else "Nothing to do: it is so already."
