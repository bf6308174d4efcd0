"""Tokens: what lets this server speak with Cloudflare; brought here, never shown again."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from flask import Blueprint, request
from werkzeug.wrappers import Response

from origin_pulls.actions import pages as reading
from origin_pulls.actions import token_desk
from origin_pulls.errors import Refused, Unusable
from origin_pulls.web.answers import not_done, page, say, say_not
from origin_pulls.web.drafts import Said
from origin_pulls.web.routing import go
from origin_pulls.web.settled import account, asking, config

pages = Blueprint("tokens", __name__)

NOTHING: Mapping[str, str] = MappingProxyType({})


@pages.get("/tokens")
def tokens() -> str:
    """The tokens that are kept, masked, and a form to bring another."""
    return _page()


def _page(typed: Mapping[str, str] = NOTHING, **values: object) -> str:
    """The page; ``typed`` is what its form to bring a token holds."""
    kept = token_desk.listing(config(), asking())
    return page(
        "tokens.html",
        "Tokens",
        tokens=kept,
        settings=reading.settings(config()),
        in_use=reading.zones_in_use(config(), {one.owner for one in kept}),
        typed=typed,
        **values,
    )


@pages.post("/tokens")
def add() -> str | Response:
    """Have a token verified and kept; what is wrong is said above the form, which stays."""
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
        wrong = Said(not_done("Not kept", error), is_bad=True)
        return _page(typed=given, said=wrong)
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
        return go("tokens.tokens", said=say_not("Not replaced", error))
    text = f"Replaced: token {kept.masked} is used from now on. Revoke the old one at Cloudflare."
    return go("tokens.tokens", said=say(text))


@pages.get("/tokens/check")
def check() -> str:
    """What Cloudflare says now of each token: the zones that it reaches, and what it lacks."""
    try:
        reach, problem = token_desk.check(config(), asking()), None
    except Refused as error:
        reach, problem = None, error
    return _page(is_asked=True, reach=reach, problem=problem)


@pages.get("/tokens/<number>/forget")
def forget(number: str) -> str | Response:
    """What forgetting a token would mean, and the question whether to do it."""
    try:
        token, lost = token_desk.forgetting(config(), asking(), number)
    except (Refused, Unusable) as error:
        return go("tokens.tokens", said=say_not("Not forgotten", error))
    return page("forget.html", "Forget a token?", kept=token, lost=lost)


@pages.post("/tokens/<number>/remove")
def remove(number: str) -> Response:
    """Have a token forgotten."""
    try:
        gone, lost = token_desk.remove(config(), asking(), number)
    except (Refused, Unusable) as error:
        return go("tokens.tokens", said=say_not("Not forgotten", error))
    text = f"Token {gone.masked} is forgotten here. Revoke it at Cloudflare too. {lost}".strip()
    return go("tokens.tokens", said=say(text))
