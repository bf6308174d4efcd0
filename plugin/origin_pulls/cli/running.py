"""The command that is the service."""

from __future__ import annotations

import logging

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
