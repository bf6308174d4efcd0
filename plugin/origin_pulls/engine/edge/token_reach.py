"""The way to Cloudflare by the tokens that are kept on this server."""

from __future__ import annotations

from origin_pulls.cloudflare.values import Zone
from origin_pulls.config import Config
from origin_pulls.engine.edge.fallback import with_fallback
from origin_pulls.engine.edge.reach import ZoneClient
from origin_pulls.engine.reaching import Reached, Reaching
from origin_pulls.errors import EdgeRefused
from origin_pulls.server.tokens import Tokens


class TokenReach:
    """Reaches zones with an account's tokens first, then with the server's.

    It waits for no token: whoever has to is told by ``EdgeLater``, and others go on meanwhile.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self._reaching: Reaching | None = None

    def is_possible(self) -> bool:
        """Whether there is any token at all."""
        return bool(Tokens(self._config.tokens_directory).all())

    def renew(self) -> None:
        """Forget what was asked so far, and close the connections."""
        if self._reaching is not None:
            self._reaching.close()
        self._reaching = None

    def zone_of(self, user: str, incarnation: str, name: str) -> tuple[ZoneClient, Zone] | None:
        """The zone of a name, and who reaches it."""
        found = self._now.find(user, incarnation, name)
        return (self._client(found), found.zone) if found else None

    def why_not(self, user: str, incarnation: str) -> str:
        """What is wrong with the tokens that could reach this account's zones; empty: nothing."""
        return " ".join(self._now.problems_of(user, incarnation))

    def client(self, user: str, incarnation: str, zone_id: str, zone_name: str) -> ZoneClient:
        """Who reaches a zone; ``EdgeRefused`` when no token does any more."""
        found = self._now.find(user, incarnation, zone_name)
        if found is None or found.zone.id != zone_id:
            said = self.why_not(user, incarnation)
            raise EdgeRefused(
                f"No token reaches the zone {zone_name} any more. {said}".strip(),
                hint="See `origin-pulls token list`, and `token add`.",
            )
        return self._client(found)

    def edge_addresses(self, host: str) -> list[str]:
        """The addresses of Cloudflare's edge that DNS names for a host."""
        return self._now.edge_addresses(host)

    def is_known(self, host: str) -> bool:
        """Whether DNS knows any address of a host."""
        return bool(self._now.resolver.addresses(host.removeprefix("*.")))

    def _client(self, found: Reached) -> ZoneClient:
        now = self._now
        return with_fallback(found.client, lambda: now.others(found))

    @property
    def _now(self) -> Reaching:
        if self._reaching is None:
            self._reaching = Reaching(self._config, is_held_up_by_none=True)
        return self._reaching
