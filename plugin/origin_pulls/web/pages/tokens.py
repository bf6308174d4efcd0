"""Tokens: what lets this server speak with Cloudflare; brought here, never shown again."""

from __future__ import annotations

from flask import Blueprint, request
from werkzeug.wrappers import Response

from origin_pulls.actions import pages as reading
from origin_pulls.actions import token_desk
from origin_pulls.errors import Refused, Unusable
from origin_pulls.web.answers import page, say
from origin_pulls.web.routing import go
from origin_pulls.web.settled import account, asking, config

pages = Blueprint("tokens", __name__)


@pages.get("/tokens")
def tokens() -> str:
    """The tokens that are kept, masked, and a form to bring another."""
    kept = token_desk.listing(config(), asking())
    return page("tokens.html", "Tokens", tokens=kept, settings=reading.settings(config()))


@pages.post("/tokens")
def add() -> Response:
    """Have a token verified and kept."""
    given = request.form
    owner = account() or given.get("account", "").strip()
    try:
        kept = token_desk.add(
            config(),
            asking(),
            given.get("secret", ""),
            account=owner,
            label=given.get("label", ""),
        )
    except (Refused, Unusable) as error:
        return go("tokens.tokens", said=say(f"Not kept: {error.message}. {error.hint}"))
    return go("tokens.tokens", said=say(f"Cloudflare accepts it: token {kept.masked} is kept."))


@pages.post("/tokens/<number>/replace")
def replace(number: str) -> Response:
    """Have a token verified and kept in the place of this one."""
    try:
        known = token_desk.listing(config(), asking())
        owner = next((one.owner for one in known if one.id == number), account())
        kept = token_desk.add(
            config(), asking(), request.form.get("secret", ""), account=owner, replaces=number
        )
    except (Refused, Unusable) as error:
        return go("tokens.tokens", said=say(f"Not replaced: {error.message}. {error.hint}"))
    text = f"Replaced: token {kept.masked} is used from now on. Revoke the old one at Cloudflare."
    return go("tokens.tokens", said=say(text))


@pages.post("/tokens/<number>/remove")
def remove(number: str) -> Response:
    """Have a token forgotten."""
    try:
        gone, lost = token_desk.remove(config(), asking(), number)
    except (Refused, Unusable) as error:
        return go("tokens.tokens", said=say(f"{error.message}. {error.hint}"))
    text = f"Token {gone.masked} is forgotten here. Revoke it at Cloudflare too. {lost}".strip()
    return go("tokens.tokens", said=say(text))
