"""Refusals that are the pages' own, each with a status of its own.

All other refusals (the agent's, and of what was typed) are ordinary answers: no panel promises to
leave the page of an error alone, and their hints must be read.
"""

from __future__ import annotations

from origin_pulls.errors import Refused


class Forbidden(Refused):
    """Who asks has no business here, or the form was not ours."""


class NotFound(Refused):
    """There is nothing of this name, at least not for who asks."""


class TooMany(Refused):
    """More requests than one person may send; the next seconds will do."""
