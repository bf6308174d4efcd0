"""Vhosts and jobs as addresses and fields name them, checked before anything is asked."""

from __future__ import annotations

from flask import request

from origin_pulls.actions import pages as reading
from origin_pulls.errors import Refused
from origin_pulls.model import names
from origin_pulls.model.rows import JobPage, VhostRow
from origin_pulls.model.wish import MOST_ITEMS
from origin_pulls.web.refused import NotFound
from origin_pulls.web.settled import account, config

LARGEST_NUMBER = 2**63 - 1


def place() -> int:
    """How many of a long list come before what is asked for; what makes no sense is the start."""
    text = request.args.get("after", "")
    is_number = text.isascii() and text.isdecimal() and len(text) < 7
    return min(int(text), MOST_ITEMS) if is_number else 0


def key(text: str) -> tuple[str, str]:
    """Account and ServerName of a vhost's key; ``NotFound`` when it is none."""
    user, _, server_name = text.partition("/")
    if not names.is_account(user) or not names.is_host_name(server_name):
        raise NotFound("There is no such vhost", hint="Look at the list of domains.")
    return user, server_name


def vhost(text: str) -> VhostRow:
    """The vhost of a key; for an account holder another's is as good as none."""
    user, server_name = key(text)
    try:
        return reading.vhost_row(config(), user, server_name, only=account())
    except Refused as error:
        raise NotFound(error.message, hint=error.hint) from error


def job(number: int) -> JobPage:
    """The job of a number, as far as the caller may see it."""
    if not 0 < number <= LARGEST_NUMBER:
        raise NotFound("There is no such job", hint="Look at the list of jobs.")
    try:
        return reading.job_page(config(), number, account=account())
    except Refused as error:
        raise NotFound(error.message, hint=error.hint) from error
