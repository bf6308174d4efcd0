"""Commands about Cloudflare's tokens and zones. A token never stands in an argument."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from origin_pulls.actions import tokens as actions
from origin_pulls.cli.options import common, print_json, progress
from origin_pulls.config import Config
from origin_pulls.engine.token_checking import Checked, ZoneRights, ZoneRow
from origin_pulls.errors import Unusable
from origin_pulls.model.saying import named
from origin_pulls.model.tokens import LONGEST

MOST_TYPED = 16 * LONGEST
NONE_YET = "There is no token. Add one with `origin-pulls token add`."
LIST_LINE = "{:8}  {:6}  {:16}  {:10}  {}"
ZONE_LINE = "{:32} {:12} {:12} {:24} {}"
SIGNS = {True: "yes", False: "NO", None: "?"}
COLOURS = {True: "green", False: "red", None: "yellow"}


@click.group()
def token() -> None:
    """Cloudflare's API tokens: by them the edge is looked at and changed."""


@token.command()
@click.option("--account", metavar="USER", default="", help="For this account alone.")
@click.option("--label", default="", help="A word to know it by.")
@click.option("--from", "source", metavar="FILE", help="Read it from a file, not from stdin.")
@click.option("--replace", "replaces", metavar="ID", default="", help="In the place of this one.")
@common
def add(
    config: Config, as_json: bool, account: str, label: str, source: str | None, replaces: str
) -> None:
    """Add a token, given on stdin (or typed unseen); Cloudflare is asked whether it is good.

    It needs Zone: Read, DNS: Read, Zone Settings: Read and SSL and Certificates: Edit for the
    zones concerned. It is kept in a file of root's and never shown again.
    """
    done = actions.add(
        config,
        _typed(source),
        account=account,
        label=label,
        replaces=replaces,
        say=progress,
    )
    if as_json:
        print_json(done)
        return
    seen: Any = done["token"]
    whose = f"for the account {seen['owner']}" if seen["owner"] else "for the whole server"
    click.echo(f"Token {seen['id']} ({seen['masked']}) is kept {whose}.")
    click.echo("See what it is good for: `origin-pulls token check`.")


@token.command("list")
@common
def list_tokens(config: Config, as_json: bool) -> None:
    """List the tokens; of each only the last four characters are shown."""
    found = actions.listing(config)
    if as_json:
        print_json({"tokens": [asdict(one) for one in found]})
        return
    if found:
        click.echo(LIST_LINE.format("ID", "TOKEN", "FOR", "SINCE", "LABEL"))
    for one in found:
        whose = one.owner or "(server)"
        cells = (one.id, one.masked, whose, one.added[:10], one.label)
        click.echo(LIST_LINE.format(*cells).rstrip())
    if not found:
        click.echo(NONE_YET)


@token.command()
@click.argument("token_id", metavar="ID")
@common
def remove(config: Config, as_json: bool, token_id: str) -> None:
    """Forget a token. What it set at Cloudflare stays as it is; revoke it there, too."""
    done = actions.remove(config, token_id, say=progress)
    if as_json:
        print_json(done)
        return
    click.echo(f"Token {token_id} is forgotten here. Revoke it at Cloudflare if nobody needs it:")
    click.echo("  https://dash.cloudflare.com/profile/api-tokens")
    if done.get("lost"):
        click.echo(f"{click.style('Note', bold=True)}: {done['lost']}")
        click.echo("  Add another with `origin-pulls token add`, or relax them first.")


@token.command()
@common
def check(config: Config, as_json: bool) -> int:
    """Ask Cloudflare what each token may do. Exit code 1 when one lacks something."""
    found = actions.check(config, progress)
    if as_json:
        print_json({"tokens": [_checked_record(one) for one in found]})
    else:
        for one in found:
            _say_checked(one)
        if not found:
            click.echo(NONE_YET)
    return 0 if all(one.is_good for one in found) else 1


@click.command()
@common
def zones(config: Config, as_json: bool) -> None:
    """List the zones that the tokens reach: status, encryption mode, origin pulls."""
    found = actions.zones(config, progress)
    if as_json:
        print_json(
            {
                "zones": [_zone_record(row) for row in found.rows],
                "problems": list(found.problems),
                "unreached": list(found.unreached),
            }
        )
        return
    if not found.rows and not found.problems:
        click.echo(NONE_YET if not actions.listing(config) else "The tokens reach no zone.")
        return
    click.echo(ZONE_LINE.format("ZONE", "STATUS", "ENCRYPTION", "ORIGIN PULLS", "TOKEN"))
    for row in found.rows:
        zone = row.zone
        status = "paused" if zone.is_paused else zone.status
        aop = {True: "own certificate", False: "off", None: "?"}[row.aop_is_on]
        shared = " +shared" if row.shared_is_on else ""
        cells = (zone.name, status, row.ssl_mode or "?", f"{aop}{shared}", row.token.id)
        click.echo(ZONE_LINE.format(*cells).rstrip())
        for text in filter(None, (_trouble(row), row.problem)):
            click.echo(f"  {text}")
    click.echo(f"\n{len(found.rows)} zone{'s' if len(found.rows) != 1 else ''}.")
    if found.unreached:
        some = named(found.unreached)
        click.echo(f"No token reaches the zone of: {some}. Add one with `origin-pulls token add`.")
    for problem in found.problems:
        click.echo(problem, err=True)


