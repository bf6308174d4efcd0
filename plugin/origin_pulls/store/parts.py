"""The parts of an open store that a subject's own module uses."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Protocol


class Reading(Protocol):
    """Something that answers queries."""

    def rows(self, query: str, values: Sequence[object] = ()) -> list[sqlite3.Row]:
        """The rows of a query."""


class Writing(Reading, Protocol):
    """Something that is written to as well."""

    def writing(self) -> AbstractContextManager[sqlite3.Connection]:
        """One transaction."""
