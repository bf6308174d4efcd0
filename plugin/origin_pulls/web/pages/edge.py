"""Cloudflare's side of one vhost: what it does now, asked there, and a new certificate."""

from __future__ import annotations

from flask import Blueprint, request
from werkzeug.wrappers import Response

from origin_pulls.actions import desk, drafting
from origin_pulls.actions import pages as reading
from origin_pulls.errors import Refused
from origin_pulls.model.policy import Mode, Policy
from origin_pulls.model.rows import VhostRow
from origin_pulls.model.settings import Permission
from origin_pulls.model.wish import Change, Rotate, Wanted
from origin_pulls.web.answers import page, part, say, say_not
from origin_pulls.web.pages import addressed
from origin_pulls.web.routing import go
from origin_pulls.web.settled import account, asking, config

pages = Blueprint("edge", __name__)


def now(row: VhostRow) -> dict[str, object]:
    """What Cloudflare does for a vhost, as the part of the page wants it; or why nobody knows."""
    try:
        seen = desk.edge(config(), asking(), row.user, row.server_name)
    except Refused as error:
        return {"row": row, "seen": None, "problem": error}
    return {"row": row, "seen": seen, "problem": None}


@pages.get("/vhosts/<user>/<name>/edge")
def look(user: str, name: str) -> str:
    """The part of a vhost's page that says what Cloudflare does now."""
    return part("parts/edge_now.html", **now(addressed.vhost(f"{user}/{name}")))


@pages.get("/vhosts/<user>/<name>/rotate")
def review(user: str, name: str) -> str:
    """What a new certificate means, and the question whether to bring it."""
    row = addressed.vhost(f"{user}/{name}")
    found = reading.at_edge(config(), row.user, row.server_name, account=account())
    kept = desk.show(config(), asking(), row.user, row.server_name)["kept"]
    is_imported = any(one["imported"] and one["zone"] for one in kept)
    may = reading.settings(config()).accounts_may is Permission.EVERYTHING and not row.locked
    return page(
        "rotate.html",
        "New certificate",
        row=row,
        edge=found,
        is_imported=is_imported,
        may=may or not account(),
    )


@pages.post("/vhosts/<user>/<name>/rotate")
def rotate(user: str, name: str) -> Response:
    """Have a new certificate brought to Cloudflare, and the old one taken away."""
    row = addressed.vhost(f"{user}/{name}")
    is_made_here = request.form.get("made_here") == "yes"
    wish = Rotate(row.user, row.server_name, is_made_here=is_made_here)
    try:
        number = desk.submit(config(), asking(), wish)
    except Refused as error:
        said = say_not("Nothing was done", error)
        return go("edge.review", user=user, name=name, said=said)
    return go("jobs.job", number=number)


@pages.post("/vhosts/<user>/<name>/tidy")
def tidy(user: str, name: str) -> Response:
    """Have deleted what lies at Cloudflare for a vhost that is off, presented to nobody."""
    row = addressed.vhost(f"{user}/{name}")
    policy = drafting.policies(config(), [(row.user, row.server_name)]).get(row.key, Policy())
    if policy.mode is not Mode.OFF:
        said = say("Nothing was done: it is not off any more. Switch it off first.")
        return go("vhost.vhost", user=user, name=name, said=said)
    wish = Change((Wanted(row.user, row.server_name, policy),), asking().user, removes=True)
    return go("jobs.job", number=desk.submit(config(), asking(), wish))
