"""Tells people what the watch found: at the vhost, where lists and pages show it."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence

from origin_pulls.engine.server import Server
from origin_pulls.model.inventory import Vhost
from origin_pulls.store.marks import CERTIFICATE, EDGE, Marks
from origin_pulls.store.rollouts import Drift

logger = logging.getLogger(__name__)


def tell_drift(server: Server, vhosts: Mapping[str, Vhost], now: Sequence[Drift]) -> None:
    """Note at each vhost what is amiss at Cloudflare; what is in order again is forgotten."""
    _tell(server, vhosts, EDGE, _by_vhost(now))


def tell_expiry(server: Server, vhosts: Mapping[str, Vhost], now: Mapping[str, str]) -> None:
    """Note at each vhost that its certificate ends and a person is needed, or that none is."""
    for key, said in _tell(server, vhosts, CERTIFICATE, now).items():
        logger.warning("%s: %s", key, said)


def _tell(
    server: Server, vhosts: Mapping[str, Vhost], kind: str, are: Mapping[str, str]
) -> dict[str, str]:
    """Bring the notices of a kind up to date; gives those that are new.

    It is compared with what was told, not with what was seen last: others mend things as well.
    """
    marks = Marks(server.store)
    was = _told(server, kind)
    for key in was.keys() - are.keys():
        if key in vhosts:
            marks.forget(vhosts[key], kind)
    fresh = {key: said for key, said in are.items() if key in vhosts and said != was.get(key)}
    for key, said in fresh.items():
        marks.notice(vhosts[key], kind, said, at=server.stamp())
    return fresh


def _told(server: Server, kind: str) -> dict[str, str]:
    rows = server.store.rows("SELECT user, server_name, said FROM attention WHERE kind=?", (kind,))
    return {f"{row['user']}/{row['server_name']}": str(row["said"]) for row in rows}


def _by_vhost(drifts: Iterable[Drift]) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    for drift in drifts:
        found.setdefault(drift.key, []).append(drift.what)
    return {key: "; ".join(what) for key, what in found.items()}
