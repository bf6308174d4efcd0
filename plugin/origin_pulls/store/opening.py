"""Opens the store: for writing (the agent alone), for reading, or one that is nowhere."""

from __future__ import annotations

import contextlib
import os
import sqlite3
import time
from pathlib import Path

from origin_pulls.errors import Damaged
from origin_pulls.store.schema import MIGRATIONS
from origin_pulls.store.store import Store, damaged

PATIENCE, PAUSE = 30.0, 0.02  # seconds to wait for others, and between two tries


def open_store(path: Path, *, group: int | None = None) -> Store:
    """The store for writing; it is made when there is none. ``Damaged`` when it cannot be read.

    ``group`` is who may read it besides root: the web services.
    """
    path.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    if not path.exists():
        os.close(os.open(path, os.O_CREAT | os.O_CLOEXEC, 0o640))
    if group is not None:
        _share(path, group)
    store = _connect(path, f"file:{path}")
    try:
        _keep_a_log(store)
        store.connection.execute("PRAGMA synchronous=FULL")
        _migrate(store)
    except sqlite3.DatabaseError as error:
        raise damaged(path, error) from error
    return store


def read_store(path: Path) -> Store | None:
    """The store for reading alone; ``None`` when there is none yet (or it is just being made)."""
    if not path.exists():
        return None
    store = _connect(path, f"file:{path}?mode=ro")
    try:
        try:
            version = _version(store)
        except sqlite3.OperationalError:
            if _wal(path).exists():
                raise
            # Nobody has it open, so there is no log beside it; and who may only read cannot make
            # one. The file alone is then all there is.
            store.close()
            store = _connect(path, f"file:{path}?mode=ro&immutable=1")
            version = _version(store)
    except sqlite3.DatabaseError as error:
        raise damaged(path, error) from error
    if not version:
        store.close()
        return None
    return store


def memory_store() -> Store:
    """An empty store that is nowhere: what a server without one looks like."""
    store = _connect(Path(":memory:"), ":memory:")
    _migrate(store)
    return store


def _version(store: Store) -> int:
    return int(store.connection.execute("PRAGMA user_version").fetchone()[0])


def _wal(path: Path) -> Path:
    return path.with_name(f"{path.name}-wal")


def _share(path: Path, group: int) -> None:
    """Let a group read the store; SQLite gives the files beside it the same owner and mode."""
    for one in (path, _wal(path), path.with_name(f"{path.name}-shm")):
        with contextlib.suppress(FileNotFoundError):
            if one.stat().st_gid != group:
                os.chown(one, -1, group, follow_symlinks=False)


def _connect(path: Path, address: str) -> Store:
    try:
        connection = sqlite3.connect(
            address, uri=True, timeout=PATIENCE, isolation_level=None, check_same_thread=False
        )
    except sqlite3.DatabaseError as error:
        raise damaged(path, error) from error
    connection.row_factory = sqlite3.Row
    return Store(connection, path)


def _keep_a_log(store: Store) -> None:
    """Have writes go to a log beside the file, which lets others read meanwhile.

    Of several who find a new file and do this at once SQLite turns away all but one, without
    waiting: https://www.sqlite.org/wal.html#sometimes_queries_return_sqlite_busy_in_wal_mode
    """
    end = time.monotonic() + PATIENCE
    while True:
        try:
            store.connection.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            # The low byte is the error, the others say more of it.
            is_busy = error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
            if not is_busy or time.monotonic() >= end:
                raise
            time.sleep(PAUSE)
        else:
            return


def _migrate(store: Store) -> None:
    version = _version(store)
    if version > len(MIGRATIONS):
        raise Damaged(
            f"{store.path} was written by a newer Origin Pulls",
            hint="Install that version again, or move the file away.",
        )
    for number, statements in enumerate(MIGRATIONS[version:], version + 1):
        with store.writing() as connection:
            # Another process may have come first while this one waited for the lock.
            if connection.execute("PRAGMA user_version").fetchone()[0] < number:
                for statement in filter(str.strip, statements.split(";\n")):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version={number}")
