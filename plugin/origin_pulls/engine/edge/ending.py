"""What became of a job at the edge, out of its rollout and the runs that it made."""

from __future__ import annotations

from dataclasses import replace

from origin_pulls.engine.edge.left_over import left_over
from origin_pulls.engine.server import Server
from origin_pulls.model.job import SEVERITY, Item, Job, State
from origin_pulls.model.rollout import Direction, Rollout

TAKEN_BACK = "It was taken back."


def ended(server: Server, job: Job, rollout: Rollout) -> Job:
    """The job with the outcome of each of its vhosts; the worst is the job's own."""
    runs: dict[str, list[Item]] = {}
    for number in rollout.steps:
        step = server.store.job(number)
        for item in step.items if step else ():
            # Not by its key: the account may have had another name then.
            runs.setdefault(item.server_name, []).append(item)
    items = tuple(_item(job, rollout, item, runs.get(item.server_name, [])) for item in job.items)
    left = left_over(server, job, rollout)
    items = tuple(
        _not_taken_back(item, runs.get(item.server_name, [])) if item.key in left else item
        for item in items
    )
    worst = max(items, key=lambda item: SEVERITY.index(item.state))
    if worst.state is State.DONE:
        return replace(job, items=items, state=State.DONE, message="", hint="")
    return replace(job, items=items, state=worst.state, message=worst.message, hint=worst.hint)


def refused(job: Job, message: str, hint: str) -> Job:
    """The job refused as a whole, nothing having been touched."""
    items = tuple(
        replace(item, state=State.REFUSED, message=message, hint=hint) for item in job.items
    )
    return replace(job, items=items, state=State.REFUSED, message=message, hint=hint)


def _not_taken_back(item: Item, runs: list[Item]) -> Item:
    """A vhost that still has what this job gave it, whatever its way back has tried."""
    wanted = runs[-1].wanted if runs else item.wanted
    why = f": {runs[-1].message}" if runs and runs[-1].state is not State.DONE else ""
    failed = item.message.removesuffix(TAKEN_BACK).strip().rstrip(".")
    return replace(
        item,
        state=State.NOT_RESTORED,
        message=f"{failed}. It could not be put back to {wanted.mode}{why}",
        hint=f"Look at `origin-pulls show {item.server_name}`, mend what it says, then "
        f"`origin-pulls off {item.server_name}`.",
    )


def _item(job: Job, rollout: Rollout, item: Item, runs: list[Item]) -> Item:
    """One vhost's outcome: what its runs changed is told together, the last one's proof."""
    diff = "".join(run.diff for run in runs if run.state is State.DONE)
    proof = runs[-1].proof if runs else ()
    after = item.after_job if job.kind == "undo" else job.number
    if rollout.direction is Direction.ROTATE:
        after = item.before.job
    failed = rollout.failed.get(item.key)
    if failed is None:
        what = (
            "The new certificate is presented and"
            if rollout.direction is Direction.ROTATE
            else ("Done:" if item.key in rollout.keys else "Done and")
        )
        said = f"{what} proven by {len(proof)} requests" if proof else "Done"
        through = sum("through Cloudflare" in line for line in proof)
        said += f", {through} of them through Cloudflare." if through else "."
        return replace(
            item,
            state=State.DONE,
            message=said,
            hint="",
            diff=diff,
            proof=proof,
            notes=runs[-1].notes if runs else (),
            after_job=after,
        )
    message, hint = failed
    is_stuck = bool(runs) and runs[-1].state is State.NOT_RESTORED
    is_there = item.key in rollout.keys  # else it was refused when Cloudflare was looked at
    is_touched = bool(runs) or (is_there and (rollout.touched or bool(rollout.steps)))
    state = State.RESTORED if is_touched else State.REFUSED
    if is_touched and not message.endswith("taken back."):
        message = f"{message.rstrip('.')}. {TAKEN_BACK}"
    return replace(
        item,
        state=State.NOT_RESTORED if is_stuck else state,
        message=message,
        hint=hint,
        diff="",
        proof=proof,
        after_job=after,
    )
