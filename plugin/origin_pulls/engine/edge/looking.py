"""Looks at a zone, as whole or as little as is needed, and does one step there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from origin_pulls.cloudflare.values import EdgeCertificate, Zone
from origin_pulls.engine.edge.reach import ZoneClient
from origin_pulls.errors import Refused
from origin_pulls.model import edge, edge_steps
from origin_pulls.model.edge import Form, SeenAssociation, SeenCertificate, ZoneSeen
from origin_pulls.model.edge_steps import Aim, EdgeStep
from origin_pulls.model.rollout import Leg
from origin_pulls.server import certificates
from origin_pulls.server.certificates import Material
from origin_pulls.store.rollouts import ASSOCIATION, SWITCH, ZONE_NAME, EdgeStore

if TYPE_CHECKING:
    from origin_pulls.engine.server import Server

ADDRESS_KINDS = ("A", "AAAA", "CNAME")


def look(client: ZoneClient, zone: Zone, hosts: Sequence[str] = ()) -> ZoneSeen:
    """All there is to know of a zone. ``hosts`` are asked one by one where there is no list."""
    records = tuple(
        sorted(
            (record.name, record.is_proxied)
            for record in client.records(zone.id)
            if record.kind in ADDRESS_KINDS
        )
    )
    seen = ZoneSeen(
        id=zone.id,
        name=zone.name,
        status=zone.status,
        is_paused=zone.is_paused,
        ssl_mode=client.ssl_mode(zone.id),
        shared_switch=client.shared_is_on(zone.id),
        records=records,
    )
    return _with_associations(
        replace(
            seen,
            zone_switch=client.zone_aop_is_on(zone.id),
            zone_certificates=_certificates(client.zone_certificates(zone.id)),
            hostname_certificates=_certificates(client.hostname_certificates(zone.id)),
        ),
        client,
        hosts,
    )


def glance(client: ZoneClient, leg: Leg) -> ZoneSeen:
    """What may have changed while one waits for a step of this leg: few calls; the rest is
    taken to be in order.
    """
    seen = ZoneSeen(id=leg.zone, name=leg.zone_name)
    if leg.form is Form.ZONE:
        found = _certificates(client.zone_certificates(leg.zone))
        is_on = client.zone_aop_is_on(leg.zone)
        return replace(seen, zone_switch=is_on, zone_certificates=found)
    found = _certificates(client.hostname_certificates(leg.zone))
    return _with_associations(replace(seen, hostname_certificates=found), client, leg.hosts)


def do(server: Server, client: ZoneClient, leg: Leg, aim: Aim, step: EdgeStep) -> None:
    """Do one step. What is ours is noted before it is written, so that a crash forgets nothing."""
    store, zone = EdgeStore(server.store), leg.zone
    is_zone = leg.form is Form.ZONE
    match step:
        case edge_steps.Upload():
            _upload(server, client, leg, aim)
        case edge_steps.SwitchOn():
            store.note(zone, SWITCH, "zone")
            client.set_zone_aop(zone, enabled=True)
        case edge_steps.SwitchOff():
            client.set_zone_aop(zone, enabled=False)
            store.forget(zone, SWITCH, "zone")
        case edge_steps.Associate():
            for host in step.hosts:
                store.note(zone, ASSOCIATION, host, step.cert_id)
            client.associate(zone, [(host, step.cert_id, True) for host in step.hosts])
        case edge_steps.Void():
            client.associate(zone, [(host, cert_id, None) for host, cert_id in step.pairs])
            for host, _ in step.pairs:
                store.forget(zone, ASSOCIATION, host)
        case edge_steps.Delete():
            delete = client.delete_zone_certificate if is_zone else None
            (delete or client.delete_hostname_certificate)(zone, step.cert_id)


def ours(server: Server, zone: str, form: Form) -> frozenset[str]:
    """The SHA-256 of the leaves that we brought to this store of a zone."""
    return frozenset(EdgeStore(server.store).brought(zone, kind(form)))


def kind(form: Form) -> str:
    """How certificates of this form's store are noted."""
    return f"{form} certificate"


def aim_of(server: Server, leg: Leg, *, number: str | None = None) -> Aim:
    """What a leg leads to; with another certificate than the leg's own where one is given."""
    material = kept(server, number if number is not None else leg.material)
    return Aim(
        form=leg.form,
        leaf=material.leaf_sha256 if material else edge.SHARED,
        hosts=leg.hosts,
        ours=ours(server, leg.zone, leg.form),
        may_fill=bool(leg.old),
    )


def kept(server: Server, number: str) -> Material | None:
    """The certificate kept under a number (``Refused`` if it is gone); the shared one: ``None``."""
    if not number:
        return None
    material = certificates.kept(server.config.keys_directory / number)
    if material is None:
        raise Refused(
            f"The certificate in {server.config.keys_directory / number} is gone",
            hint="Switch the vhost off and enforce it again: a new one is made.",
        )
    return material


def _upload(server: Server, client: ZoneClient, leg: Leg, aim: Aim) -> None:
    material = kept(server, leg.material)
    if material is None:
        return
    store = EdgeStore(server.store)
    store.note(leg.zone, ZONE_NAME, leg.zone_name)
    store.note(leg.zone, kind(leg.form), aim.leaf)
    pem = material.leaf.decode("ascii")
    if leg.form is Form.ZONE:
        found = client.upload_zone_certificate(leg.zone, pem, material.leaf_key)
    else:
        found = client.upload_hostname_certificate(leg.zone, pem, material.leaf_key)
    store.note(leg.zone, kind(leg.form), aim.leaf, found.id)


def _with_associations(seen: ZoneSeen, client: ZoneClient, hosts: Sequence[str]) -> ZoneSeen:
    found = tuple(
        SeenAssociation(
            hostname=one.hostname,
            cert_id=one.cert_id,
            enabled=one.enabled,
            is_active=one.is_active,
        )
        for one in client.associations(seen.id, hosts)
        if one.enabled is not None
    )
    return replace(seen, associations=found)


def _certificates(found: Sequence[EdgeCertificate]) -> tuple[SeenCertificate, ...]:
    return tuple(
        SeenCertificate(
            id=one.id,
            sha256=one.sha256,
            is_active=one.is_active,
            is_live=one.is_live,
            is_stuck=one.is_stuck,
            expires=one.expires_on,
            uploaded=one.uploaded_on,
        )
        for one in found
    )
