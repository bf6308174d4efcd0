"""Finds the zone of a name, and which names are proxied; each question is asked once a run."""

from __future__ import annotations

from collections.abc import Sequence

from origin_pulls.cloudflare.client import Client
from origin_pulls.cloudflare.values import Record, Zone
from origin_pulls.errors import EdgeTooMuch
from origin_pulls.model import zones
from origin_pulls.model.zones import ProxyState


class Zones:
    """What one token sees of zones and their records."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self._named: dict[str, list[Zone]] = {}
        self._records: dict[str, list[Record] | None] = {}

    def find(self, name: str) -> Zone | None:
        """The zone of a name by the longest match; ``None`` when the token sees none.

        Of several of one name the active one is taken, else the first. Raises ``EdgeRefused``
        when the token may not ask.
        """
        for candidate in zones.candidates(name):
            if candidate not in self._named:
                self._named[candidate] = self.client.zones_named(candidate)
            if self._named[candidate]:
                return self._named[candidate][0]
        return None

    def states(self, zone: Zone, names: Sequence[str]) -> list[ProxyState]:
        """Which of these names of a zone are proxied, by its records."""
        if zone.id not in self._records:
            self._records[zone.id] = self._all_records(zone)
        known = self._records[zone.id]
        return [
            zones.by_records(name, self._around(zone, name) if known is None else known, zone.name)
            for name in names
        ]

    def _all_records(self, zone: Zone) -> list[Record] | None:
        """All records, or ``None`` where there are more than are read."""
        try:
            return self.client.records(zone.id)
        except EdgeTooMuch:
            return None

    def _around(self, zone: Zone, name: str) -> list[Record]:
        """The records that decide about one name: its own, else the nearest wildcard's."""
        for candidate in (name, *(f"*.{parent}" for parent in zones.candidates(name)[1:])):
            found = self.client.records_named(zone.id, candidate)
            if found or candidate == f"*.{zone.name}":
                return found
        return []
