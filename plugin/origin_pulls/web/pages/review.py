"""Review and apply: what is staged, what it would do, and the one button that does it."""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass, replace

from flask import Blueprint, request
from werkzeug.wrappers import Response

from origin_pulls.actions import desk, drafting
from origin_pulls.actions import pages as reading
from origin_pulls.errors import OriginPullsError, Refused, Unusable
from origin_pulls.model import wish as wishes
from origin_pulls.model.policy import Mode, Policy, read_policy
from origin_pulls.model.settings import NUMBERS, Settings
from origin_pulls.model.wish import Change, Wanted
from origin_pulls.web.answers import page, say, say_not
from origin_pulls.web.drafts import Staged
from origin_pulls.web.pages import addressed
from origin_pulls.web.routing import go
from origin_pulls.web.settled import account, asking, config, drafts

logger = logging.getLogger(__name__)

pages = Blueprint("review", __name__)
PRINT = 64  # characters of the agent's fingerprint
NOT_REVIEWED = Refused(
    "What is staged, or how it is to be done, is not what was reviewed",
    hint="Review it again, then apply.",
)


@dataclass(frozen=True, slots=True)
class Options:
    """What is asked besides: do the others where some are refused; the edge is ready; what is
    switched off is deleted at Cloudflare too.
    """

    is_partial: bool = False
    is_edge_ready: bool = False
    removes: bool = False

    def as_fields(self) -> dict[str, str]:
        """The options as the fields that give them again."""
        given = {
            "partial_ok": self.is_partial,
            "edge_ready": self.is_edge_ready,
            "removes": self.removes,
        }
        return {name: "yes" for name, is_set in given.items() if is_set}


@pages.get("/review")
def review() -> str:
    """What is staged would do this."""
    staged = drafts().staged(asking().user)
    settings, options, after = reading.settings(config()), _options(), addressed.place()
    if not staged:
        return page("review.html", "Review", staged=[], preview=None, options=options)
    refused, asked = None, ""
    try:
        wish = _wish(staged, settings, options)
        asked = _asked(wish)
        preview = desk.preview(config(), asking(), wish, after)
    except OriginPullsError as error:
        # Of one vhost, or of so many at once: they can be left out here.
        preview, refused = None, error
    return page(
        "review.html",
        "Review",
        staged=staged,
        preview=preview,
        reviewed=f"{preview.fingerprint}{asked}" if preview else "",
        refused=refused,
        options=options,
        settings=settings,
        after=after,
        enforces=any(one.wish.get("mode") == Mode.ENFORCE for one in staged),
        ends=all(one.wish.get("mode") == Mode.OFF for one in staged),
    )


@pages.post("/apply")
def apply() -> Response:
    """Have what was reviewed carried out; the agent compares it with what it finds."""
    reviewed = request.form.get("fingerprint", "")
    minutes = _minutes(request.form.get("revert_minutes", "0"))
    if not reviewed:
        raise Unusable("This was not reviewed", hint="Open the review and apply it there.")
    with drafts().alone(asking().user):
        staged = drafts().staged(asking().user)
        if not staged:
            return _applied_already(reviewed)
        wish = _wish(staged, reading.settings(config()), _options())
        if reviewed[PRINT:] != _asked(wish):
            return _not_applied(NOT_REVIEWED)
        wish = replace(wish, fingerprint=reviewed[:PRINT], revert_minutes=minutes)
        try:
            number = desk.submit(config(), asking(), wish)
        except Refused as error:
            return _not_applied(error)
        _forget(staged, reviewed, number)
    return go("jobs.job", number=number)


def _applied_already(reviewed: str) -> Response:
    """To the job that the same review made a moment ago, if it was pressed twice."""
    number = drafts().job_of(asking().user, reviewed)
    if number:
        return go("jobs.job", number=number)
    return go("review.review", said=say("Nothing is staged any more."))


def _not_applied(error: Refused) -> Response:
    said = say_not("Not applied", error)
    return go("review.review", said=said, **_options().as_fields())


def _forget(staged: list[Staged], reviewed: str, number: int) -> None:
    try:
        drafts().applied(asking().user, staged, reviewed, number)
    except OriginPullsError as error:
        # The job is on its way: that is what has to be seen.
        logger.warning("job %d is still staged: %s", number, error.message)


@pages.post("/drop")
def drop() -> Response:
    """Leave one vhost out of what is staged."""
    drafts().unstage(asking().user, [addressed.key(request.form.get("key", ""))])
    return go("review.review", **_options().as_fields())


def _asked(wish: Change) -> str:
    """A word for what is asked, and how, as it stands in the review beside the agent's own."""
    return hashlib.sha256(wishes.write(wish)).hexdigest()[:16]


def _options() -> Options:
    given = request.values
    return Options(
        is_partial=given.get("partial_ok") == "yes",
        # Whether Cloudflare presents a certificate is the administrator's word, nobody else's.
        is_edge_ready=given.get("edge_ready") == "yes" and not account(),
        removes=given.get("removes") == "yes",
    )


def _wish(staged: list[Staged], settings: Settings, options: Options) -> Change:
    keys = [(one.user, one.server_name) for one in staged]
    in_force = drafting.policies(config(), keys)
    items = [
        Wanted(one.user, one.server_name, _wanted(one, in_force.get(one.key), settings, options))
        for one in staged
    ]
    is_off = all(one.policy.mode is Mode.OFF for one in items)
    return Change(
        tuple(items),
        asking().user,
        is_partial=options.is_partial,
        removes=options.removes and is_off,
    )


def _wanted(staged: Staged, now: Policy | None, settings: Settings, options: Options) -> Policy:
    """The whole policy that a staged change means for a vhost with this one in force."""
    wish = dict(staged.wish)
    if wish == {"mode": "off"}:
        return Policy()
    is_new = now is None or now.mode is Mode.OFF
    start = settings.first_policy(Mode(str(wish["mode"]))) if is_new or now is None else now
    policy = read_policy({**start.as_record(), **wish})
    is_said = policy.mode is Mode.ENFORCE and options.is_edge_ready
    return policy.vouched(now or Policy(), is_said=is_said)


def _minutes(text: str) -> int:
    least, most = NUMBERS["revert_minutes"]
    if not (text.isascii() and text.isdecimal() and len(text) < 6 and least <= int(text) <= most):
        raise Unusable("That is no number of minutes", hint=f"{least} to {most}.")
    return int(text)
