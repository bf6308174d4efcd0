"""The doctor's look at what is our own: files and their modes, store, journal, services."""

from __future__ import annotations

import socket
import sqlite3
import stat
from collections.abc import Iterator
from pathlib import Path

from origin_pulls.config import Config
from origin_pulls.engine.server import Server, web_group
from origin_pulls.errors import Damaged, OriginPullsError
from origin_pulls.model.checks import Check, Health
from origin_pulls.server import journal, lock
from origin_pulls.store.schema import MIGRATIONS

MOST_NAMED = 3
MOST_FILES = 50_000
PATIENCE = 2.0  # seconds for a service to take a connection

AWAY = Check(
    *("agent", "The agent", Health.BAD),
    "It does not answer: the pages can change nothing, and nothing goes back by itself",
    "As root: `systemctl start origin-pulls-agent`; its log: `journalctl -u origin-pulls-agent`",
)


def examine(server: Server, *, damage: Damaged | None = None) -> list[Check]:
    """All checks of what is our own; ``damage`` is why the store could not be read."""
    config = server.config
    found = []
    for name, title, look in (
        ("permissions", "Permissions of our files", permissions),
        ("journal", "Journal", pending),
        ("agent", "The agent", agent),
        ("pages", "The pages' services", pages),
    ):
        try:
            found.append(look(config))
        except (OriginPullsError, OSError) as error:
            found.append(Check(name, title, Health.UNKNOWN, f"It cannot be looked at: {error}"))
    return [*found, store(server) if damage is None else damaged_store(damage)]


def permissions(config: Config) -> Check:
    """Whether nobody but root can write our files, or read the keys."""
    wrong = list(_wrong(config))
    title = "Permissions of our files"
    if wrong:
        named = ", ".join(f"{path} ({why})" for path, why in wrong[:MOST_NAMED])
        return Check(
            *("permissions", title, Health.BAD, f"{len(wrong)}: {named}"),
            "They must be root's, keys for root alone: chown root, chmod go-w (keys: go-rwx).",
        )
    return Check("permissions", title, Health.GOOD, "Only root writes them; keys are closed.")


def pending(config: Config) -> Check:
    """Whether a run was left in its middle."""
    title = "Journal"
    if journal.pending(config.journal) is None or lock.is_held(config.work_lock):
        return Check("journal", title, Health.GOOD, "No run was left in its middle.")
    return Check(
        *("journal", title, Health.BAD, "A run was left in its middle."),
        "The next run brings it to an end: start the agent, or type `origin-pulls jobs`, then "
        "any change.",
    )


def agent(config: Config) -> Check:
    """Whether the agent answers."""
    if _answers(config.agent_socket):
        return Check("agent", "The agent", Health.GOOD, "It answers.")
    return AWAY


def pages(config: Config) -> Check:
    """Whether the services of the pages take connections."""
    title = "The pages' services"
    sockets = {side: config.run_directory / side / "web.sock" for side in ("admin", "account")}
    if web_group(config) is None or not any(path.exists() for path in sockets.values()):
        return Check(
            *("pages", title, Health.WARNING, "They are not set up here."),
            "The command line works without them; install.sh sets them up.",
        )
    dead = [side for side, path in sockets.items() if not _answers(path)]
    if dead:
        units = " ".join(f"origin-pulls-web-{side}" for side in dead)
        said = f"Nobody takes connections: {', '.join(dead)}"
        return Check("pages", title, Health.BAD, said, f"systemctl restart {units}")
    return Check("pages", title, Health.GOOD, "Both take connections.")


def damaged_store(damage: Damaged) -> Check:
    """A store that cannot even be opened."""
    return Check("store", "Store", Health.BAD, damage.message, damage.hint)


def store(server: Server) -> Check:
    """Whether the store is whole and of this version."""
    title = "Store"
    try:
        said = str(server.store.connection.execute("PRAGMA quick_check(1)").fetchone()[0])
        version = int(server.store.connection.execute("PRAGMA user_version").fetchone()[0])
    except sqlite3.DatabaseError as error:
        said, version = str(error), 0
    if said != "ok":
        return Check(
            *("store", title, Health.BAD, f"It is damaged: {said}"),
            "Every vhost keeps what it has. Move the file away to begin anew; `origin-pulls "
            "relax --all` works without it.",
        )
    if version != len(MIGRATIONS):
        said = f"It is of version {version}, this program's is {len(MIGRATIONS)}"
        hint = "Start the agent of this version once: it brings the store up to date."
        return Check("store", title, Health.WARNING, said, hint)
    return Check("store", title, Health.GOOD, "Whole, and of this version.")


def _wrong(config: Config) -> Iterator[tuple[Path, str]]:
    closed = (config.keys_directory, config.settings_file.parent / "tokens")
    for path in _ours(config):
        try:
            found = path.lstat()
        except FileNotFoundError:
            continue
        if stat.S_ISSOCK(found.st_mode):
            continue
        if stat.S_ISLNK(found.st_mode):
            yield path, "a link"
        elif found.st_uid != 0:
            yield path, f"belongs to user {found.st_uid}"
        elif found.st_mode & 0o022:
            yield path, "others can write it"
        elif found.st_mode & 0o077 and any(map(path.is_relative_to, closed)):
            yield path, "others can read it"


def _ours(config: Config) -> Iterator[Path]:
    folders = (config.settings_file.parent, config.state_directory, config.run_directory)
    count = 0
    for folder in folders:
        yield folder
        for path in folder.rglob("*") if folder.is_dir() else ():
            count += 1
            if count > MOST_FILES:
                return
            yield path


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(PATIENCE)
        try:
            connection.connect(str(path))
        except OSError:
            return False
    return True
