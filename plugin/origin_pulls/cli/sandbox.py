"""``origin-pulls sandbox``: a cPanel server to try things on, below one directory."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from origin_pulls.errors import NotRestored
from origin_pulls.sandbox.cloudflare.access import EDGE_ADDRESSES
from origin_pulls.sandbox.front.process import has_programs as has_front_programs
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
@click.option(
    "--front/--no-front",
    default=None,
    help="With WHM and cPanel to sign in to, or without (else with, where Perl and PHP are).",
)
@click.option(
    "--services/--no-services",
    "with_services",
    default=False,
    help="Start the agent and the pages' web services too.",
)
@as_json
def up(
    directory: Path,
    vhosts: int,
    has_cloudflare: bool,
    front: bool | None,
    with_services: bool,
    is_json: bool,
) -> None:
    """Make a sandbox and start it (again)."""
    with_front = has_front_programs() if front is None else front
    with told_apart(directory):
        standing = Sandbox.up(directory, vhosts, cloudflare=has_cloudflare, front=with_front)
        if with_services:
            standing.start_services()
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
        _say_token(standing)
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
    _say_panels(standing)
    click.echo("Try:")
    click.echo(f"  origin-pulls --root {directory} list")
    click.echo(f"  curl {ask} https://shop.example:{port}/")
    if cloudflare := standing.cloudflare:
        port = cloudflare.edge_port
        ask = f"--cacert {standing.server_ca} --resolve shop.example:{port}:{EDGE_ADDRESSES[0]}"
        click.echo(f"  curl {ask} https://shop.example:{port}/   # through the edge")
        _say_token(standing)
    click.echo(f"  origin-pulls sandbox down --dir {directory}")


def _say_token(standing: Sandbox) -> None:
    """How to get at its Cloudflare: a token, and the switches that change a zone by hand."""
    click.echo("A token for its Cloudflare:")
    read = "json.load(sys.stdin)['cloudflare_token']"
    click.echo(
        f"  origin-pulls sandbox status --dir {standing.directory} --json | "
        f'python3 -c "import json, sys; print({read})" | '
        f"origin-pulls --root {standing.directory} token add"
    )
    click.echo("To make a name DNS-only or a zone flexible there: docs/CLOUDFLARE.md, On trial.")


def _say_panels(standing: Sandbox) -> None:
    found = standing.summary()
    if "whm_url" not in found:
        if not has_front_programs():
            click.echo("Without WHM and cPanel: Perl or PHP is missing (apt-get install php-cgi).")
        return
    passwords = standing.passwords
    click.echo(f"WHM: {found['whm_url']} as root, password {passwords['root']}")
    click.echo(f"cPanel: {found['cpanel_url']} as shop, password {passwords.get('shop', '-')}")


def _counts(standing: Sandbox) -> str:
    return (
        f"{len(standing.accounts)} accounts, {standing.vhosts} HTTPS vhosts; "
        f"HTTPS on {standing.address}:{standing.https_port}, HTTP on port {standing.http_port}."
    )
