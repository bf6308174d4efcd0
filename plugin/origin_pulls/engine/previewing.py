"""What a wish would do, touching nothing: for the shell as it is, for the pages as plain values."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace

from origin_pulls.engine import looking, name_states, preparing, working
from origin_pulls.engine.edge import entering, foreseeing
from origin_pulls.engine.preparing import Prepared
from origin_pulls.engine.server import Server
from origin_pulls.model import plan, refusals, saying
from origin_pulls.model.inventory import Vhost
from origin_pulls.model.job import Applied, Item, Job
from origin_pulls.model.plan import Step
from origin_pulls.model.policy import Mode
from origin_pulls.model.preview import Preview, PreviewedName, PreviewedVhost
from origin_pulls.model.saying import AtCloudflare
from origin_pulls.model.wish import Change, Reviewed
from origin_pulls.model.zones import Known

# As many as a page can show within its budget of 1,500 nodes.
MOST_VHOSTS = 15
MOST_NAMES = 100
MOST_STEPS = 100
EDGE_FIRST = (
    "Cloudflare comes first: it is looked at, made to present the certificate, and that is proven "
    "while this server only observes. Nothing is demanded before. Each zone takes "
    "some minutes; if Cloudflare needs more than {minutes:.0f} for a step, all of it goes back."
)
MOST_DIFF = 400_000  # characters in one answer


def prepared_for(server: Server, wish: Reviewed) -> tuple[Prepared, Job]:
    """What a wish would do, and the job that it would be."""
    items = working.items_of(server, wish, looking.look(server), keeps_gone=True)
    job = Job(
        number=0,
        kind="preview",
        who=wish.who,
        asked="",
        items=items,
        is_partial=wish.is_partial,
    )
    looked_at = entering.as_presented(server, items)
    prepared = preparing.prepare(server, [replace(job, items=looked_at)])
    return replace(prepared, edge_first=entering.edge_first(items, looked_at)), job


def preview(server: Server, wish: Reviewed, *, after: int = 0, is_account: bool) -> Preview:
    """The same as plain values, bounded; an account holder sees nothing of anybody else.

    Of the vhosts those after this many are shown, no more than a page holds.
    """
    prepared, job = prepared_for(server, wish)
    keys = [item.key for item in job.items]
    vhosts = {vhost.key: vhost for vhost in prepared.inventory.vhosts}
    # What is refused comes first: it is what a person has to look at.
    order = sorted(job.items, key=lambda item: item.key not in prepared.refused)
    order = order[after : after + MOST_VHOSTS]
    names_left, diff_left = MOST_NAMES, MOST_DIFF
    shown: list[PreviewedVhost] = []
    known = name_states.now(server, [vhosts[item.key] for item in order if item.key in vhosts])
    removes = isinstance(wish, Change) and wish.removes
    withdrawn = _withdrawn(server, prepared, job.items)
    for item in order:
        vhost = vhosts.get(item.key)
        if shown and vhost is not None and len(vhost.names) > names_left:
            break  # the next look begins with it
        after_it = saying.left(withdrawn.get(item.key, ()), removes=removes)
        one = _vhost(prepared, vhost, item, known.get(item.key, Known()), diff_left, after_it)
        names_left -= len(one.names)
        diff_left -= len(one.diff)
        shown.append(one)
    steps = list(_steps(prepared, set(keys), is_account=is_account))
    zones = dict.fromkeys(
        one.zone for found in withdrawn.values() for one in found if not one.needed_by
    )
    steps += [f"let Cloudflare stop presenting (zone {zone})" for zone in zones]
    return Preview(
        fingerprint=preparing.fingerprint(prepared, keys),
        total=len(keys),
        after=after,
        refusals=sum(key in prepared.refused for key in keys),
        changes=sum(
            prepared.applied.get(item.key, Applied()).policy != item.wanted
            for item in job.items
            if item.key not in prepared.refused
        ),
        edge_first=len(prepared.edge_first),
        is_partial=job.is_partial,
        steps=tuple(steps[:MOST_STEPS]),
        vhosts=tuple(shown),
        needs_rebuild=any(isinstance(step, plan.Rebuild) for step in prepared.steps),
    )


def _vhost(
    prepared: Prepared,
    vhost: Vhost | None,
    item: Item,
    names_known: Known,
    left: int,
    after_it: Sequence[str],
) -> PreviewedVhost:
    error = prepared.refused.get(item.key)
    before = prepared.applied.get(item.key, Applied()).policy
    if vhost is None:
        said = error.message if error else "It is no longer on this server."
        return PreviewedVhost(user=item.user, server_name=item.server_name, refused=said)
    change = next((one for one in prepared.changes if one.key == item.key), None)
    edge_first = EDGE_FIRST.format(minutes=prepared.gathering.server.config.edge_patience / 60)
    states = names_known.states
    known = saying.known(vhost, states)
    names = tuple(
        PreviewedName(name.name, name.kind, known[name.name], name.name in item.wanted.exempt_names)
        for name in vhost.names[:MOST_NAMES]
    )
    return PreviewedVhost(
        user=item.user,
        server_name=item.server_name,
        before=before,
        wanted=item.wanted,
        words=(
            *((edge_first,) if item.key in prepared.edge_first else ()),
            *saying.words(vhost, before, item.wanted, states),
            *after_it,
        ),
        names=names,
        more_names=len(vhost.names) - len(names),
        names_at=names_known.at,
        services=tuple(saying.services(vhost, item.wanted)),
        warnings=tuple(refusals.warnings(change, names_are_told=True)) if change else (),
        is_shut=error is None and saying.is_shut(vhost, item.wanted, states),
        refused=error.message if error else "",
        hint=error.hint if error else "",
        diff=prepared.diffs.get(item.key, "")[: max(left, 0)],
    )


def _withdrawn(
    server: Server, prepared: Prepared, items: Sequence[Item]
) -> dict[str, list[AtCloudflare]]:
    """What becomes of Cloudflare's side for those that are switched off and are not refused."""
    off = {
        item.key
        for item in items
        if item.wanted.mode is Mode.OFF
        and item.key not in prepared.refused
        and prepared.applied.get(item.key, Applied()).policy.mode is not Mode.OFF
    }
    return foreseeing.left(server, off) if off else {}


def _steps(prepared: Prepared, keys: Collection[str], *, is_account: bool) -> Iterator[str]:
    for step in prepared.steps:
        if not is_account:
            yield plan.describe(step)
        elif _is_own(step, keys):
            yield _told_to_accounts(step)


def _told_to_accounts(step: Step) -> str:
    """A step without the places where root keeps things."""
    match step:
        case plan.Write():
            return f"write what Apache reads for {step.vhost.partition('/')[2]}"
        case plan.Remove():
            return f"remove what Apache read for {step.vhost.partition('/')[2]}"
        case _:
            return plan.describe(step)


def _is_own(step: Step, keys: Collection[str]) -> bool:
    match step:
        case plan.Write() | plan.Remove() | plan.Present() | plan.Withdraw():
            return step.vhost in keys
        case _:
            return True
