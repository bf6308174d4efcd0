"""How jobs, previews and vhosts read: for people as text, for programs as plain values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from origin_pulls.engine.edge.foreseeing import Foreseen
from origin_pulls.engine.preparing import Prepared
from origin_pulls.engine.showing import Row
from origin_pulls.model import plan, refusals
from origin_pulls.model.edge import Form
from origin_pulls.model.inventory import Proxied
from origin_pulls.model.job import ROTATE, Item, Job, State

FORMS = {
    Form.ZONE: "one certificate for the whole zone",
    Form.HOSTNAME: "a certificate for these names alone",
    Form.SHARED: "Cloudflare's shared certificate, which is only looked at",
}
COLOURS = {
    State.DONE: "green",
    State.REFUSED: "yellow",
    State.RESTORED: "yellow",
    State.NOT_RESTORED: "red",
}


def job_record(job: Job, *, is_whole: bool = True) -> dict[str, Any]:
    """A job as plain values."""
    record: dict[str, Any] = {
        "job": job.number,
        "kind": job.kind,
        "who": job.who,
        "state": str(job.state),
        "asked": job.asked,
        "started": job.started,
        "ended": job.ended,
        "undoes": job.undoes or None,
        "message": job.message,
        "hint": job.hint,
    }
    return {**record, "items": [item_record(item, is_whole=is_whole) for item in job.items]}


def item_record(item: Item, *, is_whole: bool) -> dict[str, Any]:
    """One vhost's part of a job as plain values."""
    record: dict[str, Any] = {
        "user": item.user,
        "servername": item.server_name,
        "before": str(item.before.policy.mode),
        "wanted": str(item.wanted.mode),
        "state": str(item.state),
        "message": item.message,
        "hint": item.hint,
        "notes": list(item.notes),
    }
    return {**record, "diff": item.diff, "proof": list(item.proof)} if is_whole else record


def preview_record(prepared: Prepared, foreseen: Foreseen) -> dict[str, Any]:
    """What would be done as plain values."""
    return {
        "dry_run": True,
        "edge_first": list(prepared.edge_first),
        "edge": [
            {
                "zone": zone.name,
                "form": str(zone.form),
                "hosts": list(zone.hosts),
                "vhosts": list(zone.vhosts),
                "steps": list(zone.steps),
            }
            for zone in foreseen.zones
        ],
        "steps": [plan.describe(step) for step in prepared.steps],
        "diffs": {key: text for key, text in prepared.diffs.items() if key},
        "warnings": _warnings(prepared),
        "refused": [
            {"vhost": key, "message": error.message, "hint": error.hint}
            for key, error in prepared.refused.items()
        ],
    }


def say_job(job: Job) -> None:
    """A job's outcome, a line a vhost."""
    for item in job.items:
        mark = click.style(item.state.words, fg=COLOURS.get(item.state), bold=True)
        what = ROTATE if job.kind == ROTATE else item.wanted.mode
        click.echo(f"{item.server_name}: {what}: {mark}. {item.message}")
        if item.hint and item.state is not State.DONE:
            click.echo(f"  {item.hint}")
        for text in item.notes:
            click.echo(f"  Note: {text}")
    done = [item for item in job.items if item.state is State.DONE]
    some = f" ({len(done)} of {len(job.items)} done)" if 0 < len(done) < len(job.items) else ""
    click.echo(f"Job {job.number}: {job.state.words}{some}.", nl=False)
    if any(item.diff for item in done) and job.kind != "rotate":
        click.echo(f" Take it back with `origin-pulls undo {job.number}`.", nl=False)
    click.echo()


def side(proxied: Proxied) -> str:
    """Which way a name goes, in Cloudflare's own word where it leads past it."""
    return "DNS-only" if proxied is Proxied.DIRECT else str(proxied)


def say_preview(prepared: Prepared, foreseen: Foreseen) -> None:
    """What would be done: refusals, warnings, steps and diffs."""
    for key, error in prepared.refused.items():
        mark = click.style("would be refused", fg="yellow", bold=True)
        click.echo(f"{key.partition('/')[2]}: {mark}. {error.message}\n  {error.hint}")
    for text in _warnings(prepared):
        click.echo(f"{click.style('Note', bold=True)}: {text}")
    if not prepared.steps:
        click.echo("Nothing would be done.")
        return
    for zone in foreseen.zones:
        click.echo(f"At Cloudflare, zone {zone.name}, {FORMS[zone.form]} ({_some(zone.hosts)}):")
        for text in zone.steps or ("nothing is left to do there",):
            click.echo(f"  · {text}")
    if prepared.edge_first:
        click.echo(
            "Then this server only observes until the certificate has come through Cloudflare: "
            f"{', '.join(prepared.edge_first)}"
        )
    click.echo("It would:")
    for number, step in enumerate(prepared.steps, 1):
        click.echo(f"  {number}. {plan.describe(step)}")
    for text in prepared.diffs.values():
        click.echo(f"\n{text}", nl=False)
    click.echo("\nNothing was touched (--dry-run).")


def say_table(rows: Sequence[Row]) -> None:
    """Vhosts as a table; below a vhost stands why a person has to look at it."""
    head = ("MODE", "VHOST", "ACCOUNT", "TRUST", "PROXIED", "NAMES")
    lines = [
        (
            str(row.applied.policy.mode) if row.vhost.is_ssl else "no https",
            row.vhost.server_name,
            row.vhost.user,
            str(row.applied.policy.trust) if row.applied.policy.mode != "off" else "-",
            _proxied(row),
            _some([name for name in row.vhost.host_names if name != row.vhost.server_name]),
        )
        for row in rows
    ]
    widths = [max(len(line[column]) for line in (head, *lines)) for column in range(5)]
    for line, row in zip((head, *lines), (None, *rows), strict=True):
        cells = [text.ljust(width) for text, width in zip(line, widths, strict=False)]
        click.echo("  ".join((*cells, line[5])).rstrip())
        for text in row.attention if row else ():
            click.echo(f"  {click.style('needs attention', fg='yellow', bold=True)}: {text}")


def _proxied(row: Row) -> str:
    """How many of its names are behind Cloudflare; a sign where nobody knows of any."""
    return f"{row.proxied} of {len(row.vhost.names)}" if row.proxied or row.direct else "?"


def _some(names: Sequence[str]) -> str:
    shown = " ".join(names[:3])
    return f"{shown} +{len(names) - 3}" if len(names) > 3 else shown


def _warnings(prepared: Prepared) -> list[str]:
    return [text for change in prepared.changes for text in refusals.warnings(change)]
