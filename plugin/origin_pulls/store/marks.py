"""What is noted beside a policy: proofs, attention, locks, proxy states, confirmations.

``vhost_row`` follows by the triggers of ``schema.py``.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from origin_pulls.model.inventory import VISITED, Proxied, Vhost
from origin_pulls.model.job import STEP, UNDO, Item, Job, State
from origin_pulls.model.policy import Mode, Trust
from origin_pulls.model.saying import named
from origin_pulls.model.zones import Known
from origin_pulls.store.parts import Writing

AT = "user=? AND incarnation=? AND server_name=?"
LONGEST = 500
# Kinds of what needs attention: at Cloudflare, and of certificates that a person has to bring.
EDGE = "edge"
CERTIFICATE = "certificate"
WATCH = "watch"
LATER = timedelta(minutes=1)
NAMES = "names"  # the kind of attention of names that are not behind Cloudflare
# Visited names that lead past Cloudflare to a vhost that demands, and are not exempt.
LOCKED_OUT = """
SELECT name_state.name FROM name_state JOIN policy USING (user, server_name)
WHERE policy.user=? AND policy.incarnation=? AND policy.server_name=?
AND json_extract(policy.policy, '$.mode')='enforce' AND state='direct' AND is_visited
AND name_state.name NOT IN (SELECT value FROM json_each(policy.policy, '$.exempt_names'))
ORDER BY name_state.name
"""


@dataclass(frozen=True, slots=True)
class Awaited:
    """A job that goes back at ``due`` unless it is confirmed; ``undo`` is the job that does it."""

    job: int
    due: str
    undo: int = 0


class Marks:
    """Notes at vhosts, over an open store; each method is one transaction."""

    def __init__(self, store: Writing) -> None:
        self.store = store

    def lock(self, vhost: Vhost, reason: str, *, who: str, at: str) -> None:
        """Keep the account holder from changing this vhost."""
        place = _place(vhost)
        with self.store.writing() as connection:
            connection.execute(f"DELETE FROM vhost_lock WHERE {AT}", place)  # noqa: S608 - constant
            connection.execute(
                "INSERT INTO vhost_lock VALUES (?,?,?,?,?,?)", (*place, reason, who, at)
            )

    def unlock(self, vhost: Vhost) -> bool:
        """Let the account holder change this vhost again; whether it was locked."""
        with self.store.writing() as connection:
            done = connection.execute(
                f"DELETE FROM vhost_lock WHERE {AT}",  # noqa: S608 - constant
                _place(vhost),
            )
            return done.rowcount > 0

    def locked(self, vhost: Vhost) -> str:
        """The reason for which the account holder may not change this vhost; empty: may."""
        rows = self.store.rows(
            f"SELECT reason FROM vhost_lock WHERE {AT}",  # noqa: S608 - constant
            _place(vhost),
        )
        return str(rows[0]["reason"]) if rows else ""

    def proven(self, vhost: Vhost, *, held: bool, said: str, at: str) -> None:
        """A proof was made; one that did not hold needs attention, one that holds ends that."""
        place = _place(vhost)
        with self.store.writing() as connection:
            _keep_proof(connection, place, held=held, said=said, at=at)
            if held:
                _forget(connection, place, "proof")
            else:
                _notice(connection, place, "proof", f"The last proof did not hold: {said}", at)

    def notice(self, vhost: Vhost, kind: str, said: str, *, at: str) -> None:
        """Something of this kind needs a person's attention; one sentence a kind."""
        with self.store.writing() as connection:
            _notice(connection, _place(vhost), kind, said, at)

    def forget(self, vhost: Vhost, kind: str) -> None:
        """It needs no attention any more."""
        with self.store.writing() as connection:
            _forget(connection, _place(vhost), kind)

    def keep_name_states(self, vhost: Vhost, states: Mapping[str, Proxied], *, at: str) -> str:
        """What is known of the names of a vhost, in place of what was known before.

        Gives what is newly amiss by that, in a sentence.
        """
        user, server_name = vhost.user, vhost.server_name
        visited = {name.name for name in vhost.names if name.kind in VISITED}
        counts = [sum(one is kind for one in states.values()) for kind in Proxied]
        proxied, direct = counts[0], counts[1]
        with self.store.writing() as connection:
            connection.execute(
                "DELETE FROM name_state WHERE user=? AND server_name=?", (user, server_name)
            )
            connection.executemany(
                "INSERT INTO name_state (user, server_name, name, state, at, is_visited) "
                "VALUES (?,?,?,?,?,?)",
                [
                    (user, server_name, name, str(state), at, name in visited)
                    for name, state in states.items()
                ],
            )
            connection.execute(
                "UPDATE vhost_row SET proxied=?, direct=? WHERE user=? AND server_name=?",
                (proxied, direct, user, server_name),
            )
            return _judge_names(connection, _place(vhost), at)

    def name_state_times(self) -> dict[tuple[str, str], str]:
        """When the names of each vhost (account, ServerName) were looked at."""
        rows = self.store.rows(
            "SELECT user, server_name, MIN(at) AS at FROM name_state GROUP BY user, server_name"
        )
        return {(row["user"], row["server_name"]): str(row["at"]) for row in rows}

    def name_states(self, user: str, server_name: str) -> Known:
        """What is known of the names of a vhost, and since when all of it."""
        rows = self.store.rows(
            "SELECT name, state, at FROM name_state WHERE user=? AND server_name=?",
            (user, server_name),
        )
        states = {row["name"]: Proxied(row["state"]) for row in rows}
        return Known(states, min((str(row["at"]) for row in rows), default=""))

    # -- confirm or revert ------------------------------------------------------------------

    def awaited(self, *, by: str = "9999") -> list[Awaited]:
        """Jobs that wait for a confirmation until ``by`` at the latest, the first due first."""
        rows = self.store.rows("SELECT * FROM confirmation WHERE due<=? ORDER BY due", (by,))
        return [Awaited(row["job"], row["due"], row["undo"]) for row in rows]

    def confirm(self, job: int) -> bool:
        """Let a job stay; whether it was waiting for that."""
        with self.store.writing() as connection:
            done = connection.execute("DELETE FROM confirmation WHERE job=? AND undo=0", (job,))
            return done.rowcount > 0

    def is_going_back(self, job: int, undo: int) -> None:
        """The job ``undo`` takes this one back now."""
        with self.store.writing() as connection:
            connection.execute("UPDATE confirmation SET undo=? WHERE job=?", (undo, job))

    def is_back(self, job: int) -> None:
        """This one need not go back any more."""
        with self.store.writing() as connection:
            connection.execute("DELETE FROM confirmation WHERE job=?", (job,))

    def try_later(self, one: Awaited, *, now: str) -> None:
        """It could not go back now; it is tried again in a while."""
        due = (datetime.fromisoformat(now) + LATER).isoformat(timespec="milliseconds")
        with self.store.writing() as connection:
            connection.execute("UPDATE confirmation SET due=?, undo=0 WHERE job=?", (due, one.job))


