"""Doctor: how it stands with the server, and what to do."""

from __future__ import annotations

import time

from flask import Blueprint

from origin_pulls.actions import desk
from origin_pulls.model.checks import Health
from origin_pulls.web import facts
from origin_pulls.web.answers import page, part
from origin_pulls.web.settled import asking, config

pages = Blueprint("doctor", __name__)

WORST_FIRST = (Health.BAD, Health.WARNING, Health.UNKNOWN, Health.GOOD)


@pages.get("/doctor")
def doctor() -> str:
    """All checks, made now."""
    is_away = False
    try:
        checks = desk.doctor(config(), asking())
        facts.keep(config(), checks, time.monotonic())
    except desk.Away:
        checks, is_away = [desk.AGENT_AWAY], True
    ordered = sorted(checks, key=lambda check: WORST_FIRST.index(check.state))
    counts = {state: sum(check.state is state for check in checks) for state in WORST_FIRST}
    return page("doctor.html", "Doctor", checks=ordered, counts=counts, is_away=is_away)


@pages.get("/facts")
def server_facts() -> str:
    """What is known of the server itself, asked of the agent when nobody asked lately."""
    found = facts.asked(config(), asking(), time.monotonic())
    return part("parts/facts.html", facts=found)
