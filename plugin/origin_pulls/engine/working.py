"""Accepts wishes as waiting jobs, and carries all that wait out together, under the one lock."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace

from origin_pulls.engine import giving_way, judging_again, looking, recovery
from origin_pulls.engine.carrying import Carrying
from origin_pulls.engine.edge import entering, unused, wishing
from origin_pulls.engine.preparing import Prepared, fingerprint, prepare
from origin_pulls.engine.server import Server
from origin_pulls.errors import Damaged, OriginPullsError, Overtaken, Refused
from origin_pulls.model.caller import ROOT, Caller
from origin_pulls.model.inventory import Inventory
from origin_pulls.model.job import ROTATE, STEP, Applied, Item, Job, State, item_for
from origin_pulls.model.policy import Mode, Policy
from origin_pulls.model.wish import Change, JobWish, Reviewed, Rotate, Undo
from origin_pulls.server import lock
from origin_pulls.store.rollouts import EdgeStore

logger = logging.getLogger(__name__)
Say = Callable[[str], None]

LOOKS_DIFFERENT = Refused(
    "It looked different meanwhile: what was reviewed is no longer what would be done",
    hint="Review it again, then apply.",
)


def accept(server: Server, wish: JobWish, caller: Caller = ROOT) -> int:
    """Keep a wish as a waiting job and give its number; ``Refused`` when it cannot be meant.

    Whose vhosts these are is looked up here again, whatever the one who asks may believe.
    """
    found = looking.look(server)
    if isinstance(wish, Rotate):
        job = wishing.rotation(server, wish, found)
    else:
        job = Job(
            number=0,
            kind="undo" if isinstance(wish, Undo) else "change",
            who=wish.who,
            asked=server.stamp(),
            items=items_of(server, wish, found, keeps_gone=wish.is_partial),
            is_partial=wish.is_partial,
        )
    match wish:
        case Change():
            job = replace(job, revert_minutes=wish.revert_minutes, fingerprint=wish.fingerprint)
        case Undo():
            job = replace(job, undoes=wish.job, fingerprint=wish.fingerprint)
    job = replace(job, caller_kind=str(caller.kind), address=caller.address)
    given_way = wishing.make_way(server, job)
    number = server.store.add_job(job)
    for text in given_way:
        server.store.note([number], text, at=server.stamp())
    if isinstance(wish, Change) and wish.removes:
        EdgeStore(server.store).ask_removal([(item.user, item.server_name) for item in job.items])
        off = {item.key for item in job.items if item.wanted.mode is Mode.OFF}
        unused.give_up(server, [vhost for vhost in found.vhosts if vhost.key in off])
    return number


def items_of(
    server: Server, wish: Reviewed, found: Inventory, *, keeps_gone: bool = False
) -> tuple[Item, ...]:
    """The items of the job that a wish is, or would be; ``Refused`` when it cannot be meant.

    With ``keeps_gone`` a vhost that is no more is an item too, of no life: it is refused alone.
    """
    if isinstance(wish, Undo):
        return undone(
            server, wish.job, is_partial=wish.is_partial, is_edge_ready=wish.is_edge_ready
        )
    vhosts = {(vhost.user, vhost.server_name): vhost for vhost in found.vhosts}
    items = []
    for one in wish.items:
        vhost = vhosts.get((one.user, one.server_name))
        if vhost is None and keeps_gone:
            gone = Item(
                user=one.user, server_name=one.server_name, incarnation="", wanted=one.policy
            )
            items.append(gone)
        else:
            items.append(item_for(looking.known(vhost, one.server_name), one.policy))
    return tuple(items)


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


@contextmanager
def holding(server: Server, say: Say) -> Iterator[None]:
    """Hold the one lock; what an earlier run left unfinished is brought to an end first.

    Raises ``Overtaken`` where somebody waits for the lock to relax everything.
    """
    config = server.config
    with lock.held(config.work_lock, patience=config.lock_patience, waiting=say):
        giving_way.check(config)
        said = recovery.recover(server, say)
        if said:
            logger.warning("%s", said)
            say(said)
        yield


def work(server: Server, say: Say, gather: Callable[[], None] = lambda: None) -> None:
    """Carry out all waiting jobs; who calls holds the lock.

    Jobs that wait together are one run, so that a thousand toggles are one rebuild and one
    reload; only jobs that touch a vhost which is in the run already wait for the next one.
    ``gather`` is called before each run, to let those come that are just being asked.
    """
    while _waiting(server):
        gather()
        batch = _next_batch(_waiting(server))
        if batch:
            run(server, batch, say)


def _waiting(server: Server) -> list[Job]:
    """The jobs that wait for a run; those for which Cloudflare comes first go there."""
    found = server.store.jobs(states=[State.WAITING], most=10_000)
    left = [job for job in found if not _has_changed_since(server, job)]
    return entering.send_to_edge(server, left)


def _has_changed_since(server: Server, job: Job) -> bool:
    """Whether a job that goes to the edge no longer fits its review: it is refused then.

    Others are compared when their run is prepared.
    """
    items = entering.as_presented(server, job.items)
    if not job.fingerprint or items == job.items:
        return False
    error: Exception = LOOKS_DIFFERENT
    try:
        prepared = prepare(server, [replace(job, items=items)])
        prepared = replace(prepared, edge_first=entering.edge_first(job.items, items))
        if job.fingerprint == fingerprint(prepared, [item.key for item in items]):
            return False
    except Overtaken:
        raise
    except (OriginPullsError, OSError) as problem:
        error = problem  # this job's alone: the others that wait go on
    server.store.finish([_failed(job, error)], at=server.stamp())
    return True


def run(server: Server, jobs: Sequence[Job], say: Say) -> list[Job]:
    """One run: these jobs from start to outcome, which is in the store when this returns."""
    numbers = [job.number for job in jobs]
    server.store.start(numbers, at=server.stamp())

    def note(text: str) -> None:
        # A line of progress that cannot be kept must not stop a change in its middle.
        with contextlib.suppress(Damaged):
            server.store.note(numbers, text, at=server.stamp())
        say(text)

    outdated = {job.number: error for job in jobs if (error := _outdated(server, job))}
    late = [_failed(job, outdated[job.number]) for job in jobs if job.number in outdated]
    jobs = [job for job in jobs if job.number not in outdated]
    server.store.finish(late, at=server.stamp())
    if not jobs:
        return late
    count = sum(len(job.items) for job in jobs)
    note(f"looking at the server, then at {count} vhost{'s' if count != 1 else ''}")
    try:
        prepared, jobs, changed = _as_reviewed(server, jobs)
    except Overtaken:
        raise
    except (OriginPullsError, OSError) as error:
        failed = [_failed(job, error) for job in jobs]
        server.store.finish(failed, at=server.stamp())
        return late + failed
    late += changed
    if not jobs:
        return late
    return late + Carrying(server, prepared, note).carry_out(jobs)


def _as_reviewed(server: Server, jobs: Sequence[Job]) -> tuple[Prepared, Sequence[Job], list[Job]]:
    """The run prepared, without the jobs whose review no longer fits; those with their outcome."""
    prepared = prepare(server, jobs)
    changed = [
        job
        for job in jobs
        if job.fingerprint
        and job.fingerprint != fingerprint(prepared, [item.key for item in job.items])
    ]
    if not changed:
        return prepared, jobs, []
    refused = [_failed(job, LOOKS_DIFFERENT) for job in changed]
    server.store.finish(refused, at=server.stamp())
    left = [job for job in jobs if job not in changed]
    return (prepare(server, left) if left else prepared), left, refused


def _outdated(server: Server, job: Job) -> Refused | None:
    """Why a job that was accepted cannot be done any more; something came between."""
    is_cancelled = job.kind == STEP and EdgeStore(server.store).cancelled_by(job.undoes)
    if is_cancelled and any(_is_tightening(server, item) for item in job.items):
        return Refused(f"Job {job.undoes} was cancelled", hint="Ask for it again.")
    refused = judging_again.still_may(server, job)
    if refused is not None:
        return refused
    if job.kind == "undo":
        try:
            again = undone(server, job.undoes, is_partial=job.is_partial)
        except Refused as error:
            return error
        if not {item.key for item in job.items} <= {item.key for item in again}:
            return Refused(
                f"Something that job {job.undoes} changed was changed again meanwhile",
                hint="Undo it once more: what was changed since is passed over.",
            )
    return None


def _is_tightening(server: Server, item: Item) -> bool:
    """Whether an item would demand where nothing is demanded now."""
    now = server.store.policies().get((item.user, item.incarnation, item.server_name))
    is_demanding = now is not None and now.policy.mode is Mode.ENFORCE
    return item.wanted.mode is Mode.ENFORCE and not is_demanding


def _next_batch(waiting: Sequence[Job]) -> list[Job]:
    """The oldest waiting jobs, as many as touch no vhost twice."""
    batch: list[Job] = []
    taken: set[str] = set()
    for job in sorted(waiting, key=lambda job: job.number):
        keys = {item.key for item in job.items}
        if not taken.isdisjoint(keys):
            break
        batch.append(job)
        taken |= keys
    return batch


def _failed(job: Job, error: Exception) -> Job:
    message = error.message if isinstance(error, OriginPullsError) else str(error)
    hint = error.hint if isinstance(error, OriginPullsError) else ""
    items = tuple(
        replace(item, state=State.REFUSED, message=message, hint=hint) for item in job.items
    )
    return replace(job, items=items, state=State.REFUSED, message=message, hint=hint)
