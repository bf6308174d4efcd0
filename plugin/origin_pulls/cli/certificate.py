"""Commands about certificates and Cloudflare's networks."""

from __future__ import annotations

import os
from pathlib import Path

import click

from origin_pulls.actions import networks as known_networks
from origin_pulls.actions import probing
from origin_pulls.cli import words
from origin_pulls.cli.options import common, print_json, progress
from origin_pulls.config import Config
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
