"""Options that many commands share, and the configuration that they lead to."""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from origin_pulls.config import Config
from origin_pulls.errors import Refused, Unusable

LARGEST_NUMBER = 2**63 - 1  # of a job, as SQLite keeps it


def common(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command ``--root`` and ``--json``; it gets ``config`` and ``as_json``."""

    @click.option("--root", metavar="DIR", default=None, help="As before the command.")
    @click.option("--json", "as_json", is_flag=True, help="One JSON document on stdout.")
    @click.pass_context
    @functools.wraps(command)
    def wrapped(context: click.Context, /, *args: Any, root: str | None, **options: Any) -> Any:
        options["config"] = configuration(context.obj if root is None else root)
        return context.invoke(command, *args, **options)

    return wrapped


def configuration(root: str) -> Config:
    """The configuration of the server below ``root``; who asks must be root."""
    if os.geteuid() != 0:
        raise Refused(
            "Only root may do this", hint="Apache's configuration and the keys are root's: sudo."
        )
    if not root.strip():
        raise Unusable(
            "--root (or ORIGIN_PULLS_ROOT) is empty", hint="Leave it out for this server: /."
        )
    folder = Path(root)
    if not folder.is_dir():
        raise Unusable(
            f"There is no folder {root}", hint="--root DIR names a server's files (a sandbox)."
        )
    return Config.at(folder)


def progress(text: str) -> None:
    """Say what is being done, beside the result."""
    click.echo(click.style(f"· {text}", dim=True), err=True)


def print_json(document: object) -> None:
    """Print the one JSON document of a command."""
    click.echo(json.dumps(document, indent=2, default=str))
