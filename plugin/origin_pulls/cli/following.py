"""The command that lets policies follow what the panel did."""

from __future__ import annotations

import click

from origin_pulls.actions import changing
from origin_pulls.cli.options import common, print_json, progress
from origin_pulls.config import Config
from origin_pulls.engine import reconciling
from origin_pulls.engine.server import Server
from origin_pulls.model.job import Job
from origin_pulls.model.wish import Change


@click.command()
@common
def reconcile(config: Config, as_json: bool) -> None:
    """Follow the panel now: accounts renamed, removed, made anew; vhosts that came and went.

    The agent does this by itself when a hook notes something, and once a minute.
    """
    done: list[Job] = []

    def ask(change: Change) -> None:
        done.append(changing.carry_out(config, change, progress))

    server = Server.of(config)
    try:
        followed = reconciling.reconcile(server, ask, progress)
    finally:
        server.store.close()
    decision, cleaned = followed.decision, followed.cleaned
    if as_json:
        print_json(
            {
                "events": len(followed.events),
                "renamed": [{"user": one.user, "now": one.new_user} for one in decision.moves],
                "gone": [f"{user}/{name}" for user, _, name in decision.forgotten],
                "asked": [
                    {
                        "vhost": f"{one.user}/{one.server_name}",
                        "mode": str(one.policy.mode),
                        "why": one.why,
                    }
                    for one in decision.asked
                ],
                "jobs": [job.number for job in done],
                "emptied": [str(path) for path in cleaned.emptied],
                "removed": [str(path) for path in cleaned.removed],
                "waiting": followed.is_waiting,
            }
        )
        return
    said = [*decision.moves, *decision.forgotten, *decision.asked]
    said += [*cleaned.emptied, *cleaned.removed]
    click.echo("Followed." if said else "Nothing to follow: all is as it was.")
    for job in done:
        click.echo(f"  job {job.number}: {job.state.words}. See `origin-pulls job {job.number}`.")
    if followed.is_waiting:
        click.echo("  Files of vhosts that are gone are removed when Apache has let go of them.")
