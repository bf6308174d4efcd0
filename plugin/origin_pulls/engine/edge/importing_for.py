"""What an imported certificate leads to: nothing, a rotation, or that it is kept for later."""

from __future__ import annotations

from enum import StrEnum

from origin_pulls.engine.server import Server
from origin_pulls.errors import Refused
from origin_pulls.model.edge import Form
from origin_pulls.model.inventory import Vhost
from origin_pulls.model.job import Applied
from origin_pulls.model.policy import Mode
from origin_pulls.server import certificates, importing
from origin_pulls.server.certificates import Material
from origin_pulls.store.presented import Presented
from origin_pulls.store.rollouts import EdgeStore


class Fate(StrEnum):
    """What is done with it."""

    PRESENTED = "presented"  # nothing: it is what Cloudflare presents already
    ROTATES = "rotates"
    KEPT = "kept"  # for the next time that the vhost is enforced


def fate_of(server: Server, vhost: Vhost, made: Material) -> Fate:
    """What is to be done with a certificate that was made elsewhere for a vhost.

    Raises ``Refused`` where it could not be used as it is meant, with nothing kept.
    """
    store = EdgeStore(server.store)
    place = vhost.user, vhost.incarnation, vhost.server_name
    _check_others(server, vhost, made)
    rows = [one for one in store.valid() if one.place == place and one.material]
    if rows and all(one.material == made.number for one in rows):
        _check_same_authority(server, vhost, made)
        return Fate.PRESENTED
    if rows:
        _check_in_order(store, vhost, rows)
        return Fate.ROTATES
    _check_zones(store, vhost, made)
    mode = server.store.policies().get(place, Applied()).policy.mode
    numbers = server.store.material(*place).split()
    if mode is Mode.ENFORCE and numbers and numbers != [made.number]:
        raise Refused(
            f"{vhost.server_name} demands another certificate by a person's word",
            hint=f"Switch it to observe first: `origin-pulls observe {vhost.server_name}`.",
        )
    return Fate.KEPT


def keep(server: Server, vhost: Vhost, made: Material) -> None:
    """Keep it, unless it is kept already: what was made here does not become an imported one."""
    folder = server.config.keys_directory / made.number
    kept = certificates.kept(folder)
    if kept is None or kept.authority != made.authority:
        importing.keep_for(made, folder, vhost.key)


def notes(server: Server, made: Material) -> list[str]:
    """What a person should know of a certificate that is taken."""
    days = (made.expires - server.clock()).days
    if days >= server.config.renew_days:
        return []
    return [
        f"It ends on {made.expires:%Y-%m-%d}, in {days} days, and is not renewed by itself: bring "
        "its successor in time."
    ]


def _check_others(server: Server, vhost: Vhost, made: Material) -> None:
    """Refuse what another vhost uses: whoever gets in there would get in here."""
    place = vhost.user, vhost.incarnation, vhost.server_name
    users = server.store.users_of(made.number)
    if place in users:
        return
    for _, _, server_name in users:
        raise Refused(
            f"That certificate is kept for {server_name} already",
            hint="A zone's certificate serves all its vhosts by itself: just enforce them. For a "
            "vhost of another zone issue one of its own.",
        )


def _check_same_authority(server: Server, vhost: Vhost, made: Material) -> None:
    kept = certificates.kept(server.config.keys_directory / made.number)
    if kept is None or certificates.fingerprint(kept.authority) != certificates.fingerprint(
        made.authority
    ):
        raise Refused(
            f"Cloudflare presents that very leaf to {vhost.server_name} already, and another "
            "certificate of its CA is trusted",
            hint="Issue a new leaf by the new CA, and import that.",
        )


def _check_in_order(store: EdgeStore, vhost: Vhost, rows: list[Presented]) -> None:
    amiss = {(one.key, one.zone) for one in store.drifts()}
    for one in rows:
        if (one.key, one.zone) in amiss:
            raise Refused(
                f"The zone {one.zone_name} is not as it was left, so nothing can be rotated there",
                hint=f"See `origin-pulls edge {vhost.server_name}`; `origin-pulls enforce "
                f"{vhost.server_name}` brings it into order, then import.",
            )


def _check_zones(store: EdgeStore, vhost: Vhost, made: Material) -> None:
    """Refuse where a zone has its certificate already, by which others come in."""
    for one in store.valid():
        is_here = any(
            name == one.zone_name or name.endswith(f".{one.zone_name}") for name in vhost.host_names
        )
        if is_here and one.form is Form.ZONE and one.material != made.number:
            raise Refused(
                f"The zone {one.zone_name} presents a certificate for {one.server_name}, and a "
                "zone has one for all its vhosts",
                hint=f"`origin-pulls certificate import {one.server_name}` puts this one in its "
                f"place; `origin-pulls enforce {vhost.server_name}` joins it.",
            )
