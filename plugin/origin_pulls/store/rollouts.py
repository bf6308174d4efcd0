"""What the store knows of the edge: rollouts, what is presented, what we brought, drift."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace

from origin_pulls.model import rollout as rollouts
from origin_pulls.model.job import Item, Job, State
from origin_pulls.model.rollout import Rollout
from origin_pulls.store import marks
from origin_pulls.store.presented import Presented, PresentedRows
from origin_pulls.store.records import finish_item, item_row

CERTIFICATE = "certificate"
ASSOCIATION = "association"
SWITCH = "switch"
ZONE_NAME = "name"  # of a zone to which something was brought
IMPORTED = "imported"  # in the place of which certificate of ours, by their numbers


@dataclass(frozen=True, slots=True)
class Drift:
    """Something at the edge that is not as it was left."""

    key: str
    zone: str
    what: str
    since: str


class EdgeStore(PresentedRows):
    """The edge's tables of one open store."""

    # -- rollouts ---------------------------------------------------------------------------

    def begin(self, rollout: Rollout, job: Job) -> None:
        """Keep a rollout and that its job is at the edge, with what was before, at once."""
        with self.store.writing() as connection:
            _put(connection, rollout)
            _put_state(connection, job, State.AT_EDGE)

    def keep(self, rollout: Rollout) -> None:
        """Keep how far a rollout has come."""
        with self.store.writing() as connection:
            _put(connection, rollout)

    def end(self, job: Job, *, at: str) -> None:
        """Keep the outcome of a rollout's job, and forget the rollout, at once."""
        with self.store.writing() as connection:
            connection.execute(
                "UPDATE job SET state=?, ended=?, message=?, hint=? WHERE number=?",
                (job.state, at, job.message, job.hint, job.number),
            )
            for item in job.items:
                finish_item(connection, job, item, at)
            marks.await_confirmation(connection, job, at)
            connection.execute("DELETE FROM rollout WHERE job=?", (job.number,))

    def rollouts(self) -> list[Rollout]:
        """All rollouts under way, the oldest first."""
        rows = self.store.rows("SELECT record FROM rollout ORDER BY job")
        with self.store.mended():
            return [rollouts.read(json.loads(row["record"])) for row in rows]

    def rollout(self, job: int) -> Rollout | None:
        """The rollout of this job."""
        return next((one for one in self.rollouts() if one.job == job), None)

    def enter(self, job: Job) -> None:
        """A waiting job goes to the edge; what stands in the way is found out there."""
        with self.store.writing() as connection:
            _put_state(connection, job, State.AT_EDGE)

    def join(self, job: Job, items: Sequence[Item]) -> None:
        """Take these vhosts along in a job that has not begun yet."""
        with self.store.writing() as connection:
            connection.executemany(
                "INSERT INTO item VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
                [item_row(job.number, replace(item, state=State.AT_EDGE)) for item in items],
            )

    def cancel(self, job: int, who: str) -> None:
        """Note that a job at the edge shall be taken back."""
        with self.store.writing() as connection:
            connection.execute("INSERT OR IGNORE INTO cancelled VALUES (?,?)", (job, who))

    def cancelled_by(self, job: int) -> str:
        """Who cancelled this job; empty when nobody did."""
        rows = self.store.rows("SELECT who FROM cancelled WHERE job=?", (job,))
        return str(rows[0]["who"]) if rows else ""

    # -- what is presented ------------------------------------------------------------------

    def relied_on(self) -> list[Presented]:
        """What is presented and may be built on: not void, and nothing is amiss with it."""
        amiss = {(one.key, one.zone) for one in self.drifts()}
        return [one for one in self.valid() if (one.key, one.zone) not in amiss]

    def ways(self, key: str) -> tuple[tuple[str, str], ...]:
        """The addresses of the edge (with port) by which a vhost at the edge is proven."""
        return tuple(
            way
            for rollout in self.rollouts()
            if key in rollout.keys
            for way in rollout.ways_of(key)
        )

    # -- what we brought --------------------------------------------------------------------

    def note(self, zone: str, kind: str, what: str, cert_id: str = "") -> None:
        """Note, before it is written there, that this at the zone is ours."""
        with self.store.writing() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO brought VALUES (?,?,?,?)", (zone, kind, what, cert_id)
            )

    def forget(self, zone: str, kind: str, what: str) -> None:
        """This at the zone is gone, or no more ours."""
        with self.store.writing() as connection:
            connection.execute(
                "DELETE FROM brought WHERE zone=? AND kind=? AND what=?", (zone, kind, what)
            )

    def brought(self, zone: str, kind: str) -> dict[str, str]:
        """What we brought to a zone of one kind, with the id that Cloudflare gave it."""
        rows = self.store.rows("SELECT what, id FROM brought WHERE zone=? AND kind=?", (zone, kind))
        return {row["what"]: row["id"] for row in rows}

    def everywhere(self, kind: str) -> list[tuple[str, str]]:
        """What of one kind is noted of any zone: (zone's id, what)."""
        rows = self.store.rows("SELECT zone, what FROM brought WHERE kind=? ORDER BY zone", (kind,))
        return [(row["zone"], row["what"]) for row in rows]

    def zone_material(self, zone: str) -> str:
        """The number of the certificate made for a zone; empty when none was."""
        rows = self.store.rows("SELECT number FROM zone_material WHERE zone=?", (zone,))
        return str(rows[0]["number"]) if rows else ""

    def keep_zone_material(self, zone: str, number: str) -> None:
        """Remember which certificate belongs to the whole zone; an empty number forgets it."""
        with self.store.writing() as connection:
            connection.execute("DELETE FROM zone_material WHERE zone=?", (zone,))
            if number:
                connection.execute("INSERT INTO zone_material VALUES (?,?)", (zone, number))

    def bring(self, old: Sequence[str], number: str) -> None:
        """The next rotation of these certificates leads to this imported one; empty: to a new one.

        An earlier wish that came to nothing leads nowhere any more.
        """
        for one in old:
            self.note("", IMPORTED, one, number)

    def take_brought(self, old: str) -> str:
        """The number of the certificate imported in the place of this one, if one was."""
        return self.brought("", IMPORTED).get(old, "")

    # -- drift ------------------------------------------------------------------------------

    def drifts(self) -> list[Drift]:
        """All that is not as it was left."""
        rows = self.store.rows("SELECT * FROM drift ORDER BY since, vhost, what")
        return [Drift(row["vhost"], row["zone"], row["what"], row["since"]) for row in rows]

    def keep_drifts(self, zone: str, found: Sequence[Drift]) -> list[Drift]:
        """Keep what is amiss at a zone in place of what was; gives what is new of it."""
        known = {(one.key, one.what): one for one in self.drifts() if one.zone == zone}
        fresh = [one for one in found if (one.key, one.what) not in known]
        with self.store.writing() as connection:
            connection.execute("DELETE FROM drift WHERE zone=?", (zone,))
            kept = [known.get((one.key, one.what), one) for one in found]
            connection.executemany(
                "INSERT INTO drift VALUES (?,?,?,?)",
                [(one.key, one.zone, one.what, one.since) for one in kept],
            )
        return fresh


def _put(connection: sqlite3.Connection, rollout: Rollout) -> None:
    connection.execute(
        "INSERT OR REPLACE INTO rollout VALUES (?,?)",
        (rollout.job, json.dumps(rollouts.as_record(rollout))),
    )


def _put_state(connection: sqlite3.Connection, job: Job, state: State) -> None:
    connection.execute(
        "UPDATE job SET state=?, started=CASE started WHEN '' THEN asked ELSE started END "
        "WHERE number=?",
        (state, job.number),
    )
    for item in job.items:
        kept: Item = replace(item, state=state)
        finish_item(connection, job, kept, "")
