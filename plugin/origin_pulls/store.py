"""The store (SQLite): policies, jobs, audit, the inventory's snapshot. Only the agent writes."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from origin_pulls.errors import Damaged, Unusable
from origin_pulls.model import inventory
from origin_pulls.model.inventory import Inventory
from origin_pulls.model.job import Applied, Item, Job, State
from origin_pulls.model.policy import Policy, read_policy

VERSION = 1
SCHEMA = """
CREATE TABLE policy (
    user TEXT, incarnation TEXT, server_name TEXT, policy TEXT, job INTEGER, material TEXT,
    PRIMARY KEY (user, incarnation, server_name));
CREATE TABLE job (
    number INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT, who TEXT, state TEXT, asked TEXT,
    started TEXT DEFAULT '', ended TEXT DEFAULT '', undoes INTEGER DEFAULT 0,
    is_partial INTEGER DEFAULT 0, message TEXT DEFAULT '', hint TEXT DEFAULT '');
CREATE TABLE item (
    job INTEGER, user TEXT, server_name TEXT, incarnation TEXT, wanted TEXT, before TEXT,
    before_job INTEGER, after_job INTEGER, state TEXT, message TEXT, hint TEXT, diff TEXT,
    proof TEXT, notes TEXT, PRIMARY KEY (job, user, server_name));
CREATE TABLE progress (job INTEGER, at TEXT, text TEXT);
CREATE INDEX progress_of_job ON progress (job);
CREATE TABLE audit (at TEXT, who TEXT, action TEXT, subject TEXT, job INTEGER);
CREATE TABLE vhost (position INTEGER PRIMARY KEY, record TEXT);
CREATE TABLE snapshot (signature TEXT, problems TEXT);
"""


class Store:
    """One open store; times are given, never taken."""

    def __init__(self, connection: sqlite3.Connection, path: Path) -> None:
        self.connection = connection
        self.path = path

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """One transaction: all of it or nothing, on the disk when it ends."""
        with self._mended(), self.connection:
            self.connection.execute("BEGIN IMMEDIATE")
            yield self.connection

    def close(self) -> None:
        """Let go of the file."""
        self.connection.close()

    # -- policies ---------------------------------------------------------------------------

    def policies(self) -> dict[tuple[str, str, str], Applied]:
        """All policies by (user, incarnation, ServerName)."""
        with self._mended():
            return {
                (row["user"], row["incarnation"], row["server_name"]): _applied(row)
                for row in self._rows("SELECT * FROM policy")
            }

    def material(self, user: str, incarnation: str, server_name: str) -> str:
        """The number of the certificate made for this vhost, empty when none was."""
        rows = self._rows(
            "SELECT material FROM policy WHERE user=? AND incarnation=? AND server_name=?",
            (user, incarnation, server_name),
        )
        return str(rows[0]["material"]) if rows else ""

    def keep_material(self, user: str, incarnation: str, server_name: str, number: str) -> None:
        """Remember which certificate was made for this vhost."""
        with self.writing() as connection:
            connection.execute(
                "INSERT INTO policy VALUES (?,?,?,?,0,?) ON CONFLICT DO UPDATE SET material=?",
                (user, incarnation, server_name, _packed(Policy()), number, number),
            )

    # -- jobs -------------------------------------------------------------------------------

    def add_job(self, job: Job) -> int:
        """Keep a new job with its items as waiting; gives its number."""
        with self.writing() as connection:
            number = connection.execute(
                "INSERT INTO job (kind, who, state, asked, undoes, is_partial) "
                "VALUES (?,?,?,?,?,?)",
                (job.kind, job.who, State.WAITING, job.asked, job.undoes, job.is_partial),
            ).lastrowid
            connection.executemany(
                "INSERT INTO item VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
                [_item_row(int(number or 0), item) for item in job.items],
            )
        return int(number or 0)

    def job(self, number: int) -> Job | None:
        """One job with its items."""
        rows = self._rows("SELECT * FROM job WHERE number=?", (number,))
        with self._mended():
            return replace(_job(rows[0]), items=self._items(number)) if rows else None

    def jobs(self, *, states: Sequence[State] = (), most: int = 1000) -> list[Job]:
        """The newest jobs first, with their items; of these states alone when some are named."""
        marks = ",".join("?" * len(states))
        where = f"WHERE state IN ({marks})" if states else ""
        query = f"SELECT * FROM job {where} ORDER BY number DESC LIMIT ?"  # noqa: S608 - marks only
        rows = self._rows(query, (*map(str, states), most))
        with self._mended():
            return [replace(_job(row), items=self._items(row["number"])) for row in rows]

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
                    _finish_item(connection, job, item, at)

    def note(self, numbers: Sequence[int], text: str, *, at: str) -> None:
        """Add a line of progress to these jobs."""
        with self.writing() as connection:
            connection.executemany(
                "INSERT INTO progress VALUES (?,?,?)", [(number, at, text) for number in numbers]
            )

    def progress(self, number: int, *, after: int = 0) -> list[tuple[int, str, str]]:
        """A job's lines of progress behind line ``after``: (line, time, text)."""
        rows = self._rows(
            "SELECT rowid, at, text FROM progress WHERE job=? AND rowid>? ORDER BY rowid",
            (number, after),
        )
        return [(row["rowid"], row["at"], row["text"]) for row in rows]

    # -- the inventory's snapshot -----------------------------------------------------------

    def snapshot(self, signature: str) -> Inventory | None:
        """The inventory that was kept under this signature of its sources, if it was."""
        rows = self._rows("SELECT * FROM snapshot WHERE signature=?", (signature,))
        if not rows:
            return None
        records = self._rows("SELECT record FROM vhost ORDER BY position")
        with self._mended():
            vhosts = tuple(inventory.read_vhost(json.loads(row["record"])) for row in records)
            return Inventory(vhosts, tuple(json.loads(rows[0]["problems"])))

    def has_snapshot(self, signature: str) -> bool:
        """Whether an inventory is kept under this signature."""
        return bool(self._rows("SELECT 1 FROM snapshot WHERE signature=?", (signature,)))

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

    def _items(self, number: int) -> tuple[Item, ...]:
        rows = self._rows("SELECT * FROM item WHERE job=? ORDER BY rowid", (number,))
        with self._mended():
            return tuple(_item(row) for row in rows)

    def _rows(self, query: str, values: Sequence[object] = ()) -> list[sqlite3.Row]:
        with self._mended():
            return self.connection.execute(query, tuple(values)).fetchall()

    @contextmanager
    def _mended(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.DatabaseError, ValueError, KeyError, TypeError) as error:
            raise _damaged(self.path, error) from error


