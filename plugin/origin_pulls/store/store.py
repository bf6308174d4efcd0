"""One open store: policies, jobs, audit, the inventory's snapshot."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from origin_pulls.errors import Damaged, Full
from origin_pulls.model import inventory
from origin_pulls.model.inventory import Inventory, Vhost
from origin_pulls.model.job import STEP, Applied, Item, Job, State
from origin_pulls.model.policy import Policy
from origin_pulls.store import listing, marks, records


class Store:
    """One open store; times are given, never taken."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self.connection = connection
        self.path = path

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction: all of it or nothing, on the disk when it ends."""
        with self.mended(), self.connection:
            self.connection.execute("BEGIN IMMEDIATE")
            yield self.connection

    def close(self) -> None:
        """Let go of the file."""
        self.connection.close()

    # -- policies ---------------------------------------------------------------------------

    def policies(self) -> dict[tuple[str, str, str], Applied]:
        """All policies by (user, incarnation, ServerName)."""
        with self.mended():
            return {
                (row["user"], row["incarnation"], row["server_name"]): records.applied(row)
                for row in self.rows("SELECT * FROM policy")
            }

    def applied(self, vhost: Vhost) -> Applied:
        """The policy in force for one vhost."""
        rows = self.rows(
            "SELECT * FROM policy WHERE user=? AND incarnation=? AND server_name=?",
            (vhost.user, vhost.incarnation, vhost.server_name),
        )
        with self.mended():
            return records.applied(rows[0]) if rows else Applied()

    def material(self, user: str, incarnation: str, server_name: str) -> str:
        """The number of the certificate made for this vhost, empty when none was."""
        rows = self.rows(
            "SELECT material FROM policy WHERE user=? AND incarnation=? AND server_name=?",
            (user, incarnation, server_name),
        )
        return str(rows[0]["material"]) if rows else ""

    def users_of(self, number: str) -> list[tuple[str, str, str]]:
        """The vhosts (user, incarnation, ServerName) that use the certificate of this number."""
        rows = self.rows("SELECT user, incarnation, server_name, material FROM policy")
        return [
            (row["user"], row["incarnation"], row["server_name"])
            for row in rows
            if number in str(row["material"] or "").split()
        ]

    def keep_material(self, user: str, incarnation: str, server_name: str, number: str) -> None:
        """Remember which certificate was made for this vhost."""
        with self.writing() as connection:
            connection.execute(
                "INSERT INTO policy (user, incarnation, server_name, policy, job, material) "
                "VALUES (?,?,?,?,0,?) ON CONFLICT (user, incarnation, server_name) "
                "DO UPDATE SET material=?",
                (user, incarnation, server_name, records.packed(Policy()), number, number),
            )

    # -- jobs -------------------------------------------------------------------------------

    def add_job(self, job: Job) -> int:
        """Keep a new job with its items as waiting; gives its number."""
        with self.writing() as connection:
            number = connection.execute(
                "INSERT INTO job (kind, who, state, asked, undoes, is_partial, caller_kind, "
                "address, revert_minutes, fingerprint) VALUES (?,?,?,?,?,?,?,?,?,?)",
                (
                    *(job.kind, job.who, State.WAITING, job.asked, job.undoes, job.is_partial),
                    *(job.caller_kind, job.address, job.revert_minutes, job.fingerprint),
                ),
            ).lastrowid
            connection.executemany(
                "INSERT INTO item VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
                [records.item_row(int(number or 0), item) for item in job.items],
            )
        return int(number or 0)

    def job(self, number: int) -> Job | None:
        """One job with its items."""
        rows = self.rows("SELECT * FROM job WHERE number=?", (number,))
        with self.mended():
            return replace(records.job(rows[0]), items=self._items(number)) if rows else None

    def jobs(
        self, *, states: Sequence[State] = (), most: int = 1000, has_steps: bool = True
    ) -> list[Job]:
        """The newest jobs first, with their items; of these states alone when some are named.

        Without ``has_steps`` those are left out that others at Cloudflare made for themselves.
        """
        marks = ",".join("?" * len(states))
        parts = [f"state IN ({marks})"] if states else []
        parts += [] if has_steps else [f"kind<>'{STEP}'"]
        where = f"WHERE {' AND '.join(parts)}" if parts else ""
        query = f"SELECT * FROM job {where} ORDER BY number DESC LIMIT ?"  # noqa: S608 - marks only
        rows = self.rows(query, (*map(str, states), most))
        with self.mended():
            return [replace(records.job(row), items=self._items(row["number"])) for row in rows]

    def start(self, numbers: Sequence[int], *, at: str) -> None:
        """These jobs are being carried out from now on."""
        with self.writing() as connection:
            connection.executemany(
                "UPDATE job SET state=?, started=? WHERE number=?",
                [(State.RUNNING, at, number) for number in numbers],
            )

    def finish(self, jobs: Sequence[Job], *, at: str) -> None:
        """Keep the outcome of these jobs and the policies of their items that are done.

        It may be done twice: after a crash the journal repeats it.
        """
        with self.writing() as connection:
            for job in jobs:
                connection.execute(
                    "UPDATE job SET state=?, ended=?, message=?, hint=? WHERE number=?",
                    (job.state, at, job.message, job.hint, job.number),
                )
                for item in job.items:
                    records.finish_item(connection, job, item, at)
                marks.await_confirmation(connection, job, at)

    def note(self, numbers: Sequence[int], text: str, *, at: str) -> None:
        """Add a line of progress to these jobs."""
        with self.writing() as connection:
            connection.executemany(
                "INSERT INTO progress VALUES (?,?,?)", [(number, at, text) for number in numbers]
            )

    def progress(self, number: int, *, after: int = 0) -> list[tuple[int, str, str]]:
        """A job's lines of progress behind line ``after``: (line, time, text)."""
        rows = self.rows(
            "SELECT rowid, at, text FROM progress WHERE job=? AND rowid>? ORDER BY rowid",
            (number, after),
        )
        return [(row["rowid"], row["at"], row["text"]) for row in rows]

    def audit(self, who: str, action: str, subject: str, *, at: str) -> None:
        """Remember who did what that was no job."""
        with self.writing() as connection:
            connection.execute(
                "INSERT INTO audit (at, who, action, subject, job) VALUES (?,?,?,?,0)",
                (at, who, action, subject),
            )

    # -- the inventory's snapshot -----------------------------------------------------------

    def snapshot(self, signature: str) -> Inventory | None:
        """The inventory that was kept under this signature of its sources, if it was."""
        rows = self.rows("SELECT * FROM snapshot WHERE signature=?", (signature,))
        if not rows:
            return None
        records = self.rows("SELECT record FROM vhost ORDER BY position")
        with self.mended():
            vhosts = tuple(inventory.read_vhost(json.loads(row["record"])) for row in records)
            return Inventory(vhosts, tuple(json.loads(rows[0]["problems"])))

    def has_snapshot(self, signature: str) -> bool:
        """Whether an inventory is kept under this signature."""
        return bool(self.rows("SELECT 1 FROM snapshot WHERE signature=?", (signature,)))

    def keep_snapshot(self, found: Inventory, signature: str) -> None:
        """Keep this inventory in place of the one before."""
        with self.writing() as connection:
            connection.execute("DELETE FROM vhost")
            connection.execute("DELETE FROM snapshot")
            connection.executemany(
                "INSERT INTO vhost (record) VALUES (?)",
                [(json.dumps(inventory.as_record(vhost)),) for vhost in found.vhosts],
            )
            connection.execute(
                "INSERT INTO snapshot VALUES (?,?)", (signature, json.dumps(found.problems))
            )
            listing.fill(connection, found.vhosts)

    def _items(self, number: int) -> tuple[Item, ...]:
        rows = self.rows("SELECT * FROM item WHERE job=? ORDER BY rowid", (number,))
        with self.mended():
            return tuple(records.item(row) for row in rows)

    def rows(self, query: str, values: Sequence[object] = ()) -> list[sqlite3.Row]:
        """The rows of a query; ``Damaged`` when the file cannot be read."""
        with self.mended():
            return self.connection.execute(query, tuple(values)).fetchall()

    @contextmanager
    def mended(self) -> Iterator[None]:
        """What goes wrong while the store is read, said as ``Damaged``."""
        try:
            yield
        except (sqlite3.DatabaseError, ValueError, KeyError, TypeError) as error:
            raise damaged(self.path, error) from error


def damaged(path: Path, error: Exception) -> Damaged:
    """The store cannot be used: why, and what to do."""
    if getattr(error, "sqlite_errorcode", 0) & 0xFF == sqlite3.SQLITE_FULL:
        return Full(
            f"The disk is full: the store {path} cannot be written",
            hint="Nothing is damaged. Make room; then `origin-pulls jobs` names what is under way, "
            "and `origin-pulls wait N` goes on with it.",
        )
    return Damaged(
        f"The store {path} cannot be used: {error}",
        hint="Every vhost keeps what it has. `origin-pulls relax --all` works without the store; "
        "to begin anew, move the file away.",
    )
