"""How answers leave: framed by the panel or bare, with the headers that each needs."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from itertools import groupby
from typing import Any
from urllib.parse import quote

from flask import g, render_template, request
from markupsafe import Markup, escape
from werkzeug.wrappers import Response

from origin_pulls.errors import OriginPullsError
from origin_pulls.model import typed
from origin_pulls.model.names import domain
from origin_pulls.web import protection
from origin_pulls.web.caller import Side
from origin_pulls.web.drafts import Said
from origin_pulls.web.routing import link
from origin_pulls.web.settled import Settled, account, asking, drafts

logger = logging.getLogger(__name__)

UNREADABLE = "What you have staged cannot be read just now, so it is not shown here."
# On a framed page a policy of ours would hit the panel's own scripts; nothing of ours is inline.
POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'self'"
)
STEP = " \N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK} "
# The pages that a sentence can lead to; the last three are the administrator's.
PAGES: dict[str, tuple[str, dict[str, str]]] = {
    "tokens": ("tokens.tokens", {}),
    "domains": ("domains.listing", {}),
    "attention": ("domains.listing", {"attention": "yes"}),
    "jobs": ("jobs.jobs", {}),
    "job": ("jobs.job", {}),
    "activity": ("activity.activity", {}),
    "doctor": ("doctor.doctor", {}),
    "relax": ("panic.ask", {}),
}


def page(template: str, title: str, **values: Any) -> str:
    """A page of ours inside the panel's frame, or alone where the request asks for a part."""
    g.title = title
    return render_template(template, title=title, **values)


def part(template: str, **values: Any) -> str:
    """A piece of a page, for a script that puts it in the place of an older one."""
    return render_template(template, **values)


def is_partial() -> bool:
    """Whether a script asks, which needs a piece and no frame around it."""
    return request.args.get("partial") == "1"


def finish(response: Response) -> Response:
    """Put on an answer the headers that it leaves with."""
    headers = response.headers
    headers.setdefault("Cache-Control", "no-store")
    headers.setdefault("X-Content-Type-Options", "nosniff")
    headers.setdefault("Referrer-Policy", "same-origin")
    title = g.get("title", "")
    if not title or is_partial():
        headers.setdefault("Content-Security-Policy", POLICY)
        return response
    assets = Settled.here().assets
    headers["X-Origin-Pulls-Frame"] = quote(title, safe="")
    for name in assets.styles:
        headers.add("X-Origin-Pulls-Style", name)
    for name in assets.scripts:
        headers.add("X-Origin-Pulls-Script", name)
    return response


def say(text: str) -> str:
    """Keep a sentence for the person's next page; the number goes into its address.

    It never fails, so it can follow a deed.
    """
    return drafts().say(asking().user, text, time.time())


def say_not(what: str, error: OriginPullsError) -> str:
    """The same of what was not done, and why: it looks like the failure that it is."""
    return drafts().say(asking().user, not_done(what, error), time.time(), is_bad=True)


def not_done(what: str, error: OriginPullsError) -> str:
    """What was not done, why, and what to do, as sentences."""
    return f"{what}: {error.message.rstrip('.')}. {error.hint}".strip()


def words(text: object) -> Markup:
    """A sentence as HTML: what stands in backticks is typed, or done where these pages have it."""
    pieces = typed.TYPED.split(domain(str(text)))
    return Markup().join(
        _typed(piece) if number % 2 else escape(piece) for number, piece in enumerate(pieces)
    )


def sentence(text: str) -> Markup:
    """The same with a stop at its end, where a hint follows."""
    return words(text if text.endswith((".", "!", "?", ":")) else f"{text}.")


def _typed(text: str) -> Markup:
    spot = typed.spot(text)
    if spot is None:
        return Markup("<code>{}</code>").format(text)
    words = Markup("<strong>{}</strong>").format(spot.words.replace(" > ", STEP))
    if not spot.page or not (spot.is_for_all or Settled.here().side is Side.ADMIN):
        return words
    endpoint, values = PAGES[spot.page]
    given = values if spot.number is None else {**values, "number": spot.number}
    return Markup('<a href="{}" target="_self">{}</a>').format(link(endpoint, **given), words)


def runs(diff: str) -> Iterator[tuple[str, str]]:
    """The lines of a diff, those that follow each other under one sign together."""
    for sign, lines in groupby(diff.splitlines(), key=lambda line: line[:1]):
        yield sign, "\n".join(lines)


def common() -> dict[str, Any]:
    """What every template may use."""
    if "caller" not in g:
        return {"caller": None, "token": "", "staged_count": 0, "said": None, "is_admin": False}
    settled, caller = Settled.here(), asking()
    staged_count, said = _kept(settled, caller.user)
    return {
        "caller": caller,
        "is_admin": not account(),
        "is_closed": bool(g.get("is_closed")),  # then nothing but Help has anything to show
        "token": protection.make_token(settled.key, caller.user, time.time()),
        "staged_count": staged_count,
        "said": said,
    }


def _kept(settled: Settled, who: str) -> tuple[int, Said | None]:
    """How much the person has staged, and what is to be said; no page depends on that file."""
    number = request.args.get("said", "")
    said = None
    try:
        said = settled.drafts.said(who, number) if number else None
        return settled.drafts.count(who), said
    except OriginPullsError as error:
        logger.warning("%s", error.message)
        return 0, said or Said(UNREADABLE)