def open_store(path: Path) -> Store:
    """The store for writing; it is made when there is none. ``Damaged`` when it cannot be read."""
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    if not path.exists():
        os.close(os.open(path, os.O_CREAT | os.O_CLOEXEC, 0o640))
    store = _connect(path, f"file:{path}")
    try:
        store.connection.execute("PRAGMA journal_mode=WAL")
        store.connection.execute("PRAGMA synchronous=FULL")
        _migrate(store)
    except sqlite3.DatabaseError as error:
        raise _damaged(path, error) from error
    return store


def read_store(path: Path) -> Store | None:
    """The store for reading alone; ``None`` when there is none yet (or it is just being made)."""
    if not path.exists():
        return None
    store = _connect(path, f"file:{path}?mode=ro")
    try:
        is_made = store.connection.execute("PRAGMA user_version").fetchone()[0] > 0
    except sqlite3.DatabaseError as error:
        raise _damaged(path, error) from error
    if not is_made:
        store.close()
        return None
    return store


def memory_store() -> Store:
    """An empty store that is nowhere: what a server without one looks like."""
    store = _connect(Path(":memory:"), ":memory:")
    _migrate(store)
    return store


def _connect(path: Path, address: str) -> Store:
    try:
        connection = sqlite3.connect(
            address, uri=True, timeout=30, isolation_level=None, check_same_thread=False
        )
    except sqlite3.DatabaseError as error:
        raise _damaged(path, error) from error
    connection.row_factory = sqlite3.Row
    return Store(connection, path)


