"""``origin-pulls sandbox``: a cPanel server to try things on, below one directory."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from origin_pulls.errors import NotRestored
from origin_pulls.sandbox.cloudflare.access import EDGE_ADDRESSES
from origin_pulls.sandbox.sandbox import Sandbox, take_down

DIRECTORY = Path("/var/lib/origin-pulls-sandbox")


def _directory(context: click.Context, parameter: click.Parameter, given: Path | None) -> Path:
    """Where the sandbox lies: ``--dir``, else ``--root``, else the usual place."""
    del parameter
    root = context.find_root().obj
    if given is None and root and root != "/":
        return Path(str(root))
    return given or DIRECTORY


in_directory = click.option(
    "--dir",
    "directory",
    type=click.Path(path_type=Path, file_okay=False),
    callback=_directory,
    help=f"Where the sandbox lies (--root, else {DIRECTORY}).",
)
as_json = click.option("--json", "is_json", is_flag=True, help="Answer with one JSON object.")


@click.group()
def sandbox() -> None:
    """A cPanel server's files and programs around a real Apache, to try things on (root)."""


@sandbox.command()
@in_directory
@click.option(
    "--vhosts",
    type=click.IntRange(0, 4000),
    default=0,
    help="Have at least so many HTTPS vhosts.",
)
@click.option(
    "--cloudflare/--no-cloudflare",
    "has_cloudflare",
    default=True,
    help="With a Cloudflare before it: an API and an edge (the default).",
)
@as_json
def up(directory: Path, vhosts: int, has_cloudflare: bool, is_json: bool) -> None:
    """Make a sandbox and start it (again)."""
    with told_apart(directory):
        standing = Sandbox.up(directory, vhosts, cloudflare=has_cloudflare)
    _say(standing, is_json=is_json)


@sandbox.command()
@in_directory
@as_json
def reset(directory: Path, is_json: bool) -> None:
    """Fresh files, in the same directory and on the same ports."""
    with told_apart(directory):
        Sandbox.load(directory).reset()
    _say(Sandbox.load(directory), is_json=is_json)


@sandbox.command()
@in_directory
@as_json
def status(directory: Path, is_json: bool) -> None:
    """Whether it runs, and what it holds."""
    standing = Sandbox.load(directory)
    if is_json:
        click.echo(json.dumps(standing.summary(), indent=1))
        return
    state = f"runs (Apache {standing.pid})" if standing.is_running else "is stopped"
    click.echo(f"The sandbox in {standing.directory} {state}.")
    click.echo(_counts(standing))
    if cloudflare := standing.cloudflare:
        number = standing.cloudflare_pid
        state = f"runs (process {number})" if number else "is stopped"
        click.echo(f"Its Cloudflare {state}: API on port {cloudflare.api_port}, ", nl=False)
        click.echo(f"edge on {' and '.join(EDGE_ADDRESSES)}, port {cloudflare.edge_port}.")
    if not standing.is_running:
        click.echo(f"Start it: origin-pulls sandbox up --dir {standing.directory}")


@sandbox.command()
@in_directory
@as_json
def down(directory: Path, is_json: bool) -> None:
    """Stop it and delete everything it made."""
    was_there = take_down(directory)
    if is_json:
        click.echo(json.dumps({"directory": str(directory), "removed": was_there}))
    elif was_there:
        click.echo(f"The sandbox in {directory} is stopped and deleted.")
    else:
        click.echo(f"There is no sandbox in {directory}: nothing to do.")


@contextmanager
def told_apart(directory: Path) -> Iterator[None]:
    """A full disk and its like, as a sentence that says what is left and what to type."""
    try:
        yield
    except OSError as error:
        raise NotRestored(
            f"The sandbox in {directory} is half made: {error}",
            hint=f"origin-pulls sandbox up --dir {directory} makes it anew, down deletes it.",
        ) from error


def _say(standing: Sandbox, *, is_json: bool) -> None:
    if is_json:
        click.echo(json.dumps(standing.summary(), indent=1))
        return
    directory, port = standing.directory, standing.https_port
    ask = f"--cacert {standing.server_ca} --resolve shop.example:{port}:{standing.address}"
    click.echo(f"The sandbox in {directory} runs (Apache {standing.pid}).")
    click.echo(_counts(standing))
    click.echo("Try:")
    click.echo(f"  origin-pulls --root {directory} list")
    click.echo(f"  curl {ask} https://shop.example:{port}/")
    if cloudflare := standing.cloudflare:
        port = cloudflare.edge_port
        ask = f"--cacert {standing.server_ca} --resolve shop.example:{port}:{EDGE_ADDRESSES[0]}"
        click.echo(f"  curl {ask} https://shop.example:{port}/   # through the edge")
    click.echo(f"  origin-pulls sandbox down --dir {directory}")


def _counts(standing: Sandbox) -> str:
    return (
        f"{len(standing.accounts)} accounts, {standing.vhosts} HTTPS vhosts; "
        f"HTTPS on {standing.address}:{standing.https_port}, HTTP on port {standing.http_port}."
    )
