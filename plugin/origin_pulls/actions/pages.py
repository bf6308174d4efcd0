"""What the pages read from the store, page by page; no lock, no root, no agent is needed.

An account holder's page gives ``only`` (or ``account``) on each question: nothing of another
account is in the answer, whatever number or name is asked for.
"""

from __future__ import annotations

from collections.abc import Iterator

from origin_pulls.config import Config
from origin_pulls.model.rows import (
    ActivityPage,
    JobPage,
    JobRow,
    Question,
    VhostPage,
    VhostRow,
)
from origin_pulls.model.settings import Settings

MOST_SELECTED = 10_000


def vhost_page(config: Config, question: Question) -> VhostPage:
    """One page of vhosts with their counts."""
    raise NotImplementedError


def vhost_row(config: Config, user: str, server_name: str, *, only: str = "") -> VhostRow:
    """One vhost; ``Refused`` when there is none, or none that the caller may see."""
    raise NotImplementedError


def matching(
    config: Config, question: Question, *, most: int = MOST_SELECTED
) -> list[tuple[str, str]]:
    """(account, ServerName) of all that match, for *select all matching*; page is ignored.

    ``Refused`` when more than ``most`` match.
    """
    raise NotImplementedError


def export(config: Config, question: Question, form: str) -> Iterator[str]:
    """All that match as text, in pieces: ``form`` is ``csv`` or ``json``."""
    raise NotImplementedError


def job_page(config: Config, number: int, *, after: int = 0, account: str = "") -> JobPage:
    """A job with its progress after line ``after``; ``Refused`` when there is none to be seen."""
    raise NotImplementedError


def job_rows(config: Config, *, account: str = "", most: int = 50) -> list[JobRow]:
    """The newest jobs."""
    raise NotImplementedError


def activity_page(
    config: Config,
    *,
    account: str = "",
    who: str = "",
    search: str = "",
    kind: str = "",
    page: int = 1,
    per_page: int = 50,
) -> ActivityPage:
    """Who did what, newest first. ``account`` bounds it to what concerns that account."""
    raise NotImplementedError


def settings(config: Config) -> Settings:
    """The settings in force."""
    raise NotImplementedError
