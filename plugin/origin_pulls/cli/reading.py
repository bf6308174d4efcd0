"""Commands that only look: list, show, export, prove, jobs, job."""

from __future__ import annotations

import click
import yaml

from origin_pulls.actions import reading
from origin_pulls.cli import words
from origin_pulls.cli.options import LARGEST_NUMBER, common, print_json
from origin_pulls.config import Config
from origin_pulls.engine import showing
from origin_pulls.engine.showing import Row, Shown
from origin_pulls.model import names
from origin_pulls.model.inventory import Proxied
from origin_pulls.model.job import ROTATE
from origin_pulls.model.policy import Mode, Trust


@click.command("list")
@click.option("--account", help="Only this account's vhosts.")
@click.option(
    "--mode", type=click.Choice([str(mode) for mode in Mode]), help="Only vhosts in this mode."
)
@click.option("--search", metavar="TEXT", help="Only where a name or the account holds TEXT.")
@click.option("--attention", is_flag=True, help="Only vhosts that a person has to look at.")
@common
def list_vhosts(
    config: Config,
    as_json: bool,
    account: str | None,
    mode: str | None,
    search: str | None,
    attention: bool,
) -> None:
    """List the vhosts of this server: modes, how many names are proxied, what needs attention."""
    rows, problems = reading.listing(config)
    text = (search or "").lower()
    chosen = [
        row
        for row in rows
        if (account is None or row.vhost.user == account)
        and (mode is None or row.applied.policy.mode == mode)
        and (row.attention or not attention)
        and (any(text in name for name in row.vhost.host_names) or text in row.vhost.user)
    ]
    needing = sum(bool(row.attention) for row in rows)
    if as_json:
        listed = [showing.row_record(row) for row in chosen]
        counts = {"total": len(rows), "attention": needing}
        print_json({"vhosts": listed, **counts, "problems": problems})
        return
    words.say_table(chosen)
    demanding = sum(row.applied.policy.mode is Mode.ENFORCE for row in chosen)
    click.echo(f"\n{len(chosen)} of {len(rows)} vhosts, {demanding} of them enforced.", nl=False)
    need = "needs" if needing == 1 else "need"
    click.echo(f" {needing or 'None'} {need} attention", nl=False)
    click.echo(": `origin-pulls list --attention`." if needing and not attention else ".")
    for problem in problems:
        click.echo(f"Could not be read: {problem}", err=True)


@click.command()
@click.argument("name")
@common
def show(config: Config, as_json: bool, name: str) -> None:
    """Show all about one vhost: names, policy, certificate, ways round."""
    shown = reading.show(config, name)
    if as_json:
        print_json(showing.shown_record(shown))
        return
    _say_vhost(shown)
    for text in shown.row.attention:
        click.echo(f"  {click.style('attention', fg='yellow', bold=True)} {text}")
    _say_policy(shown)
    if shown.drift:
        click.echo(f"\nNot as it should be: {shown.drift}.")
    if open_them := _exempting(shown):
        click.echo(f"\nDNS-only service names that are locked. To leave them open:\n  {open_them}")
    for text in shown.warnings:
        click.echo(f"\nNote: {text}")
    if shown.ways_round:
        click.echo("\nWays round, open on this server:")
        for way in shown.ways_round:
            click.echo(f"  - {way.what}.\n    {way.hint}")
    else:
        click.echo("\nNo way round is known on this server.")


@click.command()
@common
def export(config: Config, as_json: bool) -> None:
    """Print all policies as the YAML that `apply` takes."""
    rows, _ = reading.listing(config)
    policies = [
        {"name": row.vhost.host_names[0], **_short(row)}
        for row in rows
        if not row.applied.policy.is_idle
    ]
    if as_json:
        print_json({"vhosts": policies})
    else:
        click.echo(yaml.safe_dump({"vhosts": policies}, sort_keys=False), nl=False)


@click.command()
@click.argument("name")
@common
def prove(config: Config, as_json: bool, name: str) -> int:
    """Prove now, with real requests, that a vhost does what its policy says."""
    row, proof = reading.prove(config, name)
    holds, results, through = proof.holds, proof.results, proof.through
    if as_json:
        record = {**showing.row_record(row), "holds": holds, "edge": through.as_record()}
        print_json({**record, "results": [showing.result_record(one) for one in results]})
    else:
        click.echo(f"{row.vhost.server_name}: {row.applied.policy.mode}")
        for result in results:
            click.echo(f"  {_mark(result.holds)}  {result}")
        for text in through.lines:
            is_told = bool(through.why_not) or (text == through.problem and through.holds)
            click.echo(f"  {'note' if is_told else _mark(text != through.problem)}  {text}")
        click.echo("The policy is proven." if holds else "The policy does NOT hold.")
    return 0 if holds else 1


