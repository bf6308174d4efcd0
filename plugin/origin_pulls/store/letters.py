"""What is to be written to the administrator: kept until it is sent, so that no crash loses it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from origin_pulls.store.parts import Writing

MOST = 1000
LONGEST = 500


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened by itself: what it is about, a sentence, when (UTC)."""

    number: int
    about: str
    said: str
    at: str


def add(store: Writing, about: str, said: str, *, at: str) -> bool:
    """Keep an event to be told; whether it is new: one that still waits is not kept twice."""
    with store.writing() as connection:
        place = about[:LONGEST], said[:LONGEST]
        waits = connection.execute("SELECT 1 FROM letter WHERE subject=? AND said=?", place)
        if waits.fetchone() is not None:
            return False
        connection.execute("INSERT INTO letter (subject, said, at) VALUES (?,?,?)", (*place, at))
        connection.execute(
            "DELETE FROM letter WHERE number <= (SELECT max(number) FROM letter) - ?", (MOST,)
        )
    return True


def waiting(store: Writing) -> list[Event]:
    """All that waits, the oldest first."""
    rows = store.rows("SELECT * FROM letter ORDER BY number")
    return [Event(row["number"], row["subject"], row["said"], row["at"]) for row in rows]


def forget(store: Writing, events: Sequence[Event]) -> None:
    """These are told."""
    with store.writing() as connection:
        connection.executemany(
            "DELETE FROM letter WHERE number=?", [(one.number,) for one in events]
        )
