"""What a person prepared and did not apply yet, and what a page has still to say.

It lies in a file of the web service's own, so that a restart loses nothing. Root never opens it:
what is applied goes to the agent as a wish, which checks all of it again.
"""

from __future__ import annotations

import json
import secrets
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from origin_pulls.errors import Refused

TABLES = """
CREATE TABLE IF NOT EXISTS staged (
    who TEXT, user TEXT, server_name TEXT, wish TEXT, at REAL,
    PRIMARY KEY (who, user, server_name)) WITHOUT ROWID;
DROP TABLE IF EXISTS said;
CREATE TABLE IF NOT EXISTS sentence (
    number TEXT PRIMARY KEY, who TEXT, text TEXT, at REAL, is_bad INTEGER);
"""
STAGED_FOR = 7 * 86400.0
SAID_FOR = 3600.0
MOST_SAID = 50  # for one person


@dataclass(frozen=True, slots=True)
class Staged:
    """A change that waits to be reviewed: the vhost and those parts of its policy that change."""

    user: str
    server_name: str
    wish: Mapping[str, object]

    @property
    def key(self) -> str:
        """Account and ServerName in one word."""
        return f"{self.user}/{self.server_name}"


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence for one page; ``is_bad`` where it tells of what was not done."""

    text: str
    is_bad: bool = False


class Drafts:
    """The drafts of all who use one side's pages; times are given, never taken."""

    def __init__(self, path: Path, *, most: int) -> None:
        self.path = path
        self.most = most
        with self._open() as connection:
            connection.executescript(TABLES)

    def stage(self, who: str, changes: Sequence[Staged], now: float) -> None:
        """Add these changes to the person's own, each in place of an earlier one."""
        with self._open() as connection:
            connection.execute("DELETE FROM staged WHERE at<?", (now - STAGED_FOR,))
            connection.executemany(
                "INSERT OR REPLACE INTO staged VALUES (?,?,?,?,?)",
                [(who, one.user, one.server_name, json.dumps(one.wish), now) for one in changes],
            )
            if self._count(connection, who) > self.most:
                raise Refused(
                    f"More than {self.most:,} changes at once",
                    hint="Apply what is staged first, or choose fewer.",
                )

    def unstage(self, who: str, keys: Sequence[tuple[str, str]]) -> None:
        """Forget these changes of the person's."""
        with self._open() as connection:
            connection.executemany(
                "DELETE FROM staged WHERE who=? AND user=? AND server_name=?",
                [(who, user, server_name) for user, server_name in keys],
            )

    def discard(self, who: str) -> None:
        """Forget all of the person's changes."""
        with self._open() as connection:
            connection.execute("DELETE FROM staged WHERE who=?", (who,))

    def count(self, who: str) -> int:
        """How many changes the person has staged."""
        with self._open() as connection:
            return self._count(connection, who)

    def staged(self, who: str) -> list[Staged]:
        """The person's changes by account and name."""
        with self._open() as connection:
            rows = connection.execute(
                "SELECT user, server_name, wish FROM staged WHERE who=? ORDER BY user, server_name",
                (who,),
            ).fetchall()
        return [Staged(user, name, json.loads(wish)) for user, name, wish in rows]

    def staged_for(self, who: str, keys: Sequence[tuple[str, str]]) -> dict[str, Staged]:
        """The person's changes to these vhosts, by key."""
        found = {}
        with self._open() as connection:
            for user, name in keys:
                row = connection.execute(
                    "SELECT wish FROM staged WHERE who=? AND user=? AND server_name=?",
                    (who, user, name),
                ).fetchone()
                if row:
                    found[f"{user}/{name}"] = Staged(user, name, json.loads(row[0]))
        return found

    def say(self, who: str, text: str, now: float, *, is_bad: bool = False) -> str:
        """Keep a sentence for the person's next page; gives the number it is called by."""
        number = secrets.token_urlsafe(9)
        with self._open() as connection:
            connection.execute("DELETE FROM sentence WHERE at<?", (now - SAID_FOR,))
            connection.execute(
                "DELETE FROM sentence WHERE who=? AND number NOT IN "
                "(SELECT number FROM sentence WHERE who=? ORDER BY at DESC LIMIT ?)",
                (who, who, MOST_SAID),
            )
            connection.execute(
                "INSERT INTO sentence VALUES (?,?,?,?,?)", (number, who, text, now, is_bad)
            )
        return number

    def said(self, who: str, number: str) -> Said | None:
        """The sentence of this number, if it was for this person; it is told once."""
        with self._open() as connection:
            row = connection.execute(
                "DELETE FROM sentence WHERE number=? AND who=? RETURNING text, is_bad",
                (number, who),
            ).fetchone()
        return Said(str(row[0]), bool(row[1])) if row else None

    def _count(self, connection: sqlite3.Connection, who: str) -> int:
        query = "SELECT COUNT(*) FROM staged WHERE who=?"
        return int(connection.execute(query, (who,)).fetchone()[0])

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        connection = sqlite3.connect(self.path, timeout=10)
        try:
            with connection:
                yield connection
        except sqlite3.DatabaseError as error:
            raise Refused(
                f"{self.path} cannot be used: {error}",
                hint="It holds only what waits to be applied: delete it and begin anew.",
            ) from error
        finally:
            connection.close()