def _mark(holds: bool) -> str:
    return click.style("holds", fg="green") if holds else click.style("NO", fg="red")


@click.command()
@click.option("--most", type=click.IntRange(1, 10_000), default=20, help="How many (20).")
@click.option("--all", "has_steps", is_flag=True, help="Also the steps of jobs at Cloudflare.")
@common
def jobs(config: Config, as_json: bool, most: int, has_steps: bool) -> None:
    """List the newest jobs."""
    found = reading.jobs(config, most, has_steps=has_steps)
    if as_json:
        print_json({"jobs": [words.job_record(one, is_whole=False) for one in found]})
        return
    for one in found:
        count = len(one.items)
        what = one.items[0].server_name if count == 1 else f"{count} vhosts"
        modes = "/".join(sorted({str(item.wanted.mode) for item in one.items}))
        mode = f" to {modes}" if count and one.kind != ROTATE else ""
        undoes = f" of job {one.undoes}" if one.undoes else ""  # an undo, or a step
        click.echo(
            f"{one.number:5}  {one.asked[:19]}  {one.state.words:13} {one.kind}{undoes}: ", nl=False
        )
        click.echo(f"{what}{mode} ({one.who})")
    if not found:
        click.echo("No jobs yet.")


@click.command()
@click.argument("number", type=click.IntRange(1, LARGEST_NUMBER))
@common
def job(config: Config, as_json: bool, number: int) -> None:
    """Show one job: its progress, outcome, diffs and proof."""
    found, progress = reading.job(config, number)
    if as_json:
        lines = [{"at": at, "text": text} for _, at, text in progress]
        print_json({**words.job_record(found), "progress": lines})
        return
    for _, at, text in progress:
        click.echo(f"{at[11:19]}  {text}")
    for item in found.items:
        if item.diff:
            click.echo(f"\n{item.diff}", nl=False)
        for line in item.proof:
            click.echo(f"  {line}")
    click.echo()
    words.say_job(found)


def _say_vhost(shown: Shown) -> None:
    vhost = shown.row.vhost
    click.echo(f"{click.style(vhost.server_name, bold=True)}  account {vhost.user}")
    click.echo(f"  files     {vhost.document_root}")
    click.echo(f"  https     {', '.join(vhost.addresses) or 'none: it has no certificate'}")
    click.echo("  names     ", nl=False)
    states = {one.name: shown.states.get(one.name, one.proxied) for one in vhost.names}
    lines = [f"{one.name} ({one.kind}, {words.side(states[one.name])})" for one in vhost.names]
    click.echo("\n            ".join(lines))
    if shown.states_at:
        at = shown.states_at[:16].replace("T", " ")
        click.echo(f"            (behind Cloudflare or not: as of {at} UTC)")
    if vhost.is_suspended:
        click.echo("  suspended yes")


def _say_policy(shown: Shown) -> None:
    policy = shown.row.applied.policy
    click.echo(f"  mode      {click.style(policy.mode, bold=True)}")
    click.echo(f"  port 80   {policy.port80}")
    if policy.mode is not Mode.OFF:
        click.echo(f"  trust     {policy.trust}")
        for anchor in shown.change.facts.trusted:
            click.echo(f"            {anchor.subject}, until {anchor.expires:%Y-%m-%d}")
    presented = [one for one in shown.kept if one.zone]
    for kept in presented:
        click.echo(f"  presented zone {kept.zone}, {kept.form} form, until {kept.expires:%Y-%m-%d}")
    if policy.trust is Trust.OWN and shown.certificate and not presented:
        click.echo(f"  upload    {shown.certificate['leaf']}")
        click.echo(f"  with key  {shown.certificate['key']}")
    for what, exempt in (
        ("names", policy.exempt_names),
        ("paths", policy.exempt_paths),
        ("networks", policy.exempt_networks),
    ):
        if exempt:
            click.echo(f"  exempt    {what}: {', '.join(exempt)}")


def _exempting(shown: Shown) -> str:
    """The command that leaves cPanel's own names open that lead past Cloudflare, if there are any.

    Only those that are led away from the site: by any other name the site itself would be open.
    """
    vhost, policy = shown.row.vhost, shown.row.applied.policy
    names = [
        one.name
        for one in vhost.names
        if one.forms
        and shown.states.get(one.name) is Proxied.DIRECT
        and one.name not in policy.exempt_names
    ]
    if policy.mode is not Mode.ENFORCE or not names:
        return ""
    given = " ".join(f"--exempt-name {name}" for name in (*policy.exempt_names, *names))
    return f"origin-pulls enforce {vhost.server_name} {given}"


def _short(row: Row) -> dict[str, object]:
    """A policy without what is not set."""
    record = row.applied.policy.as_record()
    if not names.is_host_name(row.vhost.host_names[0]):
        record["name"] = row.vhost.server_name
    return {name: value for name, value in record.items() if value not in ("", [], False)}
