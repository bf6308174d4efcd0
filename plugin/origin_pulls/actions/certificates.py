"""Certificates of vhosts: what there is, bringing one made elsewhere, and the CA to hand out."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from origin_pulls.actions.changing import Say, carry_out, rotated
from origin_pulls.config import Config
from origin_pulls.engine import kept_certificates, looking, working
from origin_pulls.engine.edge import importing_for
from origin_pulls.engine.edge.importing_for import Fate
from origin_pulls.engine.kept_certificates import Kept
from origin_pulls.engine.server import Server
from origin_pulls.errors import Refused
from origin_pulls.model.inventory import Vhost
from origin_pulls.model.job import Job
from origin_pulls.model.wish import Rotate
from origin_pulls.server import importing
from origin_pulls.server.certificates import Material


def kept(config: Config, name: str) -> tuple[Vhost, list[Kept]]:
    """The certificates of the vhost that serves a name."""
    server = Server.dry(config)
    vhost = looking.Names(looking.look(server)).find(name)
    return vhost, kept_certificates.kept(server, vhost)


def authority(config: Config, name: str) -> bytes:
    """The CA certificates, as PEM, that a vhost trusts of those that we keep for it."""
    _, found = kept(config, name)
    if not found:
        raise Refused(
            f"No certificate was made for {name} yet",
            hint=f"`origin-pulls observe {name}` makes one, `enforce` brings it to Cloudflare.",
        )
    return b"".join((one.folder / "ca.pem").read_bytes() for one in found)


@dataclass(frozen=True, slots=True)
class Brought:
    """An imported certificate: for whom, what was done with it (and the job that did it)."""

    vhost: Vhost
    material: Material
    fate: Fate
    notes: tuple[str, ...] = ()
    job: Job | None = None


def bring(
    config: Config,
    name: str,
    *,
    leaf: Path,
    key: Path,
    ca: Path | None,
    who: str,
    say: Say,
) -> Brought:
    """Take a certificate made elsewhere for the vhost that serves a name.

    Where one is presented already it is rotated to this one (the job says how that went), else
    it is kept for the next `enforce`. What is presented already is left alone.
    """
    server = Server.of(config)
    vhost = looking.Names(looking.look(server)).find(name)
    read = importing.read
    authority_text = read(ca) if ca is not None else None
    made = importing.material(read(leaf), read(key), authority_text, now=server.clock())
    with working.holding(server, say):
        fate = importing_for.fate_of(server, vhost, made)
        if fate is not Fate.PRESENTED:
            importing_for.keep(server, vhost, made)
        if fate is Fate.KEPT:
            place = vhost.user, vhost.incarnation, vhost.server_name
            server.store.keep_material(*place, made.number)
    brought = Brought(vhost, made, fate, tuple(importing_for.notes(server, made)))
    if fate is not Fate.ROTATES:
        return brought
    wish = Rotate(vhost.user, vhost.server_name, who, made.number)
    for zone in rotated(config, wish):
        say(str(zone))
    return replace(brought, job=carry_out(config, wish, say))
