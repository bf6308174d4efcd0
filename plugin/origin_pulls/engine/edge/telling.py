"""Tells people what the watch found: at the vhost, where lists and pages show it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from origin_pulls.engine.server import Server
from origin_pulls.model.inventory import Vhost
from origin_pulls.store.marks import Marks
from origin_pulls.store.rollouts import Drift

EDGE = "edge"
CERTIFICATE = "certificate"


def tell_drift(server: Server, vhosts: Mapping[str, Vhost], now: Sequence[Drift]) -> None:
    """Note at each vhost what is amiss at Cloudflare; what is in order again is forgotten.

    It is compared with what was told, not with what was seen last: others mend drift as well.
    """
    marks = Marks(server.store)
    was, are = _told(server), _by_vhost(now)
    for key in was.keys() - are.keys():
        if key in vhosts:
            marks.forget(vhosts[key], EDGE)
    for key, said in are.items():
        if key in vhosts and said != was.get(key):
            marks.notice(vhosts[key], EDGE, said, at=server.stamp())


def tell_expiry(server: Server, vhost: Vhost, said: str) -> None:
    """Note at a vhost that its certificate ends, and that a person has to bring another."""
    Marks(server.store).notice(vhost, CERTIFICATE, said, at=server.stamp())


def lasts(server: Server, vhost: Vhost) -> None:
    """The certificate of a vhost lasts: nobody need be told that it ends."""
    place = vhost.user, vhost.incarnation, vhost.server_name
    told = server.store.rows(
        "SELECT 1 FROM attention WHERE user=? AND incarnation=? AND server_name=? AND kind=?",
        (*place, CERTIFICATE),
    )
    if told:
        Marks(server.store).forget(vhost, CERTIFICATE)


def _told(server: Server) -> dict[str, str]:
    rows = server.store.rows("SELECT user, server_name, said FROM attention WHERE kind=?", (EDGE,))
    return {f"{row['user']}/{row['server_name']}": str(row["said"]) for row in rows}


def _by_vhost(drifts: Iterable[Drift]) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    for drift in drifts:
        found.setdefault(drift.key, []).append(drift.what)
    return {key: "; ".join(what) for key, what in found.items()}