def _migrate(store: Store) -> None:
    version = store.connection.execute("PRAGMA user_version").fetchone()[0]
    if version > VERSION:
        raise Damaged(
            f"{store.path} was written by a newer Origin Pulls",
            hint="Install that version again, or move the file away.",
        )
    if version == 0:
        with store.writing() as connection:
            if connection.execute("PRAGMA user_version").fetchone()[0] == 0:
                for statement in SCHEMA.split(";\n"):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version={VERSION}")


def _finish_item(connection: sqlite3.Connection, job: Job, item: Item, at: str) -> None:
    connection.execute(
        "UPDATE item SET state=?, message=?, hint=?, diff=?, proof=?, notes=?, before=?, "
        "before_job=?, after_job=? WHERE job=? AND user=? AND server_name=?",
        (
            *(item.state, item.message, item.hint, item.diff),
            *(json.dumps(item.proof), json.dumps(item.notes)),
            *(_packed(item.before.policy), item.before.job, item.after_job),
            *(job.number, item.user, item.server_name),
        ),
    )
    if item.state is not State.DONE:
        return
    connection.execute(
        "INSERT INTO policy VALUES (?,?,?,?,?,'') ON CONFLICT DO UPDATE SET policy=?, job=?",
        (
            *(item.user, item.incarnation, item.server_name),
            *(_packed(item.wanted), item.after_job, _packed(item.wanted), item.after_job),
        ),
    )
    connection.execute(
        "INSERT INTO audit SELECT ?,?,?,?,? WHERE NOT EXISTS "
        "(SELECT 1 FROM audit WHERE job=? AND subject=?)",
        (
            *(at, job.who, f"{job.kind}: {item.wanted.mode}", item.key, job.number),
            *(job.number, item.key),
        ),
    )


def _item_row(number: int, item: Item) -> tuple[object, ...]:
    return (
        *(number, item.user, item.server_name, item.incarnation, _packed(item.wanted)),
        *(_packed(item.before.policy), item.before.job, item.after_job, item.state),
        *(item.message, item.hint, item.diff, json.dumps(item.proof), json.dumps(item.notes)),
    )


def _item(row: sqlite3.Row) -> Item:
    return Item(
        user=row["user"],
        server_name=row["server_name"],
        incarnation=row["incarnation"],
        wanted=_unpacked(row["wanted"]),
        before=Applied(policy=_unpacked(row["before"]), job=row["before_job"]),
        after_job=row["after_job"],
        state=State(row["state"]),
        message=row["message"],
        hint=row["hint"],
        diff=row["diff"],
        proof=tuple(json.loads(row["proof"])),
        notes=tuple(json.loads(row["notes"])),
    )


def _job(row: sqlite3.Row) -> Job:
    names = ("number", "kind", "who", "asked", "started", "ended", "undoes", "message", "hint")
    return Job(
        **{name: row[name] for name in names},
        is_partial=bool(row["is_partial"]),
        state=State(row["state"]),
    )


def _applied(row: sqlite3.Row) -> Applied:
    return Applied(policy=_unpacked(row["policy"]), job=row["job"])


def _packed(policy: Policy) -> str:
    return json.dumps(policy.as_record())


def _unpacked(text: str) -> Policy:
    try:
        return read_policy(_object(text))
    except (ValueError, TypeError, Unusable) as error:
        raise sqlite3.DatabaseError(f"a policy in it cannot be read ({error})") from error


def _object(text: str) -> dict[str, object]:
    record = json.loads(text)
    if not isinstance(record, dict):
        raise TypeError("it is no object")
    return record


def _damaged(path: Path, error: Exception) -> Damaged:
    return Damaged(
        f"The store {path} cannot be used: {error}",
        hint="Every vhost keeps what it has. `origin-pulls relax --all` works without the store; "
        "to begin anew, move the file away.",
    )
