"""The certificates that are kept for a vhost: what Cloudflare presents to it, or will."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from cryptography import x509

from origin_pulls.engine.edge import looking
from origin_pulls.engine.edge.unused import unused
from origin_pulls.engine.server import Server
from origin_pulls.model.certificates import in_one_line
from origin_pulls.model.edge import Form
from origin_pulls.model.inventory import Vhost
from origin_pulls.server import certificates, importing
from origin_pulls.server.certificates import Material
from origin_pulls.store.rollouts import EdgeStore


@dataclass(frozen=True, slots=True)
class Kept:
    """One certificate of a vhost. ``zone``, ``form`` and ``since`` are empty until it is
    presented; ``edge_id`` is Cloudflare's name for it. ``lies_in`` is the zone in which it lies
    though it is presented to nobody.
    """

    number: str
    issuer: str
    sha256: str
    expires: datetime
    folder: Path
    is_imported: bool
    zone: str = ""
    form: str = ""
    since: str = ""
    edge_id: str = ""
    lies_in: str = ""


def kept(server: Server, vhost: Vhost) -> list[Kept]:
    """The certificates of a vhost."""
    place = vhost.user, vhost.incarnation, vhost.server_name
    found = []
    for number in server.store.material(*place).split():
        material = certificates.kept(server.config.keys_directory / number)
        if material is not None:
            found.append(_kept(server, place, number, material))
    for lying in unused(server, vhost):
        material = certificates.kept(server.config.keys_directory / lying.material)
        if material is not None:
            one = _kept(server, place, lying.material, material)
            ids = EdgeStore(server.store).brought(lying.zone, looking.kind(lying.form))
            found = [other for other in found if other.number != one.number or other.zone]
            edge_id = ids.get(one.sha256, "")
            found.append(replace(one, lies_in=lying.zone_name, edge_id=edge_id))
    return found


def as_record(one: Kept) -> dict[str, Any]:
    """One of them as plain values, without the place where root keeps it."""
    return {
        "issuer": one.issuer,
        "sha256": one.sha256,
        "expires": one.expires.isoformat(),
        "imported": one.is_imported,
        "zone": one.zone,
        "form": one.form,
        "since": one.since,
        "lies_in": one.lies_in,
    }


def _kept(server: Server, place: tuple[str, str, str], number: str, material: Material) -> Kept:
    store = EdgeStore(server.store)
    leaf = x509.load_pem_x509_certificate(material.leaf)
    folder = server.config.keys_directory / number
    rows = [one for one in store.presented() if one.material == number]
    # A zone presents its certificate to all vhosts in it, also to those that do not demand it.
    shown = next(
        (one for one in rows if one.place == place),
        next((one for one in rows if one.form is Form.ZONE and not one.is_void), None),
    )
    sha256 = material.leaf_sha256
    brought = store.brought(shown.zone, f"{shown.form} certificate") if shown else {}
    return Kept(
        number=number,
        issuer=in_one_line(leaf.issuer.rfc4514_string()),
        sha256=sha256,
        expires=material.expires,
        folder=folder,
        is_imported=bool(importing.imported_for(folder)),
        zone=shown.zone_name if shown else "",
        form=str(shown.form) if shown else "",
        since=shown.since if shown else "",
        edge_id=brought.get(sha256, ""),
    )
