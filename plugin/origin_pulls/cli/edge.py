"""Commands about Cloudflare's side: edge, rotate, cancel, wait."""

from __future__ import annotations

from dataclasses import asdict

import click

from origin_pulls.actions import changing
from origin_pulls.actions import edge as at_edge
from origin_pulls.cli import words
from origin_pulls.cli.changing import person
from origin_pulls.cli.options import LARGEST_NUMBER, common, print_json, progress
from origin_pulls.config import Config
from origin_pulls.engine.edge import seeing
from origin_pulls.engine.edge.seeing import AtEdge
from origin_pulls.model.job import EXIT_CODES, Job, State

NUMBER = click.IntRange(1, LARGEST_NUMBER)


@click.command()
@click.argument("name")
@common
def edge(config: Config, as_json: bool, name: str) -> None:
    """Show what Cloudflare does for NAME's vhost now, and what stands in the way."""
    found = at_edge.edge_of(config, name)
    if as_json:
        print_json(seeing.as_record(found))
    else:
        _say(found)


@click.command()
@click.argument("name")
@click.option("--made-here", is_flag=True, help="Replace an imported certificate by one made here.")
@click.option("--dry-run", is_flag=True, help="Say which zones and vhosts it means; touch nothing.")
@common
def rotate(config: Config, as_json: bool, name: str, made_here: bool, dry_run: bool) -> int:
    """Bring a new certificate to Cloudflare, then take the old one away; no visitor notices.

    The origin trusts both while it is done. A zone's certificate is rotated for all its vhosts,
    and for a vhost with names in several zones that of each.
    """
    wish = changing.wish_to_rotate(config, name, who=person(), is_made_here=made_here)
    zones = changing.rotated(config, wish)
    if dry_run and as_json:
        print_json({"dry_run": True, "zones": [asdict(one) for one in zones]})
        return 0
    for one in zones:
        (click.echo if dry_run else progress)(str(one))
    if dry_run:
        click.echo("Nothing was touched (--dry-run).")
        return 0
    return _end(changing.carry_out(config, wish, progress), as_json=as_json)


@click.command()
@click.argument("number", type=NUMBER)
@common
def cancel(config: Config, as_json: bool, number: int) -> int:
    """Cancel a job that is waiting at Cloudflare; what it did is taken back.

    Exit code 0 when that is done, though `wait` of the same job ends with 4; 5 when it failed.
    """
    job = changing.cancel(config, number, person(), progress)
    if as_json:
        print_json(words.job_record(job))
    else:
        words.say_job(job)
    return EXIT_CODES[job.state] if job.state is State.NOT_RESTORED else 0


@click.command()
@click.argument("number", type=NUMBER)
@common
def wait(config: Config, as_json: bool, number: int) -> int:
    """Wait until a job is over; where no agent runs, go on with it here."""
    return _end(changing.follow(config, number, progress), as_json=as_json)


def _end(job: Job, *, as_json: bool) -> int:
    if as_json:
        print_json(words.job_record(job))
    else:
        words.say_job(job)
    return EXIT_CODES[job.state]


def _say(found: AtEdge) -> None:
    click.echo(f"{click.style(found.vhost.server_name, bold=True)}: {found.applied.policy.mode}")
    for zone in found.zones:
        seen = zone.seen
        paused = ", paused" if seen.is_paused else ""
        click.echo(f"  zone      {seen.name} ({seen.status}{paused}), encryption {seen.ssl_mode}")
        if zone.ours:
            click.echo(f"  form      {zone.ours.form}, proven since {zone.ours.since[:16]}")
        else:
            click.echo("  form      none: Origin Pulls presents nothing here")
        switch = "on" if seen.zone_switch else "off"
        shared = "on" if seen.shared_switch else "off"
        click.echo(f"  switches  zone's own certificate {switch}, shared certificate {shared}")
        if zone.certificate:
            click.echo(f"  presents  {zone.certificate.id}, until {zone.certificate.expires[:10]}")
        for name in zone.names:
            click.echo(f"            {name.name} ({words.side(name.side)}): {name.presents}")
        for lying in zone.unused:
            click.echo(f"  unused    {lying}: ours, and presented to nobody")
            click.echo(
                f"            `origin-pulls off {found.vhost.server_name} --remove-certificate` "
                "deletes it"
            )
        for text, hint in zone.obstacles:
            click.echo(f"  In the way: {text}.\n    {hint}")
        for text in zone.amiss:
            click.echo(f"  Not as it was left: {text}.")
    if found.unreached:
        click.echo("  No token reaches the zone of these names; what DNS says of them:")
    for one in found.unreached:
        click.echo(f"            {one.name} ({words.side(one.proxied)}): {one.why}")
    for text in found.problems:
        click.echo(f"  Could not be asked: {text}")
    if found.job:
        click.echo(f"  Job {found.job.number} is at Cloudflare with it.")
