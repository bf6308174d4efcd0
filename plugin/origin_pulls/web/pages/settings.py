"""Settings: defaults, what account holders may do, limits."""

from __future__ import annotations

from flask import Blueprint, request
from werkzeug.wrappers import Response

from origin_pulls.actions import desk
from origin_pulls.actions import pages as reading
from origin_pulls.errors import Refused, Unusable
from origin_pulls.model.settings import CHOICES, NUMBERS, TITLES, Settings
from origin_pulls.web.answers import page, say
from origin_pulls.web.routing import go
from origin_pulls.web.settled import asking, config

pages = Blueprint("settings", __name__)


@pages.get("/settings")
def settings() -> str:
    """The settings in force, in a form."""
    values = reading.settings(config()).as_record()
    return page(
        "settings.html",
        "Settings",
        values=values,
        choices=CHOICES,
        numbers=NUMBERS,
        titles=TITLES,
    )


@pages.post("/settings")
def change() -> Response:
    """Set what the form says."""
    known = Settings().as_record()
    values = {name: text for name, text in request.form.items() if name in known}
    try:
        desk.change_settings(config(), asking(), values)
    except (Refused, Unusable) as error:
        return go("settings.settings", said=say(f"Not saved: {error.message}. {error.hint}"))
    return go("settings.settings", said=say("Saved."))
