"""Accepts wishes as waiting jobs, and carries all that wait out together, under the one lock."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from origin_pulls.config import Config
from origin_pulls.engine import giving_way, judging_again, looking, recovery
from origin_pulls.engine.carrying import Carrying
from origin_pulls.engine.edge import entering, unused, wishing
from origin_pulls.engine.preparing import Prepared, fingerprint, prepare
from origin_pulls.engine.server import Server
from origin_pulls.engine.undoing import undone
from origin_pulls.errors import Damaged, OriginPullsError, Overtaken, Refused
from origin_pulls.model.caller import ROOT, Caller
from origin_pulls.model.inventory import Inventory
from origin_pulls.model.job import STEP, Item, Job, State, item_for
from origin_pulls.model.policy import Mode
from origin_pulls.model.wish import Change, JobWish, Reviewed, Rotate, Undo
from origin_pulls.server import lock, under_way
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
        if unused.give_up(server, [vhost for vhost in found.vhosts if vhost.key in off]):
            text = "what lies unused at Cloudflare is deleted there as soon as nobody demands it"
            server.store.note([number], text, at=server.stamp())
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


@contextmanager
def holding(server: Server, say: Say) -> Iterator[None]:
    """Hold the one lock; what an earlier run left unfinished is brought to an end first.

    Raises ``Overtaken`` where somebody waits for the lock to relax everything, and ``Refused``
    where Origin Pulls is being uninstalled: what was written now would stay behind.
    """
    config = server.config
    with lock.held(config.work_lock, patience=config.lock_patience, waiting=say):
        giving_way.check(config)
        _refuse_if_leaving(config)
        said = recovery.recover(server, say)
        if said:
            logger.warning("%s", said)
            say(said)
        yield


def _refuse_if_leaving(config: Config) -> None:
    # Looked at under the lock: the uninstaller leaves its mark first, then waits for the lock.
    if under_way.action(config) == under_way.UNINSTALL:
        raise Refused(
            "Origin Pulls is being uninstalled here: nothing is changed any more",
            hint="Was it cut off? `install.sh uninstall` finishes it, `install.sh` takes it back.",
        )
    if not Path(__file__).exists():
        raise Refused(
            "This program was removed while it ran: nothing is changed any more",
            hint="Where Origin Pulls is installed still, type it again.",
        )


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
