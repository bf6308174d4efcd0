"""After a stop in the middle: finish what was proven, take back what was not, and say which."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

from origin_pulls.engine import settling
from origin_pulls.engine.server import Server
from origin_pulls.engine.settling import Say
from origin_pulls.errors import NotRestored
from origin_pulls.model.job import Job, State, read_job
from origin_pulls.server import journal
from origin_pulls.server.journal import Run

TAKEN_BACK = (
    "Origin Pulls was stopped in the middle (killed, or the machine went down). "
    "Everything was taken back."
)
AGAIN = "Ask for it again."


def recover(server: Server, say: Say) -> str:
    """Bring the last run to an end if it has none; what was done, in a sentence (or empty).

    Who calls holds the lock. Raises ``NotRestored`` when the server still does not follow; the
    journal stays, and the next call tries again.
    """
    run = journal.pending(server.config.journal)
    if run is None:
        return _close_untouched(server)
    committed = run.committed
    if committed is not None:
        return _finish(server, run, committed)
    return _take_back(server, run, say)


def _finish(server: Server, run: Run, committed: journal.Record) -> str:
    """All was proven before the stop: only the store has to learn it."""
    records = cast(list[dict[str, Any]], committed["jobs"])
    jobs = [read_job(record) for record in records]
    server.store.finish(jobs, at=server.stamp())
    run.close()
    numbers = ", ".join(str(job.number) for job in jobs)
    return f"job {numbers} was interrupted after its proof and is finished now"


def _take_back(server: Server, run: Run, say: Say) -> str:
    say("an earlier run stopped in the middle: taking it back")
    try:
        run.take_back()
    except OSError as error:
        raise NotRestored(
            f"A run that stopped in the middle cannot be taken back: {error}",
            hint="Make the file system writable and free some space, then run this again.",
        ) from error
    problem = settling.settle(server.apache, say)
    if problem:
        raise NotRestored(
            f"A run stopped in the middle; its files are as before, but {problem}",
            hint=f"Type: {server.config.restart_program}   and then: origin-pulls jobs",
        )
    numbers = cast(list[int], run.record.get("jobs", []))
    jobs = [job for number in numbers if (job := server.store.job(int(number)))]
    server.store.finish([_restored(job) for job in jobs], at=server.stamp())
    run.close()
    return f"job {', '.join(map(str, numbers))} was interrupted and is taken back"


def _close_untouched(server: Server) -> str:
    """Jobs that had begun without a journal had touched nothing."""
    begun = server.store.jobs(states=[State.RUNNING])
    if not begun:
        return ""
    server.store.finish([_restored(job) for job in begun], at=server.stamp())
    return f"job {', '.join(str(job.number) for job in begun)} was interrupted before any change"


def _restored(job: Job) -> Job:
    items = tuple(
        replace(item, state=State.RESTORED, message=TAKEN_BACK, hint=AGAIN) for item in job.items
    )
    return replace(job, items=items, state=State.RESTORED, message=TAKEN_BACK, hint=AGAIN)
