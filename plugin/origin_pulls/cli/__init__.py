"""The command line: every command, its options, its words and its exit code."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Sequence

import click

from origin_pulls import __version__
from origin_pulls.cli.certificate import certificate, ranges
from origin_pulls.cli.changing import apply, enforce, observe, off, relax, undo
from origin_pulls.cli.desk import activity, confirm, doctor, lock, settings, unlock
from origin_pulls.cli.edge import cancel, edge, rotate, wait
from origin_pulls.cli.following import reconcile
from origin_pulls.cli.installation import check_installation
from origin_pulls.cli.reading import export, job, jobs, list_vhosts, prove, show
from origin_pulls.cli.running import agent, web
from origin_pulls.cli.sandbox import sandbox
from origin_pulls.cli.tokens import token, zones
from origin_pulls.errors import Damaged, Full, OriginPullsError, Unusable


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.option(
    "--root",
    metavar="DIR",
    envvar="ORIGIN_PULLS_ROOT",
    default="/",
    help="Work on the server whose files lie below DIR (a sandbox). Also ORIGIN_PULLS_ROOT.",
)
@click.option("-v", "--verbose", is_flag=True, help="Log what is run and written, to stderr.")
@click.version_option(__version__, prog_name="origin-pulls")
@click.pass_context
def commands(context: click.Context, root: str, verbose: bool) -> None:
    """Cloudflare Authenticated Origin Pulls per domain on a cPanel & WHM server.

    A vhost is off, observed or enforced. Every change is planned, carried out so that it can be
    taken back, and proven with real TLS handshakes. NAME is any host name of a vhost.

    Exit codes: 0 done · 1 a proof does not hold · 2 not understood · 3 refused, nothing touched ·
    4 failed and taken back · 5 failed and not taken back: somebody must look ·
    130 stopped by Ctrl-C before anything was touched, or too late: that is said.
    """
    context.obj = root
    logging.basicConfig(
        level=logging.INFO if verbose else logging.CRITICAL,
        format="%(asctime)s %(name)s %(levelname)s %(message)s",
        stream=sys.stderr,
    )


for command in (
    *(list_vhosts, show, off, observe, enforce, apply, export, prove, jobs, job, undo, relax),
    *(certificate, ranges, token, zones, reconcile, check_installation, agent, web, sandbox),
    *(doctor, settings, lock, unlock, confirm, activity),
    *(rotate, cancel, wait, edge),
):
    commands.add_command(command)

KINDS = {2: "not understood", 3: "refused", 4: "taken back", 5: "NOT RESTORED"}


def main(arguments: Sequence[str] | None = None) -> None:
    """The program: runs a command, says errors in a sentence, and ends with its exit code."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        code = commands.main(given, prog_name="origin-pulls", standalone_mode=False)
    except OriginPullsError as error:
        _say_error(error, as_json="--json" in given)
        code = error.exit_code
    except BrokenPipeError:
        # The reader has seen enough (`| head`); nothing more can be told to it.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    except OSError as error:
        said = Damaged(
            f"This machine did not let it be done: {error}",
            hint="What was begun is brought to an end by the next run; see `origin-pulls jobs`.",
        )
        _say_error(said, as_json="--json" in given)
        code = said.exit_code
    except click.exceptions.Abort:
        click.echo("Stopped here.", err=True)
        code = 130
    except click.ClickException as error:
        if "--json" in given:
            _say_error(Unusable(error.format_message(), hint="See --help."), as_json=True)
        else:
            error.show()
        code = error.exit_code
    sys.exit(code if isinstance(code, int) else 0)


def _say_error(error: OriginPullsError, *, as_json: bool) -> None:
    is_full = isinstance(error, Full)
    kind = "disk full" if is_full else KINDS.get(error.exit_code, "error")
    if as_json:
        click.echo(json.dumps({"error": kind, "message": error.message, "hint": error.hint}))
        return
    click.echo(f"{click.style(kind, fg='red', bold=True)}: {error.message}", err=True)
    if error.hint:
        click.echo(f"  {error.hint}", err=True)
