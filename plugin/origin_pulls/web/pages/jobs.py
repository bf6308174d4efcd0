"""Jobs: progress while one runs, what came of it, and the way back."""

from __future__ import annotations

import time

from flask import Blueprint, request
from werkzeug.wrappers import Response

from origin_pulls.actions import desk
from origin_pulls.actions import pages as reading
from origin_pulls.errors import Refused
from origin_pulls.model.job import STEP, State
from origin_pulls.model.wish import Undo
from origin_pulls.web.answers import page, part, say, say_not
from origin_pulls.web.drafts import Staged
from origin_pulls.web.pages import addressed
from origin_pulls.web.routing import go
from origin_pulls.web.settled import account, asking, config, drafts

pages = Blueprint("jobs", __name__)


@pages.get("/jobs")
def jobs() -> str:
    """The newest jobs."""
    return page("jobs.html", "Jobs", rows=reading.job_rows(config(), account=account()))


@pages.get("/jobs/<int:number>")
def job(number: int) -> str:
    """One job: its progress, its vhosts, its outcome."""
    found = addressed.job(number)
    of = "step" if found.job.kind == STEP else "undo"
    other = f": {of} of job {found.job.undoes}" if found.job.undoes else ""
    return page("job.html", f"Job {number}{other}", found=found)


@pages.get("/jobs/<int:number>/progress")
def progress(number: int) -> str:
    """The part of a job's page that changes while it runs."""
    found = addressed.job(number)
    return part("parts/progress.html", found=found)


@pages.get("/jobs/<int:number>/undo/review")
def undo_review(number: int) -> str:
    """What taking a job back would do."""
    found, after = addressed.job(number), addressed.place()
    preview = desk.preview(config(), asking(), _undo(number), after)
    return page(
        "undo.html",
        f"Undo job {number}?",
        preview=preview,
        number=number,
        count=sum(found.counts.values()),
        after=after,
        options=_options(_undo(number)),
        # Whoever said so of what the job ended has to say it anew.
        was_said=any(
            one.before.policy.edge_ready and not one.wanted.edge_ready for one in found.items
        ),
    )


@pages.post("/jobs/<int:number>/undo")
def undo(number: int) -> Response:
    """Take a job back, by a job of its own."""
    addressed.job(number)
    try:
        undone_by = desk.submit(config(), asking(), _undo(number))
    except Refused as error:
        return go("jobs.job", number=number, said=say_not("Not undone", error))
    return go("jobs.job", number=undone_by)


@pages.post("/jobs/<int:number>/confirm")
def confirm(number: int) -> Response:
    """Let a job stay that would go back by itself."""
    addressed.job(number)
    try:
        desk.confirm(config(), asking(), number)
    except Refused as error:
        return go("jobs.job", number=number, said=say_not("Not confirmed", error))
    return go("jobs.job", number=number, said=say("Confirmed: it stays."))


@pages.post("/jobs/<int:number>/cancel")
def cancel(number: int) -> Response:
    """Have a job taken back that is on its way at Cloudflare."""
    addressed.job(number)
    try:
        desk.cancel(config(), asking(), number)
    except Refused as error:
        return go("jobs.job", number=number, said=say_not("Not cancelled", error))
    return go("jobs.job", number=number, said=say("Cancelled: what it did is being taken back."))


@pages.post("/jobs/<int:number>/again")
def again(number: int) -> Response:
    """Stage once more what a job asked for, to review it as things are now."""
    found = addressed.job(number)
    staged = [
        Staged(item.user, item.server_name, item.wanted.as_record())
        for item in found.items
        if item.state is not State.DONE
    ]
    drafts().stage(asking().user, staged, time.time())
    return go("review.review")


def _undo(number: int) -> Undo:
    given = request.values
    return Undo(
        number,
        asking().user,
        fingerprint=given.get("fingerprint", ""),
        is_partial=given.get("partial_ok") == "yes",
        # Whether Cloudflare presents a certificate is the administrator's word, nobody else's.
        is_edge_ready=given.get("edge_ready") == "yes" and not account(),
    )


def _options(undo: Undo) -> dict[str, str]:
    """What is asked of an undo besides, as the fields that give it again."""
    given = {"partial_ok": undo.is_partial, "edge_ready": undo.is_edge_ready}
    return {name: "yes" for name, is_set in given.items() if is_set}
