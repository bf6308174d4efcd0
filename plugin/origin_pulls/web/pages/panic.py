"""The panic button: no vhost demands anything any more."""

from __future__ import annotations

from flask import Blueprint, request
from werkzeug.wrappers import Response

from origin_pulls.actions import desk
from origin_pulls.actions import pages as reading
from origin_pulls.errors import Refused
from origin_pulls.model.policy import Mode
from origin_pulls.model.rows import Question
from origin_pulls.web.answers import page, say
from origin_pulls.web.routing import go
from origin_pulls.web.settled import asking, config

pages = Blueprint("panic", __name__)


@pages.get("/relax")
def ask() -> str:
    """What relaxing everything means, and the question whether to do it."""
    return _asked(None)


@pages.post("/relax")
def relax() -> str | Response:
    """Relax everything, if that was confirmed."""
    if request.form.get("sure") != "yes":
        return go("panic.ask", said=say("Tick the box first: then everything is relaxed."))
    try:
        done = desk.relax(config(), asking())
    except Refused as error:
        # What to type does not need whoever did not answer here.
        return _asked(error)
    return page("relaxed.html", "Relaxed", done=done)


def _asked(problem: Refused | None) -> str:
    found = reading.vhost_page(config(), Question(per_page=1))
    demanding = sum(found.modes.get(mode, 0) for mode in (Mode.OBSERVE, Mode.ENFORCE))
    return page("relax.html", "Relax everything", demanding=demanding, problem=problem)
