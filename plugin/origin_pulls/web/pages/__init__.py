"""The pages, a module for each subject; a view reads, calls one action, answers."""

from __future__ import annotations

from flask import Flask

from origin_pulls.web.caller import Side
from origin_pulls.web.pages import (
    activity,
    doctor,
    domains,
    edge,
    help_page,
    jobs,
    panic,
    review,
    settings,
    tokens,
    vhost,
)

BOTH = (
    *(domains.pages, review.pages, jobs.pages, vhost.pages),
    *(edge.pages, tokens.pages, help_page.pages),
)
ADMIN = (vhost.locks, activity.pages, doctor.pages, settings.pages, panic.pages)


def register(app: Flask, side: Side) -> None:
    """Give an application the pages of its side; what is not there cannot be asked."""
    for blueprint in (*BOTH, *ADMIN) if side is Side.ADMIN else BOTH:
        app.register_blueprint(blueprint)
