"""Accepts wishes as waiting jobs, and carries all that wait out together, under the one lock."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from origin_pulls.engine import looking, recovery
from origin_pulls.engine.carrying import Carrying
from origin_pulls.engine.edge import entering
from origin_pulls.engine.preparing import applied_now, prepare
from origin_pulls.engine.server import Server
from origin_pulls.errors import Damaged, OriginPullsError, Refused
from origin_pulls.model.inventory import Inventory, Vhost
from origin_pulls.model.job import Applied, Item, Job, State, item_for
from origin_pulls.model.policy import Mode
from origin_pulls.model.wish import Cancel, Change, JobWish, Rotate, Undo
from origin_pulls.server import importing, lock
from origin_pulls.store.rollouts import EdgeStore

logger = logging.getLogger(__name__)
Say = Callable[[str], None]


def accept(server: Server, wish: JobWish) -> int:
    """Keep a wish as a waiting job and give its number; ``Refused`` when it cannot be meant.

    Whose vhosts these are is looked up here again, whatever the one who asks may believe.
    """
    found = looking.look(server)
    vhosts = {(vhost.user, vhost.server_name): vhost for vhost in found.vhosts}
    match wish:
        case Change():
            items = tuple(
                item_for(
                    _known(vhosts.get((one.user, one.server_name)), one.server_name), one.policy
                )
                for one in wish.items
            )
            job = Job(
                number=0,
                kind="change",
                who=wish.who,
                asked=server.stamp(),
                items=items,
                is_partial=wish.is_partial,
            )
        case Undo():
            items = undone(server, wish.job)
            job = Job(
                number=0,
                kind="undo",
                who=wish.who,
                asked=server.stamp(),
                items=items,
                undoes=wish.job,
            )
        case Rotate():
            job = _rotation(server, wish, found)
    _make_way(server, job)
    number = server.store.add_job(job)
    if isinstance(wish, Change) and wish.removes:
        EdgeStore(server.store).ask_removal([(item.user, item.server_name) for item in items])
    return number


def cancel(server: Server, wish: Cancel) -> str:
    """Note that a job at the edge shall be taken back; ``Refused`` when it is not there."""
    job = server.store.job(wish.job)
    if job is None:
        raise Refused(f"There is no job {wish.job}", hint="See `origin-pulls jobs`.")
    if job.state is not State.AT_EDGE:
        raise Refused(
            f"Job {job.number} is {job.state}: only what waits at Cloudflare can be cancelled",
            hint=f"A job that is done is taken back with `origin-pulls undo {job.number}`.",
        )
    EdgeStore(server.store).cancel(job.number, wish.who)
    return f"Job {job.number} is cancelled and is being taken back."


def _make_way(server: Server, job: Job) -> None:
    """What is at the edge with one of these vhosts gives way to whoever relaxes it."""
    there = entering.at_edge(server)
    keys = {item.key: item.wanted.mode for item in job.items} if there else {}
    for other in there:
        shared = [item for item in other.items if item.key in keys]
        if not shared:
            continue
        if any(keys[item.key] is Mode.ENFORCE for item in shared):
            raise Refused(
                f"Job {other.number} is at Cloudflare with {shared[0].server_name}",
                hint=f"Wait for it (`origin-pulls job {other.number}`), or "
                f"`origin-pulls cancel {other.number}`.",
            )
        EdgeStore(server.store).cancel(other.number, job.who)


def _rotation(server: Server, wish: Rotate, found: Inventory) -> Job:
    """The job that brings a new certificate: with a zone's own go all vhosts that it serves."""
    vhosts = {vhost.key: vhost for vhost in found.vhosts}
    applied = applied_now(server, found)
    rows = [
        one
        for one in EdgeStore(server.store).relied_on()
        if one.material and one.key in vhosts and one.incarnation == vhosts[one.key].incarnation
    ]
    key = f"{wish.user}/{wish.server_name}"
    _known(vhosts.get(key), wish.server_name)
    if wish.material:
        folder = server.config.keys_directory / wish.material
        if importing.imported_for(folder) != key:
            raise Refused(
                f"The certificate {wish.material} was not imported for {wish.server_name}",
                hint="Use `origin-pulls certificate import`.",
            )
    mine = {one.material for one in rows if one.key == key}
    if wish.material and len({one.zone for one in rows if one.key == key}) > 1:
        raise Refused(
            f"{wish.server_name} has names in several zones, and each zone needs its own",
            hint="Import one for a vhost whose names are in one zone.",
        )
    if not mine:
        raise Refused(
            f"Origin Pulls has brought no certificate to Cloudflare for {wish.server_name}",
            hint=f"`origin-pulls enforce {wish.server_name}` does; then it can be rotated.",
        )
    keys = sorted({one.key for one in rows if one.material in mine})
    items = tuple(
        replace(
            item_for(vhosts[one], applied.get(one, Applied()).policy),
            before=applied.get(one, Applied()),
        )
        for one in keys
    )
    if wish.material:
        EdgeStore(server.store).bring(sorted(mine), wish.material)
    return Job(number=0, kind=entering.ROTATE, who=wish.who, asked=server.stamp(), items=items)


def undone(server: Server, number: int) -> tuple[Item, ...]:
    """The items that take a job back, or ``Refused`` with the reason why they cannot."""
    job = server.store.job(number)
    if job is None:
        raise Refused(f"There is no job {number}", hint="See `origin-pulls jobs`.")
    if not job.state.is_over:
        raise Refused(f"Job {number} is {job.state}", hint="Wait for its end, then undo it.")
    done = [
        item for item in job.items if item.state is State.DONE and item.wanted != item.before.policy
    ]
    if not done:
        raise Refused(
            f"Job {number} changed nothing, so there is nothing to take back",
            hint=f"See `origin-pulls job {number}`.",
        )
    policies = server.store.policies()
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
            wanted=item.before.policy,
            after_job=item.before.job,
        )
        for item in done
    )


@contextmanager
def holding(server: Server, say: Say) -> Iterator[None]:
    """Hold the one lock; what an earlier run left unfinished is brought to an end first."""
    config = server.config
    with lock.held(config.work_lock, patience=config.lock_patience, waiting=say):
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
    return entering.send_to_edge(server, found)


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
        prepared = prepare(server, jobs)
    except (OriginPullsError, OSError) as error:
        failed = [_failed(job, error) for job in jobs]
        server.store.finish(failed, at=server.stamp())
        return late + failed
    return late + Carrying(server, prepared, note).carry_out(jobs)


def _outdated(server: Server, job: Job) -> Refused | None:
    """Why an undo that was accepted cannot be done any more; another run came between."""
    if job.kind == entering.STEP and EdgeStore(server.store).cancelled_by(job.undoes):
        is_tightening = any(item.wanted.mode is Mode.ENFORCE for item in job.items)
        if is_tightening:
            return Refused(f"Job {job.undoes} was cancelled", hint="Ask for it again.")
    if job.kind == "undo":
        try:
            undone(server, job.undoes)
        except Refused as error:
            return error
    return None


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


def _known(vhost: Vhost | None, name: str) -> Vhost:
    if vhost is None:
        raise Refused(f"There is no vhost {name} on this server", hint="See `origin-pulls list`.")
    return vhost
