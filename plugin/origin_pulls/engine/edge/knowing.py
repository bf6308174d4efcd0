"""The edge as a run sees it: what was proven to be presented, as the store remembers it."""

from __future__ import annotations

from collections.abc import Sequence

from origin_pulls.config import Config
from origin_pulls.model import certificates as judged
from origin_pulls.model.facts import EdgeFacts
from origin_pulls.model.inventory import Vhost
from origin_pulls.model.rollout import Stage
from origin_pulls.server import certificates, files
from origin_pulls.store import Store
from origin_pulls.store.presented import Presented
from origin_pulls.store.rollouts import EdgeStore


class KnownEdge:
    """What rollouts proved. A run itself writes nothing at the edge."""

    def __init__(self, config: Config, store: Store) -> None:
        self.config = config
        self.store = EdgeStore(store)

    def facts(self, vhost: Vhost) -> EdgeFacts:
        """The anchors of what is presented to this vhost, and how it is asked from outside."""
        found = [
            self._anchor(one)
            for one in self.store.relied_on()
            if one.place == (vhost.user, vhost.incarnation, vhost.server_name)
        ]
        ways = self.store.ways(vhost.key) if found else ()
        presents = frozenset(filter(None, found))
        return EdgeFacts(presents=presents, is_proven=self._is_proven(vhost.key), ways=ways)

    def present(self, vhost: str, anchors: Sequence[str]) -> None:
        """Never asked for: the edge is not managed by runs."""
        raise NotImplementedError(vhost, anchors)

    def withdraw(self, vhost: str) -> None:
        """Never asked for: the edge is not managed by runs."""
        raise NotImplementedError(vhost)

    def _is_proven(self, key: str) -> bool:
        """Whether a job has just proven it, and is about to demand."""
        return any(
            key in one.keys and key not in one.failed and one.stage is Stage.ENFORCING
            for one in self.store.rollouts()
        )

    def _anchor(self, one: Presented) -> str:
        if not one.material:
            other = files.read(self.config.shared_ca)
            return certificates.fingerprint(other) if other else judged.CLOUDFLARE_SHA256
        kept = certificates.kept(self.config.keys_directory / one.material)
        return certificates.fingerprint(kept.authority) if kept else ""