def note_outcome(connection: sqlite3.Connection, job: Job, item: Item, at: str) -> None:
    """What the outcome of a job says of a vhost: its proof, and whether it needs attention.

    What was taken back because a person cancelled it is as that person wants it.
    """
    place = item.user, item.incarnation, item.server_name
    if item.state is State.DONE:
        ended = ["job", "proof"]
        if item.wanted.mode is Mode.OFF or item.wanted.trust is not Trust.OWN:
            ended.append(CERTIFICATE)  # it depends on none that is kept here any more
        for kind in ended:
            _forget(connection, place, kind)
        if item.proof:
            _keep_proof(connection, place, held=True, said=item.message, at=at)
    elif item.state is State.NOT_RESTORED or (
        item.state is State.RESTORED and not _is_cancelled(connection, job)
    ):
        _notice(connection, place, "job", item.message, at)


def _is_cancelled(connection: sqlite3.Connection, job: Job) -> bool:
    number = job.undoes if job.kind == STEP else job.number
    found = connection.execute("SELECT 1 FROM cancelled WHERE job=?", (number,))
    return found.fetchone() is not None


def judge_names(connection: sqlite3.Connection, item: Item, at: str) -> None:
    """A vhost has a policy anew: whether visitors of some name are refused by it."""
    _judge_names(connection, (item.user, item.incarnation, item.server_name), at)


def await_confirmation(connection: sqlite3.Connection, job: Job, at: str) -> None:
    """A job that changed something and may go back by itself: until when it can be confirmed.

    One that was taken back whole by a person waits for nothing any more.
    """
    if job.kind == UNDO and job.state is State.DONE:
        connection.execute("DELETE FROM confirmation WHERE job=? AND undo=0", (job.undoes,))
    has_changed = any(item.state is State.DONE and item.diff for item in job.items)
    if not job.revert_minutes or not job.state.is_over or not has_changed:
        return
    due = datetime.fromisoformat(at) + timedelta(minutes=job.revert_minutes)
    connection.execute(
        "INSERT OR IGNORE INTO confirmation (job, due) VALUES (?,?)",
        (job.number, due.isoformat(timespec="milliseconds")),
    )


def _place(vhost: Vhost) -> tuple[str, str, str]:
    return vhost.user, vhost.incarnation, vhost.server_name


def _keep_proof(
    connection: sqlite3.Connection, place: tuple[str, str, str], *, held: bool, said: str, at: str
) -> None:
    connection.execute(f"DELETE FROM proven WHERE {AT}", place)  # noqa: S608 - constant
    connection.execute(
        "INSERT INTO proven VALUES (?,?,?,?,?,?)", (*place, at, int(held), said[:LONGEST])
    )


def _notice(
    connection: sqlite3.Connection, place: tuple[str, str, str], kind: str, said: str, at: str
) -> None:
    connection.execute(
        "INSERT INTO attention VALUES (?,?,?,?,?,?) "
        "ON CONFLICT (user, incarnation, server_name, kind) DO UPDATE SET said=?, at=?",
        (*place, kind, said[:LONGEST], at, said[:LONGEST], at),
    )


def _judge_names(connection: sqlite3.Connection, place: tuple[str, str, str], at: str) -> str:
    found = [row["name"] for row in connection.execute(LOCKED_OUT, place)]
    if not found:
        _forget(connection, place, NAMES)
        return ""
    verb = "is" if len(found) == 1 else "are"
    said = f"{named(found)} {verb} not behind Cloudflare: visitors there are refused."
    same = connection.execute(
        f"SELECT 1 FROM attention WHERE {AT} AND kind=? AND said=?",  # noqa: S608 - constant
        (*place, NAMES, said[:LONGEST]),
    )
    if same.fetchone() is not None:
        return ""
    _notice(connection, place, NAMES, said, at)
    return said


def _forget(connection: sqlite3.Connection, place: tuple[str, str, str], kind: str) -> None:
    connection.execute(f"DELETE FROM attention WHERE {AT} AND kind=?", (*place, kind))  # noqa: S608 - constant
