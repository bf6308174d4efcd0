"""Certificates that end soon: rotated in time, or told to who has to bring the next."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from origin_pulls.engine import looking as local
from origin_pulls.engine import preparing, working
from origin_pulls.engine.edge import by_hand, telling
from origin_pulls.engine.edge.entering import at_edge
from origin_pulls.engine.server import Server
from origin_pulls.errors import OriginPullsError
from origin_pulls.model.inventory import Vhost
from origin_pulls.model.job import ROTATE, Applied
from origin_pulls.model.policy import Mode, Trust
from origin_pulls.model.wish import Rotate
from origin_pulls.server import certificates, importing
from origin_pulls.store.presented import Presented
from origin_pulls.store.rollouts import EdgeStore

logger = logging.getLogger(__name__)
WHO = "agent"
AGAIN = timedelta(days=1)  # until a rotation that failed is tried once more


def renew(server: Server, say: Callable[[str], None]) -> None:
    """Rotate what we made and brought, and tell every vhost that depends on what we did not.

    A notice ends when its vhost no longer depends on a certificate that ends soon.
    """
    found = local.look(server)
    applied = preparing.applied_now(server, found)
    vhosts = {
        vhost.key: vhost for vhost in found.vhosts if _is_own(applied.get(vhost.key, Applied()))
    }
    rows: dict[tuple[str, str], Presented] = {
        (one.key, one.material): one
        for one in EdgeStore(server.store).valid()
        if one.key in vhosts and vhosts[one.key].incarnation == one.incarnation
    }
    told: dict[str, str] = {}
    ours: dict[str, Presented] = {}
    brought = {key for key, _ in rows}
    for key, vhost in vhosts.items():
        for number, expires in _ending(server, vhost).items():
            row = rows.get((key, number))
            if row is None and key in brought:
                continue  # trusted besides, for a while: another one is presented
            said = _told(server, number, row, expires)
            if said:
                told[key] = said
            elif row is not None:
                ours.setdefault(number, row)
    telling.tell_expiry(server, {vhost.key: vhost for vhost in found.vhosts}, told)
    _rotate(server, ours, say)


def _is_own(applied: Applied) -> bool:
    """Whether a vhost depends on certificates that are kept here."""
    return applied.policy.mode is not Mode.OFF and applied.policy.trust is Trust.OWN


def _ending(server: Server, vhost: Vhost) -> Mapping[str, datetime]:
    """The certificates of a vhost that end soon, by their numbers."""
    soon = server.clock() + timedelta(days=server.config.renew_days)
    place = vhost.user, vhost.incarnation, vhost.server_name
    return {
        number: kept.expires
        for number in server.store.material(*place).split()
        if (kept := certificates.kept(server.config.keys_directory / number))
        and kept.expires <= soon
    }


def _told(server: Server, number: str, row: Presented | None, expires: datetime) -> str:
    """Why a person is needed for a certificate; empty when it is rotated by itself."""
    if importing.imported_for(server.config.keys_directory / number):
        return f"The imported certificate expires on {expires:%Y-%m-%d}: bring the next."
    if row is None:
        return (
            f"The certificate expires on {expires:%Y-%m-%d}, and it was brought to Cloudflare by "
            "hand: import the next, or let Origin Pulls do it (token add, off, enforce)."
        )
    trusting = by_hand.trusting(server, number, row.user)
    if trusting:
        return (
            f"The certificate expires on {expires:%Y-%m-%d} and is not renewed by itself: "
            f"{trusting[0]} trusts its CA by hand (`--trust custom`)."
        )
    return ""


def _rotate(server: Server, ours: Mapping[str, Presented], say: Callable[[str], None]) -> None:
    busy = {item.key for job in at_edge(server) for item in job.items}
    for number, one in ours.items():
        if one.key in busy or _was_tried(server, one.key):
            continue
        kept = certificates.kept(server.config.keys_directory / number)
        if kept is None:
            continue
        say(f"the certificate of {one.server_name} expires on {kept.expires:%Y-%m-%d}: rotating")
        try:
            wish = Rotate(one.user, one.server_name, WHO)
            with working.holding(server, say):
                working.accept(server, wish)
                working.work(server, say)
        except OriginPullsError as error:
            logger.warning("%s cannot be rotated: %s", one.server_name, error)


def _was_tried(server: Server, key: str) -> bool:
    """Whether the agent began to rotate a vhost's certificate lately."""
    since = server.clock() - AGAIN
    return any(
        job.kind == ROTATE
        and job.who == WHO
        and datetime.fromisoformat(job.asked) > since
        and key in {item.key for item in job.items}
        for job in server.store.jobs(most=200)
    )
