"""The command that looks after an installation."""

from __future__ import annotations

from dataclasses import asdict

import click

from origin_pulls.actions import changing
from origin_pulls.cli.options import common, print_json, progress
from origin_pulls.config import Config
from origin_pulls.engine import installation
from origin_pulls.engine.server import Server
from origin_pulls.model.installation import State


@click.command("check-installation")
@click.option("--repair", is_flag=True, help="Mend what is not right, out of the release.")
@common
def check_installation(config: Config, as_json: bool, repair: bool) -> None:
    """Look whether everything of ours is in its place: pages, hooks, includes, units, link.

    An update of cPanel may have taken something away. Exit code 1 where something is not right
    (with --repair: still not right). What else needs attention is said, and is no part of it.
    """
    server = Server.of(config)
    try:
        parts = installation.check(
            server, repair=repair, ask=lambda wish: changing.carry_out(config, wish, progress)
        )
        attention = installation.attention(server)
    finally:
        server.store.close()
    is_good = all(part.is_good for part in parts)
    if as_json:
        found = [asdict(part) for part in parts]
        print_json({"good": is_good, "parts": found, "attention": attention})
    else:
        for part in parts:
            if part.state is State.GOOD:
                continue
            click.echo(f"{part.state}: {part.name}: {part.said}")
            if part.hint:
                click.echo(f"  {part.hint}")
        good = sum(part.state is State.GOOD for part in parts)
        click.echo(f"{good} of {len(parts)} parts were in order.")
        for text in attention:
            click.echo(f"needs attention: {text}")
    click.get_current_context().exit(0 if is_good else 1)
