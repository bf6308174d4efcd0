"""Certificates that we brought to Cloudflare and that nobody uses any more: found, and given up."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from origin_pulls.engine.edge import looking
from origin_pulls.engine.server import Server
from origin_pulls.model.edge import Form
from origin_pulls.model.inventory import Vhost
from origin_pulls.model.job import Applied
from origin_pulls.model.policy import Mode
from origin_pulls.server import certificates
from origin_pulls.store.presented import Presented
from origin_pulls.store.rollouts import ZONE_NAME, EdgeStore

OWN_FORMS = (Form.ZONE, Form.HOSTNAME)


def unused(server: Server, vhost: Vhost, *, relaxing: Collection[str] = ()) -> list[Presented]:
    """What lies in a vhost's zones, was brought by us and is presented to nobody; as void rows.

    Of a zone's certificates all that serve no vhost; of those for single names the vhost's own,
    and such as belong to nobody. ``relaxing`` are the keys of vhosts that are just let go.
    """
    store = EdgeStore(server.store)
    used = {(one.zone, one.material) for one in store.presented()}
    for rollout in store.rollouts():
        used |= {(leg.zone, one) for leg in rollout.legs for one in (leg.material, leg.old)}
    found = []
    for zone, zone_name in _zones_of(store, vhost).items():
        for form in OWN_FORMS:
            for leaf in store.brought(zone, looking.kind(form)):
                number = certificates.number_of(leaf)
                is_free = (zone, number) not in used
                if is_free and _is_for(server, vhost, form, number, relaxing):
                    found.append(_void(server, vhost, (zone, zone_name), form, number))
    return found


def give_up(server: Server, vhosts: Sequence[Vhost]) -> bool:
    """Note that what lies unused in the zones of these vhosts is to be deleted (``tidying``).

    Gives whether anything does.
    """
    store = EdgeStore(server.store)
    relaxing = {vhost.key for vhost in vhosts}
    is_any = False
    for vhost in vhosts:
        found = unused(server, vhost, relaxing=relaxing)
        store.keep_presented(found)
        is_any = is_any or bool(found)
    return is_any


def _zones_of(store: EdgeStore, vhost: Vhost) -> dict[str, str]:
    """The zones, by their ids, to which we brought something and in which a vhost has names."""
    return {
        zone: name
        for zone, name in store.everywhere(ZONE_NAME)
        if any(host == name or host.endswith(f".{name}") for host in vhost.host_names)
    }


def _is_for(
    server: Server, vhost: Vhost, form: Form, number: str, relaxing: Collection[str]
) -> bool:
    """Whether a certificate that is presented to nobody may go when this vhost is let go."""
    policies = server.store.policies()
    users = server.store.users_of(number)
    # Whoever demands it by a person's word is noted nowhere else.
    if any(
        policies.get(one, Applied()).policy.mode is not Mode.OFF
        for one in users
        if f"{one[0]}/{one[2]}" not in relaxing
    ):
        return False
    place = vhost.user, vhost.incarnation, vhost.server_name
    return form is Form.ZONE or not users or place in users


def _void(
    server: Server, vhost: Vhost, zone: tuple[str, str], form: Form, number: str
) -> Presented:
    return Presented(
        user=vhost.user,
        incarnation=vhost.incarnation,
        server_name=vhost.server_name,
        zone=zone[0],
        zone_name=zone[1],
        form=form,
        material=number,
        hosts=(),
        since=server.stamp(),
        removes=True,
        is_void=True,
    )
