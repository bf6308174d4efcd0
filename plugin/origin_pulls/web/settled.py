"""What is settled when the service starts, and the views' way to it."""

from __future__ import annotations

from dataclasses import dataclass

from flask import current_app, g

from origin_pulls.config import Config
from origin_pulls.model.caller import Caller
from origin_pulls.secret import Secret
from origin_pulls.web.assets import Assets
from origin_pulls.web.caller import Side
from origin_pulls.web.drafts import Drafts
from origin_pulls.web.entrance import Entrance
from origin_pulls.web.limits import Limits


@dataclass(frozen=True, slots=True)
class Settled:
    """One side's configuration and the few things that live as long as its process."""

    config: Config
    side: Side
    key: Secret
    drafts: Drafts
    assets: Assets
    limits: Limits
    entrance: Entrance | None

    @staticmethod
    def here() -> Settled:
        """That of the application which answers the present request."""
        found = current_app.extensions["origin-pulls"]
        if not isinstance(found, Settled):
            raise TypeError("the application was not made by create_app")
        return found


def config() -> Config:
    """The server's configuration."""
    return Settled.here().config


def drafts() -> Drafts:
    """What people prepared on this side."""
    return Settled.here().drafts


def asking() -> Caller:
    """Who sent the present request."""
    found = g.caller
    if not isinstance(found, Caller):
        raise TypeError("the request was not admitted")
    return found


def account() -> str:
    """The account whose things alone may be seen; empty for an administrator, who sees all."""
    return asking().user if Settled.here().side is Side.ACCOUNT else ""
