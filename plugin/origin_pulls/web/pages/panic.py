"""The panic button: no vhost demands anything any more."""

from __future__ import annotations

import logging

from flask import Blueprint, request
from werkzeug.wrappers import Response

from origin_pulls.actions import desk
from origin_pulls.actions import pages as reading
from origin_pulls.errors import OriginPullsError, Refused, Unanswered
from origin_pulls.model.policy import Mode
from origin_pulls.model.rows import Question
from origin_pulls.web.answers import page, say
from origin_pulls.web.routing import go
from origin_pulls.web.settled import asking, config

logger = logging.getLogger(__name__)

pages = Blueprint("panic", __name__)


@pages.get("/relax")
def ask() -> str:
    """What relaxing everything means, and the question whether to do it."""
    return _asked(None)


def _demanding() -> int | None:
    """How many vhosts ask for a certificate; unknown where the store cannot be read."""
    try:
        modes = reading.vhost_page(config(), Question(per_page=1)).modes
    except OriginPullsError as error:
        logger.warning("%s", error.message)
        return None
    return sum(modes.get(mode, 0) for mode in (Mode.OBSERVE, Mode.ENFORCE))


@pages.post("/relax")
def relax() -> str | Response:
    """Relax everything, if that was confirmed."""
    if request.form.get("sure") != "yes":
        return go("panic.ask", said=say("Tick the box first: then everything is relaxed."))
    try:
        done = desk.relax(config(), asking())
    except (Refused, Unanswered) as error:
        # What to type does not need whoever did not answer here.
        return _asked(error)
    return page("relaxed.html", "Relaxed", done=done)


def _asked(problem: OriginPullsError | None) -> str:
    return page(
        "relax.html",
        "Relax everything",
        demanding=_demanding(),
        problem=problem,
        is_unsure=isinstance(problem, Unanswered),
    )
