"""What takes a job back: each of its vhosts as it was before, where nothing later changed it."""

from __future__ import annotations

from collections.abc import Mapping

from origin_pulls.engine.server import Server
from origin_pulls.errors import Refused
from origin_pulls.model.job import ROTATE, STEP, Applied, Item, State
from origin_pulls.model.policy import Policy


def undone(
    server: Server, number: int, *, is_partial: bool = False, is_edge_ready: bool = False
) -> tuple[Item, ...]:
    """The items that take a job back, or ``Refused`` with the reason why they cannot.

    With ``is_partial`` what has been changed since is passed over; ``Refused`` if that is all.
    What a person said of Cloudflare before the job counts again only with ``is_edge_ready``.
    """
    job = server.store.job(number)
    if job is None:
        raise Refused(f"There is no job {number}", hint="See `origin-pulls jobs`.")
    if job.kind == STEP:
        raise Refused(
            f"Job {number} was a step of job {job.undoes}", hint=f"Undo job {job.undoes}."
        )
    if not job.state.is_over:
        raise Refused(f"Job {number} is {job.state.words}", hint="Wait for its end, then undo it.")
    if job.kind == ROTATE:
        raise Refused(
            f"Job {number} brought a new certificate; the one before it is gone from Cloudflare",
            hint="A rotation is not taken back. `origin-pulls rotate` brings another certificate.",
        )
    done = [
        item for item in job.items if item.state is State.DONE and item.wanted != item.before.policy
    ]
    if not done:
        raise Refused(
            f"Job {number} changed nothing, so there is nothing to take back",
            hint=f"See `origin-pulls job {number}`.",
        )
    policies = server.store.policies()
    kept = [item for item in done if _comes_from(policies, item)]
    if is_partial and kept:
        done = kept
    for item in done:
        now = policies.get((item.user, item.incarnation, item.server_name))
        if now is None or now.job != item.after_job:
            if now is not None and now.job < number:
                raise Refused(
                    f"{item.server_name} is no longer as job {number} left it: an undo put it back",
                    hint="See `origin-pulls jobs`, and set the mode you want.",
                )
            later = f"job {now.job}" if now else "a later change"
            raise Refused(
                f"{item.server_name} has been changed since by {later}",
                hint=f"Undo {later} first, or set the mode you want.",
            )
    return tuple(
        Item(
            user=item.user,
            server_name=item.server_name,
            incarnation=item.incarnation,
            wanted=_as_before(item, is_edge_ready=is_edge_ready),
            after_job=item.before.job,
        )
        for item in done
    )


def _as_before(item: Item, *, is_edge_ready: bool) -> Policy:
    before = item.before.policy
    return before.vouched(item.wanted, is_said=before.edge_ready and is_edge_ready)


def _comes_from(policies: Mapping[tuple[str, str, str], Applied], item: Item) -> bool:
    """Whether the policy in force is the one that this item left."""
    now = policies.get((item.user, item.incarnation, item.server_name))
    return now is not None and now.job == item.after_job