def _trouble(row: ZoneRow) -> str:
    """Why Cloudflare presents no certificate for a zone as it is, if it does not."""
    if row.zone.is_paused:
        return "Paused: visitors come straight to this server, without a certificate."
    if not row.zone.is_usable:
        return f"{row.zone.status}: Cloudflare does not serve this zone (yet, or any more)."
    if row.ssl_mode in ("off", "flexible"):
        return f"{row.ssl_mode}: Cloudflare asks this server by plain HTTP; set it to full."
    return ""


def _typed(source: str | None) -> bytes:
    """The token as it was given: from a file, typed unseen, or from stdin."""
    if source is not None:
        try:
            with Path(source).open("rb") as stream:
                return stream.read(MOST_TYPED)
        except OSError as error:
            raise Unusable(
                f"{source} cannot be read: {error.strerror}",
                hint="Name a file that holds the token alone, or give it on stdin.",
            ) from error
    if sys.stdin.isatty():
        typed: str = click.prompt("Token", hide_input=True, err=True)
        return typed.encode("utf-8", "replace")
    return sys.stdin.buffer.read(MOST_TYPED)


def _say_checked(one: Checked) -> None:
    whose = one.token.owner or "server"
    state = one.state.status if one.state else "unknown"
    click.echo(f"{one.token.id} ({one.token.masked}, {whose}): {state}")
    if one.state and one.state.expires_on:
        click.echo(f"  It expires on {one.state.expires_on}.")
    for text in (one.problem, *one.notes):
        if text:
            click.echo(f"  {text}")
    open_questions: dict[str, None] = {}
    for said, names in _alike(one.zones):
        click.echo(f"  {', '.join(names)} {said}")
    for rights in one.zones:
        for held in rights.permissions:
            sign = click.style(SIGNS[held.is_held], fg=COLOURS[held.is_held])
            line = f"{held.name}: {sign}{f' ({held.note})' if held.note else ''}"
            if held.is_held is False:
                click.echo(f"    {rights.zone.name}: {line}")
            elif held.is_held is None:
                open_questions[line] = None
    for line in open_questions:
        click.echo(f"  {line}")


def _alike(zones: Sequence[ZoneRights]) -> list[tuple[str, list[str]]]:
    """What is to be said of zones, each with the names of those of which it is said."""
    found: dict[str, list[str]] = {}
    for one in zones:
        found.setdefault(f"({one.zone.status}): {_standing(one)}", []).append(one.zone.name)
    return list(found.items())


def _standing(rights: ZoneRights) -> str:
    """What a token has in a zone, in short."""
    held = [one.is_held for one in rights.permissions]
    if False in held:
        lacking = [one.name for one in rights.permissions if one.is_held is False]
        return f"lacks {', '.join(lacking)}"
    return "has all that is needed" if all(held) else "has all that can be known beforehand"


def _checked_record(one: Checked) -> dict[str, Any]:
    return {
        **asdict(one.token),
        "status": one.state.status if one.state else None,
        "expires_on": one.state.expires_on if one.state else None,
        "account_owned": one.state.is_account_owned if one.state else None,
        "problem": one.problem,
        "notes": list(one.notes),
        "good": one.is_good,
        "zones": [
            {
                "zone": rights.zone.name,
                "permissions": [
                    {"name": held.name, "held": held.is_held, "note": held.note}
                    for held in rights.permissions
                ],
            }
            for rights in one.zones
        ],
    }


def _zone_record(row: ZoneRow) -> dict[str, Any]:
    return {
        "zone": row.zone.name,
        "id": row.zone.id,
        "status": row.zone.status,
        "paused": row.zone.is_paused,
        "type": row.zone.kind,
        "usable": row.zone.is_usable,
        "ssl_mode": row.ssl_mode or None,
        "aop": row.aop_is_on,
        "shared": row.shared_is_on,
        "token": row.token.id,
        "problem": row.problem,
    }
