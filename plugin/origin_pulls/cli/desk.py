"""Commands about the server as a whole: doctor, settings, activity; lock, unlock, confirm."""

from __future__ import annotations

from collections.abc import Sequence

import click

from origin_pulls.actions import pages, tending
from origin_pulls.cli.options import LARGEST_NUMBER, common, print_json
from origin_pulls.config import Config
from origin_pulls.errors import Unusable
from origin_pulls.model.checks import Check, Health
from origin_pulls.model.settings import TITLES, allowed

COLOURS = {Health.GOOD: "green", Health.WARNING: "yellow", Health.BAD: "red"}


@click.command()
@common
def doctor(config: Config, as_json: bool) -> int:
    """Look after the whole server: Apache, who ends TLS, certificates, services, our own files.

    Exit code 1 when something is bad.
    """
    checks = tending.doctor(config)
    bad = sum(check.state is Health.BAD for check in checks)
    if as_json:
        print_json({"checks": [check.as_record() for check in checks], "bad": bad})
    else:
        for check in checks:
            _say_check(check)
        click.echo(f"\n{len(checks)} checks, {bad} bad.")
    return 1 if bad else 0


@click.command()
@click.argument("values", nargs=-1, metavar="[NAME=VALUE]...")
@common
def settings(config: Config, as_json: bool, values: Sequence[str]) -> None:
    """Show or set what is so for the whole server: defaults, what account holders may do."""
    if values:
        tending.change_settings(config, dict(map(_pair, values)))
    found = pages.settings(config).as_record()
    if as_json:
        print_json({"settings": found})
        return
    width = max(map(len, found))
    for name, value in found.items():
        click.echo(f"{name:{width}}  {click.style(f'{value:10}', bold=True)}  {TITLES[name]}")
        click.echo(f"{'':{width}}  {'':10}  ({allowed(name)})")


@click.command()
@click.argument("name")
@click.option("--reason", required=True, help="Shown to the account holder.")
@common
def lock(config: Config, as_json: bool, name: str, reason: str) -> None:
    """Keep the account holder from changing NAME's vhost in cPanel."""
    vhost = tending.lock(config, name, reason)
    if as_json:
        print_json({"vhost": vhost.key, "locked": reason})
    else:
        click.echo(f"{vhost.server_name} is locked: only the administrator can change it.")


@click.command()
@click.argument("name")
@common
def unlock(config: Config, as_json: bool, name: str) -> None:
    """Let the account holder change NAME's vhost again."""
    vhost = tending.unlock(config, name)
    if as_json:
        print_json({"vhost": vhost.key, "locked": ""})
    else:
        click.echo(f"{vhost.server_name} can be changed by its account holder again.")


@click.command()
@click.argument("number", type=click.IntRange(1, LARGEST_NUMBER))
@common
def confirm(config: Config, as_json: bool, number: int) -> None:
    """Let a job stay that would go back by itself (`enforce --revert-in`)."""
    tending.confirm(config, number)
    if as_json:
        print_json({"job": number, "confirmed": True})
    else:
        click.echo(f"Job {number} stays.")


@click.command()
@click.option("--search", metavar="TEXT", default="", help="Only where action or vhost hold TEXT.")
@click.option("--who", metavar="NAME", default="", help="Only what this user did.")
@click.option("--page", type=click.IntRange(1, 1_000_000), default=1, help="Which page (1).")
@click.option("--most", type=click.IntRange(1, 500), default=50, help="How many on a page (50).")
@common
def activity(config: Config, as_json: bool, search: str, who: str, page: int, most: int) -> None:
    """Show who did what, when and from where; the newest first."""
    found = pages.activity_page(config, search=search, who=who, page=page, per_page=most)
    if as_json:
        deeds = [
            {
                "at": deed.at,
                "who": deed.who,
                "kind": deed.kind,
                "address": deed.address,
                "via": deed.via,
                "action": deed.action,
                "subject": deed.subject,
                "job": deed.job or None,
                "vhosts": deed.count,
            }
            for deed in found.deeds
        ]
        print_json({"activity": deeds, "total": found.total, "page": found.page})
        return
    for deed in found.deeds:
        where = f" from {deed.address}" if deed.address else ""
        job = f" (job {deed.job})" if deed.job else ""
        about = deed.subject if deed.count == 1 else f"{deed.count} vhosts"
        click.echo(f"{deed.at[:19]}  {deed.who}{where}: {deed.action}: {about}{job}")
    click.echo(f"{len(found.deeds)} of {found.total}.")


def _say_check(check: Check) -> None:
    mark = click.style(f"{check.state:8}", fg=COLOURS.get(check.state), bold=True)
    click.echo(f"{mark} {check.title}: {check.said}")
    if check.hint:
        click.echo(f"         {check.hint}")


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise Unusable(f"{text} sets nothing", hint="Type it as NAME=VALUE.")
    return name.strip(), value.strip()
