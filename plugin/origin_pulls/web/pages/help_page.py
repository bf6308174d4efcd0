"""Help: the four authentications in one picture, and what to do when locked out."""

from __future__ import annotations

from flask import Blueprint

from origin_pulls.web.answers import page

pages = Blueprint("help", __name__)


@pages.get("/help")
def help_page() -> str:
    """The explanation."""
    return page("help.html", "Help")
