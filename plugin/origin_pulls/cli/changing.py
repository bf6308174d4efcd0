"""Commands that change: off, observe, enforce, apply, undo, relax."""

from __future__ import annotations

import functools
import getpass
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from origin_pulls.actions import changing, tending, withdrawing
from origin_pulls.cli import given_files, words
from origin_pulls.cli.options import LARGEST_NUMBER, common, print_json, progress
from origin_pulls.config import Config
from origin_pulls.errors import Unusable
from origin_pulls.model.job import EXIT_CODES, State
from origin_pulls.model.policy import Mode, OnDrift, Policy, Port80, Trust, read_policy
from origin_pulls.model.wish import MOST_MINUTES, Change, Undo


def policy_options(mode: Mode) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The options that describe a policy besides its mode; what is left out stays as it is.

    To `off` most say nothing: it does not list them, and answers them with a sentence.
    """
    return lambda command: _policy_options(command, is_off=mode is Mode.OFF)


def _policy_options(command: Callable[..., Any], *, is_off: bool) -> Callable[..., Any]:
    options = [
        click.option(
            "--trust",
            hidden=is_off,
            type=click.Choice([str(trust) for trust in Trust]),
            help="Whose certificate counts.",
        ),
        click.option(
            "--ca", metavar="FILE", hidden=is_off, help="The CA's PEM file, for --trust custom."
        ),
        click.option(
            "--exempt-name",
            multiple=True,
            metavar="N",
            hidden=is_off,
            help="A name that stays open.",
        ),
        click.option(
            "--exempt-path",
            multiple=True,
            metavar="P",
            hidden=is_off,
            help="A path that stays open.",
        ),
        click.option(
            "--exempt-net",
            multiple=True,
            metavar="CIDR",
            hidden=is_off,
            help="A network that stays open.",
        ),
        click.option("--no-exempt", is_flag=True, hidden=is_off, help="Take all exemptions away."),
        click.option(
            "--port80",
            type=click.Choice([str(port80) for port80 in Port80]),
            help="What plain HTTP does.",
        ),
        click.option(
            "--on-drift",
            hidden=is_off,
            type=click.Choice([str(choice) for choice in OnDrift]),
            help="When Cloudflare stops presenting: back to observe by itself, or only tell.",
        ),
        click.option(
            "--edge-ready",
            is_flag=True,
            hidden=is_off,
            help="Say that Cloudflare presents the certificate already.",
        ),
    ]
    return functools.reduce(lambda done, option: option(done), reversed(options), command)


def running_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options of how a change is made."""
    command = click.option(
        "--keep-going", is_flag=True, help="Change the others when one is refused."
    )(command)
    return click.option("--dry-run", is_flag=True, help="Show steps and diffs; touch nothing.")(
        command
    )


