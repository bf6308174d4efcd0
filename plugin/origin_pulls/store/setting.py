"""The server's settings in the store."""

from __future__ import annotations

from collections.abc import Mapping

from origin_pulls.model.settings import Settings, read_settings
from origin_pulls.store.parts import Reading, Writing


def kept(store: Reading) -> Settings:
    """The settings in force."""
    return read_settings(_record(store))


def keep(store: Writing, values: Mapping[str, str]) -> Settings:
    """Set these, checked together with those that stay; gives the settings in force."""
    found = read_settings({**_record(store), **values})
    with store.writing() as connection:
        connection.executemany("INSERT OR REPLACE INTO setting VALUES (?,?)", list(values.items()))
    return found


def _record(store: Reading) -> dict[str, str]:
    return {row["name"]: row["value"] for row in store.rows("SELECT * FROM setting")}
