"""Panic: every vhost back to no demand, by the shortest way, whatever else is broken."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from origin_pulls.config import Config
from origin_pulls.engine import giving_way, settling
from origin_pulls.engine.settling import Say
from origin_pulls.errors import Busy, Damaged, NotRestored
from origin_pulls.model import include
from origin_pulls.model.include import State as FileState
from origin_pulls.model.job import Item, Job, State
from origin_pulls.model.policy import Policy
from origin_pulls.server import files, journal, lock
from origin_pulls.server.apache import Apache
from origin_pulls.store import Store, open_store
from origin_pulls.store.rollouts import EdgeStore

EMPTY = "The includes are empty"
INTERRUPTED = "It was interrupted, and then everything was relaxed."
UNTOUCHED = "Everything was relaxed before anything of it was changed."


@dataclass(frozen=True, slots=True)
class Relaxed:
    """What was done: files emptied, edited ones kept aside, and what could not be done."""

    files: tuple[Path, ...] = ()
    kept: tuple[Path, ...] = ()
    problems: tuple[str, ...] = ()
    job: int = 0


def relax(config: Config, who: str, stamp: str, say: Say) -> Relaxed:
    """Empty every include of ours, reload Apache, then tell the store, if there is a sound one.

    It looks at files alone: neither the store, nor the journal, nor the inventory is needed. A run
    under way gives way to it. Raises ``NotRestored`` when Apache cannot be brought to read the
    emptied files, ``Busy`` when nothing was relaxed because somebody held the lock all the time.
    """
    apache = Apache(config)
    with _the_lock(config, say):
        # First of all, so that nobody puts back what is emptied now, whatever fails after it.
        begun = journal.set_aside(config.journal)
        emptied: list[Path] = []
        kept: list[Path] = []
        for path in _ours(apache):
            say(f"emptying {path}")
            kept += _empty(path)
            emptied.append(path)
        try:
            if emptied or apache.parent() is None:
                _reload(apache, say)
        finally:
            problems, job = _tell_store(config, who, stamp, begun)
    return Relaxed(tuple(emptied), tuple(kept), tuple(problems), job)


@contextmanager
def _the_lock(config: Config, say: Say) -> Iterator[None]:
    """The work lock, which whoever holds it is asked to let go of."""
    with ExitStack() as stack:
        held = lock.held(config.work_lock, patience=config.panic_patience, waiting=say)
        try:
            with giving_way.announced(config):
                stack.enter_context(held)
        except Busy as error:
            raise Busy(
                f"Nothing is relaxed yet. {error.message}, and has not given way within "
                f"{config.panic_patience:g} seconds",
                hint=f"It gives way when a rebuild or reload that it waits for is over: try again. "
                f"{error.hint}",
            ) from error
        yield


def _ours(apache: Apache) -> Iterator[Path]:
    """Includes of ours that hold more than comments; the vhosts' before the server's."""
    userdata = apache.paths.userdata
    places = sorted(userdata.rglob(include.FILE_NAME)) if userdata.is_dir() else []
    for path in (*places, apache.paths.conf_directory / include.FILE_NAME):
        if include.state(files.read(path)) not in (FileState.ABSENT, FileState.COMMENT):
            yield path


def _empty(path: Path) -> list[Path]:
    text = files.read(path)
    aside = []
    if text is not None and include.state(text) is not FileState.OURS:
        kept = path.with_name(f"{path.name}.kept")
        files.replace(kept, text)
        aside.append(kept)
    files.replace(path, include.nothing())
    return aside


def _reload(apache: Apache, say: Say) -> None:
    say("reloading Apache")
    # The journal is set aside, so nothing is left to go on with.
    problem = settling.settle(apache, say, files=EMPTY, then="")
    if problem:
        raise NotRestored(
            f"{EMPTY}, but {problem}",
            hint=f"Type: {apache.config.restart_program}",
        )


def _tell_store(
    config: Config, who: str, stamp: str, begun: Sequence[int]
) -> tuple[list[str], int]:
    """Note in the store that all policies are off; its damage is said, not raised."""
    try:
        store = open_store(config.store)
        try:
            waiting = store.jobs(states=[State.WAITING], most=100_000)
            _end(store, waiting, State.REFUSED, "Everything was relaxed before its turn.", stamp)
            for other in store.jobs(states=[State.AT_EDGE], most=100_000):
                EdgeStore(store).cancel(other.number, who)
            jobs = [job for number in begun if (job := store.job(number)) is not None]
            _end(store, jobs, State.RESTORED, INTERRUPTED, stamp)
            # Nobody works while we hold the lock: what else had begun had opened no journal yet.
            running = store.jobs(states=[State.RUNNING], most=100_000)
            _end(store, running, State.REFUSED, UNTOUCHED, stamp)
            return [], _note(store, who, stamp)
        finally:
            store.close()
    except (Damaged, OSError) as error:
        text = error.message if isinstance(error, Damaged) else str(error)
        hint = error.hint if isinstance(error, Damaged) else ""
        return [f"{text} {hint}".strip()], 0


def _end(store: Store, jobs: Sequence[Job], state: State, message: str, stamp: str) -> None:
    ended = [
        replace(
            job,
            state=state,
            message=message,
            items=tuple(replace(item, state=state, message=message) for item in job.items),
        )
        for job in jobs
    ]
    store.finish(ended, at=stamp)


def _note(store: Store, who: str, stamp: str) -> int:
    items = tuple(
        Item(
            user=user,
            incarnation=incarnation,
            server_name=server_name,
            wanted=Policy(),
            before=applied,
        )
        for (user, incarnation, server_name), applied in store.policies().items()
        if not applied.policy.is_idle
    )
    if not items:
        return 0
    job = Job(number=0, kind="relax", who=who, asked=stamp, items=_named_once(items))
    number = store.add_job(job)
    done = tuple(
        replace(item, state=State.DONE, after_job=number, message="Relaxed.") for item in job.items
    )
    store.start([number], at=stamp)
    store.finish([replace(job, number=number, state=State.DONE, items=done)], at=stamp)
    return number


def _named_once(items: tuple[Item, ...]) -> tuple[Item, ...]:
    """One item a vhost: an account's earlier lives have nothing on the server any more."""
    return tuple({item.key: item for item in items}.values())
