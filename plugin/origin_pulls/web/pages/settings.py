"""Settings: defaults, what account holders may do, limits."""

from __future__ import annotations

from collections.abc import Mapping

from flask import Blueprint, request
from werkzeug.wrappers import Response

from origin_pulls.actions import desk
from origin_pulls.actions import pages as reading
from origin_pulls.errors import Refused, Unusable
from origin_pulls.model.settings import CHOICES, NUMBERS, TITLES, Settings
from origin_pulls.web.answers import not_done, page, say
from origin_pulls.web.drafts import Said
from origin_pulls.web.routing import go
from origin_pulls.web.settled import asking, config

pages = Blueprint("settings", __name__)


@pages.get("/settings")
def settings() -> str:
    """The settings in force, in a form."""
    return _page({})


def _page(typed: Mapping[str, str], **values: object) -> str:
    """The form with what was typed in place of what is in force."""
    return page(
        "settings.html",
        "Settings",
        values={**reading.settings(config()).as_record(), **typed},
        choices=CHOICES,
        numbers=NUMBERS,
        titles=TITLES,
        **values,
    )


@pages.post("/settings")
def change() -> str | Response:
    """Set what the form says; what is wrong in it is said above it."""
    known = Settings().as_record()
    values = {name: text for name, text in request.form.items() if name in known}
    try:
        desk.change_settings(config(), asking(), values)
    except (Refused, Unusable) as error:
        return _page(values, said=Said(not_done("Not saved", error), is_bad=True))
    return go("settings.settings", said=say("Saved."))
