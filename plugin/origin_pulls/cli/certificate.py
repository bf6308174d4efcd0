"""Commands about certificates and Cloudflare's networks."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path

import click

from origin_pulls.actions import certificates, probing
from origin_pulls.actions import networks as known_networks
from origin_pulls.cli import words
from origin_pulls.cli.changing import person
from origin_pulls.cli.options import common, print_json, progress
from origin_pulls.config import Config
from origin_pulls.engine.edge.importing_for import Fate
from origin_pulls.errors import Unusable
from origin_pulls.model.job import EXIT_CODES


@click.group()
def certificate() -> None:
    """Certificates of this server."""


@certificate.command()
@click.option("--out", required=True, metavar="DIR", help="Where probe.pem and probe.key go.")
@click.option("--days", type=click.IntRange(1, 3650), default=365, help="Valid for (365).")
@click.option("--force", is_flag=True, help="Write over files that are there.")
@common
def probe(config: Config, as_json: bool, out: str, days: int, force: bool) -> None:
    """Write a client certificate that every enforced vhost of this server accepts.

    It is meant for monitors on this machine. Keep its key secret: who has it passes everywhere.
    """
    folder = Path(out)
    places = folder / "probe.pem", folder / "probe.key"
    taken = [place for place in places if os.path.lexists(place)]
    if taken and not force:
        raise Unusable(f"{taken[0]} is there already", hint="Name another folder, or --force.")
    expires = probing.write_probe(config, *places, days=days)
    if as_json:
        print_json(
            {"certificate": str(places[0]), "key": str(places[1]), "expires": expires.isoformat()}
        )
    else:
        click.echo(f"Wrote {places[0]} and {places[1]}, valid until {expires:%Y-%m-%d}.")
        click.echo(f"Try: curl --cert {places[0]} --key {places[1]} https://NAME/")


@certificate.command()
@click.argument("name")
@common
def show(config: Config, as_json: bool, name: str) -> None:
    """Show the certificates that are kept for NAME's vhost, and where Cloudflare presents them."""
    vhost, found = certificates.kept(config, name)
    if as_json:
        print_json(
            {"servername": vhost.server_name, "certificates": [asdict(one) for one in found]}
        )
        return
    for one in found:
        click.echo(f"{vhost.server_name}: {'imported' if one.is_imported else 'made here'}")
        click.echo(f"  issuer    {one.issuer}")
        click.echo(f"  sha256    {one.sha256}")
        click.echo(f"  expires   {one.expires:%Y-%m-%d}")
        click.echo(f"  files     {one.folder}")
        if one.zone:
            click.echo(
                f"  presented {one.form} form, zone {one.zone}, {one.edge_id or 'id unknown'}"
            )
        if one.lies_in:
            where = f"zone {one.lies_in}, {one.edge_id or 'id unknown'}"
            click.echo(
                f"  unused    lies at Cloudflare ({where}); "
                f"`origin-pulls off {name} --remove-certificate` deletes it"
            )
    if not found:
        click.echo(f"No certificate was made for {vhost.server_name} yet.")


@certificate.command("import")
@click.argument("name")
@click.option("--certificate", "leaf", required=True, metavar="FILE", help="The leaf, as PEM.")
@click.option("--key", required=True, metavar="FILE", help="Its key, as PEM, not encrypted.")
@click.option("--ca", metavar="FILE", help="The root that signed it; not for a self-signed one.")
@common
def import_(config: Config, as_json: bool, name: str, leaf: str, key: str, ca: str | None) -> int:
    """Use a certificate that was made elsewhere for NAME's vhost.

    Where another is presented already, it is rotated to this one. Mind that every client
    certificate which that CA ever signed is let in.
    """
    brought = certificates.bring(
        config,
        name,
        leaf=Path(leaf),
        key=Path(key),
        ca=Path(ca) if ca else None,
        who=person(),
        say=progress,
    )
    made, job = brought.material, brought.job
    if as_json:
        record = words.job_record(job) if job else None
        found = {"certificate": made.number, "sha256": made.leaf_sha256, "job": record}
        print_json({**found, "outcome": str(brought.fate), "notes": list(brought.notes)})
        return EXIT_CODES[job.state] if job else 0
    if job:
        words.say_job(job)
    elif brought.fate is Fate.PRESENTED:
        click.echo(f"Nothing to do: it is presented to {brought.vhost.server_name} already.")
    else:
        server_name = brought.vhost.server_name
        click.echo(f"Kept for {server_name}; `origin-pulls enforce {name}` brings it.")
    for text in brought.notes:
        click.echo(f"  Note: {text}")
    return EXIT_CODES[job.state] if job else 0


@certificate.command("export-ca")
@click.argument("name")
@common
def export_ca(config: Config, as_json: bool, name: str) -> None:
    """Print the CA, as PEM, that NAME's vhost trusts."""
    text = certificates.authority(config, name).decode("ascii")
    if as_json:
        print_json({"ca": text})
    else:
        click.echo(text, nl=False)


@click.command()
@click.option("--refresh", is_flag=True, help="Fetch Cloudflare's list and put it in force.")
@click.option("--from", "source", metavar="FILE", help="Take the list from a file instead.")
@click.option("--shrink", is_flag=True, help="Believe a list that lacks more than a third.")
@common
def ranges(config: Config, as_json: bool, refresh: bool, source: str | None, shrink: bool) -> int:
    """Show (or refresh) Cloudflare's networks, which `--port80 cloudflare` lets in."""
    if not refresh and source is None:
        networks = known_networks.cloudflare_ranges(config)
        if as_json:
            print_json({"ranges": list(networks)})
        else:
            click.echo("\n".join(networks))
        return 0
    place = Path(source) if source else None
    compared, job = known_networks.refresh_ranges(config, place, may_shrink=shrink, say=progress)
    if as_json:
        print_json({**compared, "job": words.job_record(job, is_whole=False) if job else None})
    else:
        added, gone = len(compared["added"]), len(compared["gone"])
        click.echo(f"{added} networks added, {gone} gone.")
        if job:
            words.say_job(job)
    return EXIT_CODES[job.state] if job else 0
