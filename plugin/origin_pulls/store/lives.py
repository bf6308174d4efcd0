"""What the store keeps of accounts' lives: vhosts as they were seen last, and what goes along.

A rename moves the rows of a life, its end removes them. Jobs that are over and the audit stay:
they are history. A job under way goes along with the new name.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping

from origin_pulls.model.caller import Kind
from origin_pulls.model.job import State
from origin_pulls.model.reconciling import LastSeen, Move, Row
from origin_pulls.store.store import Store

# Tables that hold things of an account's life by user, incarnation and server_name.
OF_A_LIFE = ("policy", "last_seen", "vhost_lock", "attention", "proven")
# What Cloudflare presents goes with a renamed account; of one that is gone it is kept until it
# has been tidied away there.
AT_THE_EDGE = ("presented",)

UNDER_WAY = "(SELECT number FROM job WHERE state IN (?,?,?))"
NOT_OVER = tuple(state for state in State if not state.is_over)
AUDITED = "INSERT INTO audit (at, who, action, subject, job) VALUES (?,?,?,?,?)"


class Lives:
    """The tables about accounts' lives in one open store."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def memory(self) -> dict[Row, LastSeen]:
        """The vhosts as they were seen last; empty before the first look."""
        rows = self.store.rows("SELECT * FROM last_seen")
        with self.store.mended():
            return {
                (row["user"], row["incarnation"], row["server_name"]): LastSeen(
                    bool(row["is_ssl"]), tuple(json.loads(row["host_names"])), row["asked"]
                )
                for row in rows
            }

    def remember(self, memory: Mapping[Row, LastSeen]) -> None:
        """Keep this in place of what was seen before."""
        with self.store.writing() as connection:
            connection.execute("DELETE FROM last_seen")
            connection.executemany(
                "INSERT INTO last_seen VALUES (?,?,?,?,?,?)",
                [
                    (*row, seen.is_ssl, json.dumps(seen.host_names), seen.asked)
                    for row, seen in memory.items()
                ],
            )

    def under_way(self) -> set[tuple[str, str]]:
        """The lives (user, incarnation) that jobs which are not over are about."""
        rows = self.store.rows(
            f"SELECT DISTINCT user, incarnation FROM item WHERE job IN {UNDER_WAY}",  # noqa: S608
            NOT_OVER,
        )
        return {(row["user"], row["incarnation"]) for row in rows}

    def follow(self, moves: Iterable[Move], forgotten: Iterable[Row], *, at: str) -> list[str]:
        """Move and forget, all or nothing; the numbers of the certificates that nobody has now."""
        lost = []
        with self.store.writing() as connection:
            for move in moves:
                for table in (*OF_A_LIFE, *AT_THE_EDGE):
                    connection.execute(
                        f"UPDATE OR REPLACE {table} SET user=?, incarnation=? "  # noqa: S608 - ours
                        "WHERE user=? AND incarnation=?",
                        (move.new_user, move.new_incarnation, move.user, move.incarnation),
                    )
                connection.execute(
                    "UPDATE item SET user=?, incarnation=? WHERE user=? AND incarnation=? "  # noqa: S608
                    f"AND job IN {UNDER_WAY}",
                    (move.new_user, move.new_incarnation, move.user, move.incarnation, *NOT_OVER),
                )
                connection.execute(
                    "UPDATE job SET who=? WHERE who=? AND caller_kind=? AND number IN "  # noqa: S608
                    "(SELECT job FROM item WHERE user=? AND incarnation=?) "
                    f"AND number IN {UNDER_WAY}",
                    (
                        *(move.new_user, move.user, Kind.ACCOUNT),
                        *(move.new_user, move.new_incarnation, *NOT_OVER),
                    ),
                )
                note = (at, "hook", f"renamed: {move.user}", move.new_user, 0)
                connection.execute(AUDITED, note)
            for row in forgotten:
                found = connection.execute(
                    "SELECT material FROM policy WHERE user=? AND incarnation=? AND server_name=?",
                    row,
                ).fetchall()
                lost += [str(one["material"]) for one in found if one["material"]]
                for table in OF_A_LIFE:
                    connection.execute(
                        f"DELETE FROM {table} "  # noqa: S608 - ours
                        "WHERE user=? AND incarnation=? AND server_name=?",
                        row,
                    )
                note = (at, "hook", "gone", f"{row[0]}/{row[2]}", 0)
                connection.execute(AUDITED, note)
        return lost