def removing_option(mode: Mode) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The option of `off` alone to clear up at Cloudflare too."""
    if mode is not Mode.OFF:
        return lambda command: command
    return click.option(
        "--remove-certificate",
        is_flag=True,
        help="Delete the certificate at Cloudflare too, once no vhost demands it.",
    )


def _mode_command(mode: Mode, words_for_help: str) -> click.Command:
    @click.command(str(mode), help=words_for_help)
    @click.argument("names", nargs=-1, required=True, metavar="NAME...")
    @click.option(
        "--revert-in",
        "revert_minutes",
        type=click.IntRange(1, MOST_MINUTES),
        metavar="MINUTES",
        help="Go back by itself unless it is confirmed in time (`confirm JOB`).",
    )
    @policy_options(mode)
    @running_options
    @removing_option(mode)
    @common
    def change(config: Config, as_json: bool, names: Sequence[str], **given: Any) -> int:
        going = {"dry_run": given.pop("dry_run"), "as_json": as_json}
        removes = given.pop("remove_certificate", False)
        keep_going = given.pop("keep_going")
        minutes = given.pop("revert_minutes") or 0
        if minutes:
            tending.require_agent(config)
        if mode is Mode.OFF:
            _check_off(given)
        edit = functools.partial(_edited, mode, given)
        wish = changing.wish_for(config, names, edit, who=person(), is_partial=keep_going)
        wish = replace(wish, removes=removes, revert_minutes=minutes)
        return _carry_out(config, wish, **going)

    return change


off = _mode_command(
    Mode.OFF,
    "Demand nothing any more: NAME's vhost answers as before the first change.",
)
observe = _mode_command(
    Mode.OBSERVE,
    "Ask for the certificate and log, refuse nobody (but expired and wrong-purpose certificates, "
    "which Apache itself cannot accept).",
)
enforce = _mode_command(
    Mode.ENFORCE,
    "Demand the certificate: who does not show it gets no answer.",
)


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@running_options
@common
def apply(config: Config, as_json: bool, file: Path, dry_run: bool, keep_going: bool) -> int:
    """Set the policies that a YAML file names (`export` prints such a file).

    Vhosts that it does not name stay as they are. Applied twice, the second time does nothing.
    """
    policies = given_files.policies(file)
    wish = changing.wish_for(
        config, list(policies), lambda name, _: policies[name], who=person(), is_partial=keep_going
    )
    if len(wish.items) != len(policies):
        raise Unusable(
            f"{file} names one vhost by two of its names",
            hint="One entry a vhost; `show` tells which names share one.",
        )
    return _carry_out(config, wish, dry_run=dry_run, as_json=as_json)


@click.command()
@click.argument("number", type=click.IntRange(1, LARGEST_NUMBER))
@click.option("--dry-run", is_flag=True, help="Show steps and diffs; touch nothing.")
@click.option(
    "--edge-ready",
    is_flag=True,
    help="Cloudflare still presents what was demanded by your word before.",
)
@common
def undo(config: Config, as_json: bool, number: int, dry_run: bool, edge_ready: bool) -> int:
    """Take one job back: each of its vhosts gets the policy that it had before."""
    wish = Undo(number, person(), is_edge_ready=edge_ready)
    return _carry_out(config, wish, dry_run=dry_run, as_json=as_json)


@click.command()
@click.option("--all", "is_all", is_flag=True, help="Yes, every vhost of this server.")
@common
def relax(config: Config, as_json: bool, is_all: bool) -> None:
    """Panic: every vhost back to no demand, by the shortest way, also with a damaged store."""
    if not is_all:
        raise Unusable(
            "This relaxes every vhost of the server",
            hint="Type `origin-pulls relax --all`. For one vhost: `origin-pulls off NAME`.",
        )
    relaxed = changing.relax(config, person(), progress)
    if as_json:
        print_json(
            {
                "emptied": [str(path) for path in relaxed.files],
                "kept": [str(path) for path in relaxed.kept],
                "problems": list(relaxed.problems),
                "job": relaxed.job or None,
            }
        )
        return
    click.echo(f"{len(relaxed.files)} includes emptied; no vhost demands a certificate any more.")
    for path in relaxed.kept:
        click.echo(f"An edited file was kept as {path}.")
    for problem in relaxed.problems:
        click.echo(f"But: {problem}")
    if relaxed.job:
        click.echo(f"Take it back with `origin-pulls undo {relaxed.job}`.")


def _carry_out(config: Config, wish: Change | Undo, *, dry_run: bool, as_json: bool) -> int:
    if dry_run:
        prepared, foreseen = changing.preview(config, wish)
        if as_json:
            print_json(words.preview_record(prepared, foreseen))
        else:
            words.say_preview(prepared, foreseen)
        return 3 if prepared.refused else 0
    before = withdrawing.known(config, wish)
    job = changing.carry_out(config, wish, progress)
    withdrawn = withdrawing.after(config, job, before, progress)
    if as_json:
        print_json({**words.job_record(job), "edge": withdrawn.as_record()})
    else:
        words.say_job(job)
        for text in withdrawn.lines:
            click.echo(text)
        if job.revert_minutes and job.state is State.DONE:
            click.echo(
                f"It goes back by itself in {job.revert_minutes} minutes. "
                f"To let it stay: `origin-pulls confirm {job.number}`."
            )
    return EXIT_CODES[job.state]


def _edited(mode: Mode, given: Mapping[str, Any], name: str, now: Policy) -> Policy:
    """The policy in force with a mode and the given options; `off` forgets what it was."""
    del name
    base = Policy() if mode is Mode.OFF or now.mode is Mode.OFF else now
    record = {**base.as_record(), "mode": mode}
    for option, field in (
        ("exempt_name", "exempt_names"),
        ("exempt_path", "exempt_paths"),
        ("exempt_net", "exempt_networks"),
    ):
        if given["no_exempt"] or given[option]:
            record[field] = list(given[option])
    if given["port80"]:
        record["port80"] = given["port80"]
    if given["on_drift"]:
        record["on_drift"] = given["on_drift"]
    if given["trust"] or given["ca"]:
        trust = given["trust"] or Trust.CUSTOM
        record["trust"] = trust
        record["ca"] = given_files.pem(Path(given["ca"])) if given["ca"] else ""
        if trust is Trust.CUSTOM and not given["ca"]:
            record["ca"] = base.ca
    return read_policy(record).vouched(base, is_said=given["edge_ready"])


def _check_off(given: Mapping[str, Any]) -> None:
    """What is off has no trust and no exemptions; port 80 alone may have a policy."""
    for option in (
        "trust",
        "ca",
        "exempt_name",
        "exempt_path",
        "exempt_net",
        "edge_ready",
        "on_drift",
    ):
        if given[option]:
            raise Unusable(
                f"--{option.replace('_', '-')} says nothing to `off`",
                hint="`off` demands nothing, so nothing is trusted or exempt.",
            )


def person() -> str:
    """Who asks, for the log."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "root"
