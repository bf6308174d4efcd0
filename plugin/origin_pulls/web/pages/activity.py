"""Activity: who did what, when, from where."""

from __future__ import annotations

from flask import Blueprint, request

from origin_pulls.actions import pages as reading
from origin_pulls.errors import Unusable
from origin_pulls.model.caller import ITSELF
from origin_pulls.web.answers import page
from origin_pulls.web.settled import config

pages = Blueprint("activity", __name__)

LONGEST = 100


@pages.get("/activity")
def activity() -> str:
    """What was asked of this server, newest first."""
    given = {name: request.args.get(name, "")[:LONGEST] for name in ("who", "search", "kind")}
    found = reading.activity_page(
        config(),
        who=given["who"],
        search=given["search"],
        kind=given["kind"],
        page=_number(),
    )
    return page("activity.html", "Activity", found=found, given=given, itself=ITSELF)


def _number() -> int:
    text = request.args.get("page", "1")
    if not (text.isascii() and text.isdecimal() and len(text) < 7 and int(text) > 0):
        raise Unusable("There is no such page", hint="Pages are numbered from 1.")
    return int(text)
