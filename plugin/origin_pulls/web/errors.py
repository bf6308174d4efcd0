"""Errors as pages: what is so, what it means, what to do, and a number to find it by."""

from __future__ import annotations

import logging
import secrets

from flask import Flask, g, request
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from origin_pulls.errors import OriginPullsError, Unusable
from origin_pulls.model import rights
from origin_pulls.web.answers import is_partial, page, part
from origin_pulls.web.caller import Side
from origin_pulls.web.refused import Forbidden, NotFound, TooMany
from origin_pulls.web.settled import Settled

logger = logging.getLogger(__name__)

STATUSES: dict[type[OriginPullsError], int] = {Forbidden: 403, NotFound: 404, TooMany: 429}
WORDS = {
    400: ("This cannot be understood", "Go back and check what was typed."),
    404: ("There is no such page", "It may have been removed, or it is not yours to see."),
    405: ("This page is not asked that way", "Open it from the menu."),
    413: ("That is too much at once", "A form may hold 1 MiB. Send less; nothing was changed."),
}
AWAY = "As root: `systemctl status origin-pulls-agent`, then try again."
AWAY_FOR_ACCOUNTS = "Try again in a minute; if it stays so, tell your provider."
UNCHANGED = "Nothing was changed by it."
UNKNOWN = "What you asked for may be done all the same: look at `origin-pulls jobs` first."


def register(app: Flask) -> None:
    """Let every error of this application end as a page."""
    app.register_error_handler(OriginPullsError, _ours)
    app.register_error_handler(HTTPException, _of_http)
    app.register_error_handler(ConnectionError, _away)
    app.register_error_handler(Exception, _unexpected)


def _ours(error: OriginPullsError) -> tuple[str, int]:
    message, hint = error.message, error.hint
    # What was typed may be named back to who typed it.
    if Settled.here().side is Side.ACCOUNT and not isinstance(error, Unusable):
        message, hint = rights.as_told_to_accounts(message, hint)
    return _page(message, hint, STATUSES.get(type(error), 200))


def _of_http(error: HTTPException) -> tuple[str, int] | Response:
    status = error.code or 500
    if status not in WORDS:
        return error.get_response() if status < 400 else _page(error.name, "", status)
    message, hint = WORDS[status]
    return _page(message, hint, status)


def _away(error: ConnectionError) -> tuple[str, int]:
    logger.warning("the agent does not answer: %s", error)
    hint = AWAY if Settled.here().side is Side.ADMIN else AWAY_FOR_ACCOUNTS
    return _page("The agent does not answer", f"{hint} {_what_is_changed()}", 200)


def _unexpected(error: Exception) -> tuple[str, int]:
    number = secrets.token_hex(4)
    logger.error("request %s: %s %s", number, request.method, request.path, exc_info=error)
    hint = f"It is in the journal of this service as request {number}. {_what_is_changed()}"
    return _page("Something went wrong here", hint, 500)


def _what_is_changed() -> str:
    """Who only opened a page changed nothing; of a form nobody knows how far it came."""
    return UNKNOWN if request.method == "POST" else UNCHANGED


def _page(message: str, hint: str, status: int) -> tuple[str, int]:
    if is_partial():
        # A panel may put a body of its own in the place of an error's.
        return part("parts/error.html", message=message, hint=hint), 200
    g.setdefault("held", None)
    return page("error.html", "Origin Pulls", message=message, hint=hint), status
