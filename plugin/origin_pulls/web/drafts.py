"""What a person prepared and did not apply yet, and what a page has still to say.

It lies in a file of the web service's own, so that a restart loses nothing. Root never opens it:
what is applied goes to the agent as a wish, which checks all of it again.
"""

from __future__ import annotations

import json
import logging
import secrets
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from origin_pulls.errors import Refused

logger = logging.getLogger(__name__)

TABLES = """
CREATE TABLE IF NOT EXISTS staged (
    who TEXT, user TEXT, server_name TEXT, wish TEXT, at REAL,
    PRIMARY KEY (who, user, server_name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS sentence (
    number TEXT PRIMARY KEY, who TEXT, text TEXT, at REAL, is_bad INTEGER);
CREATE TABLE IF NOT EXISTS applied (who TEXT PRIMARY KEY, reviewed TEXT, job INTEGER);
"""
PATIENCE = 3.0  # seconds to wait for who has the file locked
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
    """The drafts of all who use one side's pages; times are given, never taken.

    ``life`` tells one life of a user name from another: who gets a name that was used before
    gets none of its drafts. Each question raises ``Refused`` where the file cannot be used.
    """

    def __init__(self, path: Path, *, most: int, life: Callable[[str], str] = str) -> None:
        self.path = path
        self.most = most
        self.life = life
        self._unkept: dict[str, tuple[str, Said]] = {}
        self._doors: dict[str, threading.Lock] = {}

    def stage(self, who: str, changes: Sequence[Staged], now: float) -> None:
        """Add these changes to the person's own, each in place of an earlier one."""
        who = self.life(who)
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
        who = self.life(who)
        with self._open() as connection:
            connection.executemany(
                "DELETE FROM staged WHERE who=? AND user=? AND server_name=?",
                [(who, user, server_name) for user, server_name in keys],
            )

    def discard(self, who: str) -> None:
        """Forget all of the person's changes."""
        with self._open() as connection:
            connection.execute("DELETE FROM staged WHERE who=?", (self.life(who),))

    @contextmanager
    def alone(self, who: str) -> Iterator[None]:
        """Let one request of the person's apply at a time: a second press waits for the first."""
        with self._doors.setdefault(who, threading.Lock()):
            yield

    def applied(self, who: str, changes: Sequence[Staged], reviewed: str, job: int) -> None:
        """Forget what was handed over, but for what was staged anew meanwhile; keep its job."""
        who = self.life(who)
        with self._open() as connection:
            connection.executemany(
                "DELETE FROM staged WHERE who=? AND user=? AND server_name=? AND wish=?",
                [(who, one.user, one.server_name, json.dumps(one.wish)) for one in changes],
            )
            connection.execute(
                "INSERT OR REPLACE INTO applied VALUES (?,?,?)", (who, reviewed, job)
            )

    def job_of(self, who: str, reviewed: str) -> int:
        """The job that the person's last Apply made, if it was of this review; else 0."""
        with self._open() as connection:
            row = connection.execute(
                "SELECT job FROM applied WHERE who=? AND reviewed=?", (self.life(who), reviewed)
            ).fetchone()
        return int(row[0]) if row else 0

    def count(self, who: str) -> int:
        """How many changes the person has staged."""
        with self._open() as connection:
            return self._count(connection, self.life(who))

    def staged(self, who: str) -> list[Staged]:
        """The person's changes by account and name."""
        with self._open() as connection:
            rows = connection.execute(
                "SELECT user, server_name, wish FROM staged WHERE who=? ORDER BY user, server_name",
                (self.life(who),),
            ).fetchall()
        return [Staged(user, name, json.loads(wish)) for user, name, wish in rows]

    def staged_for(self, who: str, keys: Sequence[tuple[str, str]]) -> dict[str, Staged]:
        """The person's changes to these vhosts, by key."""
        found, who = {}, self.life(who)
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
        """Keep a sentence for the person's next page; gives the number it is called by.

        It tells what was done, so it never fails: what the file does not take is remembered.
        """
        number = secrets.token_urlsafe(9)
        try:
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
        except Refused as error:
            logger.warning("%s", error.message)
            self._unkept[number] = (who, Said(text, is_bad))
            for old in list(self._unkept)[:-MOST_SAID]:
                self._unkept.pop(old, None)
        return number

    def said(self, who: str, number: str) -> Said | None:
        """The sentence of this number, if it was for this person; it is told once."""
        for_whom, kept = self._unkept.get(number, ("", None))
        if kept is not None and for_whom == who:
            self._unkept.pop(number, None)
            return kept
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
        try:
            connection = sqlite3.connect(self.path, timeout=PATIENCE)
            try:
                # At each look: whoever deletes a damaged file can go on at once.
                connection.executescript(TABLES)
                with connection:
                    yield connection
            finally:
                connection.close()
        except sqlite3.DatabaseError as error:
            raise Refused(
                f"What is staged can be neither read nor kept, for {self.path} says: {error}",
                hint="It holds only what waits to be applied. Make room if the disk is full; "
                "else delete that file and begin anew.",
            ) from error
