"""Commands about Cloudflare's tokens and zones. A token never stands in an argument."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from origin_pulls.actions import tokens as actions
from origin_pulls.cli.options import common, print_json, progress
from origin_pulls.config import Config
from origin_pulls.engine.token_checking import Checked, ZoneRow
from origin_pulls.errors import Unusable
from origin_pulls.model.tokens import LONGEST

MOST_TYPED = 16 * LONGEST
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
    for one in found:
        whose = one.owner or "(server)"
        click.echo(f"{one.id}  {one.masked:6}  {whose:16}  {one.added[:10]}  {one.label}")
    if not found:
        click.echo("There is no token. Add one with `origin-pulls token add`.")


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
            click.echo("There is no token. Add one with `origin-pulls token add`.")
    return 0 if all(one.is_good for one in found) else 1


@click.command()
@common
def zones(config: Config, as_json: bool) -> None:
    """List the zones that the tokens reach: status, encryption mode, origin pulls."""
    rows, problems = actions.zones(config, progress)
    if as_json:
        print_json({"zones": [_zone_record(row) for row in rows], "problems": problems})
        return
    for row in rows:
        zone = row.zone
        status = "paused" if zone.is_paused else zone.status
        aop = {True: "own certificate", False: "-", None: "?"}[row.aop_is_on]
        shared = " +shared" if row.shared_is_on else ""
        mode = row.ssl_mode or "?"
        click.echo(f"{zone.name:32} {status:12} {mode:12} {aop}{shared}  (token {row.token.id})")
        if row.problem:
            click.echo(f"  {row.problem}")
    click.echo(f"\n{len(rows)} zones.")
    for problem in problems:
        click.echo(problem, err=True)


def _typed(source: str | None) -> bytes:
    """The token as it was given: from a file, typed unseen, or from stdin."""
    if source is not None:
        try:
            with Path(source).open("rb") as stream:
                return stream.read(MOST_TYPED)
        except OSError as error:
            raise Unusable(
                f"{source} cannot be read: {error.strerror}", hint="Check it."
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
    for rights in one.zones:
        click.echo(f"  {rights.zone.name} ({rights.zone.status})")
        for permission in rights.permissions:
            sign = click.style(SIGNS[permission.is_held], fg=COLOURS[permission.is_held])
            note = f" ({permission.note})" if permission.note else ""
            click.echo(f"    {permission.name}: {sign}{note}")


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
