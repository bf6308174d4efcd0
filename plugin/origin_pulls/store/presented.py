"""What Cloudflare was proven to present to which vhost, and what of it is to go."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace

from origin_pulls.model.edge import Form
from origin_pulls.store.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Presented:
    """Proven to be presented to a vhost: by which zone, in which form, which certificate.

    ``material`` is the number of the certificate (empty: Cloudflare's shared one). ``removes``:
    the certificate is to be deleted once nobody demands it. ``is_void``: nothing may be built on
    it, and what we set for it at the edge is to be taken away.
    """

    user: str
    incarnation: str
    server_name: str
    zone: str
    zone_name: str
    form: Form
    material: str
    hosts: tuple[str, ...]
    since: str
    removes: bool = False
    is_void: bool = False

    @property
    def place(self) -> tuple[str, str, str]:
        """The vhost in its account's present life, as policies are kept."""
        return self.user, self.incarnation, self.server_name

    @property
    def identity(self) -> tuple[str, ...]:
        """What makes it another one: the vhost, the zone, the form, the certificate."""
        return (*self.place, self.zone, str(self.form), self.material)

    @property
    def key(self) -> str:
        """Account and ServerName in one word."""
        return f"{self.user}/{self.server_name}"


class PresentedRows:
    """The rows of what is presented, of one open store."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def presented(self) -> list[Presented]:
        """All that is presented to vhosts of this server."""
        rows = self.store.rows("SELECT * FROM presented ORDER BY user, server_name, zone")
        with self.store.mended():
            return [
                Presented(
                    **{
                        **dict(row),
                        "form": Form(row["form"]),
                        "hosts": tuple(json.loads(row["hosts"])),
                        "removes": bool(row["removes"]),
                        "is_void": bool(row["is_void"]),
                    }
                )
                for row in rows
            ]

    def valid(self) -> list[Presented]:
        """What was proven to be presented, and was not given up since."""
        return [one for one in self.presented() if not one.is_void]

    def keep_presented(self, found: Sequence[Presented]) -> None:
        """Note what is presented from now on, beside whatever is."""
        with self.store.writing() as connection:
            _put_presented(connection, found)

    def replace_presented(self, found: Sequence[Presented]) -> None:
        """Note what is presented from now on; whatever else was to these vhosts is to go."""
        places = {one.place for one in found}
        fresh = {one.identity for one in found}
        replaced = [
            replace(one, is_void=True, removes=True)
            for one in self.presented()
            if one.place in places and one.identity not in fresh
        ]
        with self.store.writing() as connection:
            _put_presented(connection, [*replaced, *found])

    def forget_presented(self, one: Presented) -> None:
        """It is presented no more."""
        with self.store.writing() as connection:
            connection.execute(
                "DELETE FROM presented WHERE user=? AND incarnation=? AND server_name=? "
                "AND zone=? AND form=? AND material=?",
                one.identity,
            )

    def ask_removal(self, keys: Sequence[tuple[str, str]]) -> None:
        """The certificates of these vhosts (user, ServerName) go once nobody demands them."""
        wanted = set(keys)
        self.keep_presented(
            [
                replace(one, removes=True)
                for one in self.presented()
                if (one.user, one.server_name) in wanted
            ]
        )


def _put_presented(connection: sqlite3.Connection, found: Sequence[Presented]) -> None:
    connection.executemany(
        "INSERT OR REPLACE INTO presented VALUES (?,?,?,?,?,?,?,?,?,?,?)",
        [
            (
                *(one.user, one.incarnation, one.server_name, one.zone, one.zone_name),
                *(one.form, one.material, json.dumps(one.hosts), one.since, one.removes),
                one.is_void,
            )
            for one in found
        ],
    )
