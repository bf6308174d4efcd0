"""Domains: the list with its switches, and what is staged from it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

from flask import Blueprint, Response, request
from werkzeug.wrappers import Response as Answer

from origin_pulls.actions import pages as reading
from origin_pulls.errors import Unusable
from origin_pulls.model import names
from origin_pulls.model.policy import Mode
from origin_pulls.model.rows import Sort, Standing, VhostRow, read_question
from origin_pulls.model.settings import Permission
from origin_pulls.web import facts
from origin_pulls.web.answers import is_partial, page, part, say
from origin_pulls.web.drafts import Staged
from origin_pulls.web.pages import addressed
from origin_pulls.web.refused import NotFound
from origin_pulls.web.routing import go
from origin_pulls.web.settled import account, asking, config, drafts

pages = Blueprint("domains", __name__)

ASKED = ("search", "mode", "account", "owner", "attention", "locked", "proxied", "sort", "order")
FORMS = {"csv": "text/csv", "json": "application/json"}
MOST_ROWS = 500
SHOWN = {"on": True, "off": False}


@pages.get("/")
def listing() -> str:
    """The vhosts that match, 50 a page, each with its switch."""
    question = read_question(request.args, only=account())
    found = reading.vhost_page(config(), question)
    keys = [(row.user, row.server_name) for row in found.rows]
    said_last = None if account() else facts.known(config())
    return page(
        "domains.html",
        "Origin Pulls",
        found=found,
        question=question,
        asked=_asked(request.args),
        staged=drafts().staged_for(asking().user, keys),
        settings=reading.settings(config()),
        switched_on=switched_on(),
        facts=said_last,
        facts_are_old=facts.is_old(config(), said_last, time.monotonic()),
        sorts=Sort,
        standings=Standing,
    )


@pages.post("/stage")
def stage() -> str | Answer:
    """Note what the switches, or the buttons for what is selected, say."""
    if request.form.get("do", "switches") == "switches":
        on = set(request.form.getlist("on"))
        shown = [_as_shown(text) for text in request.form.getlist("row")[:MOST_ROWS]]
        rows = [row for row, _ in shown]
        _note_switches([row for row, was_on in shown if was_on is not (row.key in on)], on)
    else:
        rows = []
        if not _note_mode(_mode(request.form["do"])):
            said = say("Nothing is selected. Tick the domains first, then press the button.")
            return go("domains.listing", said=said, **_asked(request.form))
    if is_partial():
        keys = [(row.user, row.server_name) for row in rows]
        return part("parts/staged.html", rows=rows, staged=drafts().staged_for(_me(), keys))
    said = say(f"{drafts().count(_me()):,} staged. Nothing happens before you apply.")
    return go("domains.listing", said=said, **_asked(request.form))


@pages.post("/discard")
def discard() -> Answer:
    """Forget all that is staged."""
    drafts().discard(_me())
    return go("domains.listing", said=say("What was staged is forgotten; nothing was changed."))


@pages.get("/export")
def export() -> Response:
    """All that match, as a file."""
    form = request.args.get("form", "csv")
    if form not in FORMS:
        raise Unusable("There is no such form of export", hint="Choose csv or json.")
    question = read_question(request.args, only=account())
    answer = Response("".join(reading.export(config(), question, form)), mimetype=FORMS[form])
    answer.headers["Content-Disposition"] = f'attachment; filename="origin-pulls.{form}"'
    return answer


def switched_on() -> Mode:
    """The mode that a switch stands for: what the caller may do at most."""
    may = reading.settings(config()).accounts_may
    return Mode.OBSERVE if account() and may is Permission.OBSERVE else Mode.ENFORCE


def _me() -> str:
    return asking().user


def _asked(given: Mapping[str, str]) -> dict[str, str]:
    """The question of a request as the fields that ask it again."""
    return {name: given[name] for name in ASKED if given.get(name)}


def _mode(text: str) -> Mode:
    try:
        return Mode(text)
    except ValueError as error:
        raise Unusable(f"{names.shown(text)} is no mode", hint=f"{', '.join(Mode)}.") from error


def _as_shown(text: str) -> tuple[VhostRow, bool | None]:
    """A row of the list, and whether its switch was on when it was shown.

    ``KEY:on`` and ``KEY:off`` stand in the list, which may be old: what somebody else changed since
    is no switch that was moved. A script sends ``KEY`` alone, when a switch is moved.
    """
    key, mark, was = text.partition(":")
    if mark and was not in SHOWN:
        raise NotFound("There is no such vhost", hint="Look at the list of domains.")
    return addressed.vhost(key), SHOWN.get(was)


def _note_switches(rows: Sequence[VhostRow], on: set[str]) -> None:
    """Stage what differs from what is in force, and forget what does no more."""
    wanted = {row.key: _switched(row, is_on=row.key in on) for row in rows}
    changed = [row for row in rows if wanted[row.key] is not row.mode]
    same = [(row.user, row.server_name) for row in rows if wanted[row.key] is row.mode]
    staged = drafts().staged_for(_me(), same)
    drafts().unstage(_me(), [one for one in same if "/".join(one) in staged])
    _stage([Staged(r.user, r.server_name, {"mode": str(wanted[r.key])}) for r in changed])


def _switched(row: VhostRow, *, is_on: bool) -> Mode:
    """What the switch of a row means: a switch that was not moved changes nothing."""
    on = switched_on()
    if is_on == (row.mode in (on, Mode.ENFORCE)):
        return row.mode
    return on if is_on else Mode.OFF


def _note_mode(mode: Mode) -> int:
    """Stage one mode for all that is selected, or that match the question; how many these are."""
    if request.form.get("all") == "yes":
        question = replace(read_question(_asked(request.form), only=account()), page=1)
        keys = reading.matching(config(), question, most=config().staged_most)
    else:
        rows = [addressed.vhost(key) for key in request.form.getlist("pick")[:MOST_ROWS]]
        keys = [(row.user, row.server_name) for row in rows]
    _stage([Staged(user, server_name, {"mode": str(mode)}) for user, server_name in keys])
    return len(keys)


def _stage(changes: Sequence[Staged]) -> None:
    if changes:
        drafts().stage(_me(), changes, time.time())
