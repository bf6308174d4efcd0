"""The command that is the service."""

from __future__ import annotations

import logging
from pathlib import Path

import click

from origin_pulls.agent.service import Agent
from origin_pulls.cli.options import common
from origin_pulls.config import Config


@click.command()
@common
def agent(config: Config, as_json: bool) -> None:
    """Run the agent: it carries out what the pages and this program ask for. SIGTERM ends it."""
    del as_json
    logging.getLogger().setLevel(logging.INFO)
    Agent(config).serve()


@click.command()
@click.argument("side", type=click.Choice(["admin", "account"]))
@click.option("--root", metavar="DIR", default=None, help="As before the command.")
@click.pass_context
def web(context: click.Context, side: str, root: str | None) -> None:
    """Serve the pages of WHM (admin) or of cPanel's accounts (account). SIGTERM ends it.

    systemd passes the socket and starts it as the user without privileges; root may start it by
    hand, and then it makes the socket itself and gives root's privileges up.
    """
    # Here, because no other command should wait until Flask and gunicorn are loaded.
    from origin_pulls.web.caller import Side
    from origin_pulls.web.serving import serve

    logging.getLogger().setLevel(logging.WARNING)
    serve(Config.at(Path(context.obj if root is None else root)), Side(side))
