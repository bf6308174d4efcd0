"""Prepares a run without touching anything: who is refused, and the steps for the others."""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from origin_pulls.engine import giving_way, looking
from origin_pulls.engine.gathering import Gathering
from origin_pulls.engine.server import Server
from origin_pulls.errors import OriginPullsError, Refused
from origin_pulls.model import plan, refusals, rights
from origin_pulls.model.facts import ServerFacts
from origin_pulls.model.inventory import Inventory, Vhost
from origin_pulls.model.job import Applied, Item, Job
from origin_pulls.model.plan import Change, Step
from origin_pulls.model.policy import Mode, Policy
from origin_pulls.server import certificates

LONGEST_DIFF = 20_000
MADE_LATER = b"(a CA that is made when its turn comes)\n"


@dataclass(frozen=True, slots=True)
class Prepared:
    """What a run would do: changes with their steps, and what is refused (by vhost key).

    ``edge_first``: vhosts to which Cloudflare is made to present before; a run leaves it empty.
    """

    gathering: Gathering
    inventory: Inventory
    facts: ServerFacts
    changes: tuple[Change, ...]
    refused: Mapping[str, OriginPullsError]
    steps: tuple[Step, ...]
    applied: Mapping[str, Applied]
    diffs: Mapping[str, str]
    swept: tuple[str, ...] = ()
    edge_first: tuple[str, ...] = ()

    @property
    def bystanders(self) -> list[Vhost]:
        """SSL vhosts that nothing is wanted for, those on the same addresses first."""
        changing = {change.key for change in self.changes}
        addresses = {one for change in self.changes for one in change.facts.vhost.addresses}
        others = [
            vhost for vhost in self.inventory.vhosts if vhost.is_ssl and vhost.key not in changing
        ]
        return sorted(others, key=lambda vhost: addresses.isdisjoint(vhost.addresses))


def prepare(server: Server, jobs: Sequence[Job]) -> Prepared:
    """The facts, refusals and steps for these jobs.

    A job is refused as a whole when one of its items is, unless it ``is_partial``.
    """
    found = looking.look(server, keep=not server.is_dry)
    gathering = Gathering(server, looking.read_conf(server))
    vhosts = {vhost.key: vhost for vhost in found.vhosts}
    applied = applied_now(server, found)
    wanted = {item.key for job in jobs for item in job.items}
    others = any(
        one.policy.mode is not Mode.OFF for key, one in applied.items() if key not in wanted
    )
    facts = gathering.server_facts(is_used_by_others=others)
    refused: dict[str, OriginPullsError] = {}
    changes: list[Change] = []
    whole = next(refusals.of_server(facts), None) or _is_down(server)
    for job in jobs:
        if whole is not None:
            refused |= {item.key: whole for item in job.items}
            continue
        accepted, rejected = _judge(gathering, facts, vhosts, applied, job.items)
        refused |= rejected
        if rejected and not job.is_partial:
            refused |= carried_along(job.items, rejected)
        else:
            changes += accepted
    deadly = next(refusals.of_reload(facts, changes), None)
    if deadly is not None:
        refused |= {change.key: deadly for change in changes}
        changes = []
    swept = _left_behind(gathering, found, applied, wanted) if changes else []
    changes += swept
    steps = plan.steps(facts, changes) if changes else []
    return Prepared(
        gathering=gathering,
        inventory=found,
        facts=facts,
        changes=tuple(changes),
        refused=refused,
        steps=tuple(steps),
        applied=applied,
        diffs=_diffs(steps, _unkept(server, gathering)),
        swept=tuple(change.key for change in swept),
    )


def fingerprint(prepared: Prepared, keys: Collection[str]) -> str:
    """A word for what was found and what would be done at these vhosts.

    It is the same for two looks between which nothing has changed. A certificate that is only
    made when its turn comes is left out: each look would make another one.
    """
    found = [prepared.facts.config_error, prepared.facts.front, str(prepared.facts.version)]
    found += [
        f"{key} {error.message}" for key, error in sorted(prepared.refused.items()) if key in keys
    ]
    found += [f"{key} by way of Cloudflare" for key in prepared.edge_first if key in keys]
    for change in sorted(prepared.changes, key=lambda one: one.key):
        if change.key not in keys:
            continue
        facts = change.facts
        found += [change.key, facts.vhost.incarnation, *facts.vhost.host_names]
        found += [_packed(facts.policy), _packed(change.wanted), *map(str, facts.findings)]
        found += [_hashed(one.text) for one in (facts.secure, facts.plain)]
        if change.key not in prepared.gathering.made:
            found += sorted(plan.fingerprints(facts.trusted))
    for step in prepared.steps:
        if isinstance(step, plan.Write) and step.vhost in keys and step.is_include:
            found += [str(step.path), _hashed(step.text)]
    return hashlib.sha256("\n".join(found).encode()).hexdigest()


def _packed(policy: Policy) -> str:
    return json.dumps(policy.as_record(), sort_keys=True)


def _hashed(text: bytes | None) -> str:
    return "" if text is None else hashlib.sha256(text).hexdigest()


def applied_now(server: Server, found: Inventory) -> dict[str, Applied]:
    """The policies in force by vhost key; those of an account's earlier life do not count."""
    kept = server.store.policies()
    return {
        vhost.key: kept[place]
        for vhost in found.vhosts
        if (place := (vhost.user, vhost.incarnation, vhost.server_name)) in kept
    }


def _left_behind(
    gathering: Gathering,
    found: Inventory,
    applied: Mapping[str, Applied],
    wanted: Collection[str],
) -> list[Change]:
    """Includes of ours without a policy: an account's earlier life made them, or a lost store.

    The new owner of a name must not inherit a demand, so they are emptied by the way.
    """
    return [
        gathering.change(vhost, Applied(), Policy())
        for vhost in found.vhosts
        if vhost.is_ssl
        and vhost.key not in wanted
        and (vhost.key not in applied or applied[vhost.key].policy.is_idle)
        and gathering.has_include(vhost)
    ]


def _diffs(steps: Sequence[Step], unkept: Sequence[bytes]) -> dict[str, str]:
    """What changes in the files of each vhost, as unified diffs; ``unkept`` CAs are not shown."""
    found: dict[str, str] = {}
    for step in steps:
        if isinstance(step, plan.Write | plan.Remove):
            text = found.get(step.vhost, "") + _diff(step, unkept)
            found[step.vhost] = text[:LONGEST_DIFF]
    return found


def _unkept(server: Server, gathering: Gathering) -> list[bytes]:
    """The CAs, as PEM, that a dry look made for itself alone: the next makes others."""
    if not server.is_dry:
        return []
    made = [one.authority for one in gathering.made.values()]
    is_probe_kept = certificates.kept_probe(server.config.probe_directory) is not None
    return made if is_probe_kept else [*made, gathering.probe.pem.encode("ascii")]


def _diff(step: plan.Write | plan.Remove, unkept: Sequence[bytes]) -> str:
    before = (step.before or b"").decode("utf-8", "replace").splitlines(keepends=True)
    text = step.text if isinstance(step, plan.Write) else b""
    for made in unkept:
        text = text.replace(made, MADE_LATER)
    after = text.decode("utf-8", "replace").splitlines(keepends=True)
    old = str(step.path) if step.before is not None else "/dev/null"
    new = str(step.path) if isinstance(step, plan.Write) else "/dev/null"
    return "".join(difflib.unified_diff(before, after, old, new))


def _judge(
    gathering: Gathering,
    facts: ServerFacts,
    vhosts: Mapping[str, Vhost],
    applied: Mapping[str, Applied],
    items: Sequence[Item],
) -> tuple[list[Change], dict[str, OriginPullsError]]:
    accepted, rejected = [], dict[str, OriginPullsError]()
    for item in items:
        if not gathering.server.is_dry:
            giving_way.check(gathering.server.config)
        vhost = vhosts.get(item.key)
        if vhost is None or vhost.incarnation != item.incarnation:
            rejected[item.key] = Refused(
                f"{item.server_name} is no longer on this server as it was",
                hint="Look at `origin-pulls list` and ask again.",
            )
            continue
        reason: OriginPullsError | None
        try:
            change = gathering.change(vhost, applied.get(item.key, Applied()), item.wanted)
            reason = next(refusals.of_change(facts, change), None)
        except OriginPullsError as error:
            reason = error
        except OSError as error:
            reason = Refused(
                f"{error.filename} cannot be read: {error.strerror}",
                hint="Look what stands in its place; nothing was touched.",
            )
        if reason is None:
            accepted.append(change)
        else:
            rejected[item.key] = reason
    return accepted, rejected


def carried_along(
    items: Sequence[Item], rejected: Mapping[str, OriginPullsError]
) -> dict[str, OriginPullsError]:
    """The refusals of a job's other items, when some are refused and the job is all or nothing."""
    named = ", ".join(key.partition("/")[2] for key in rejected)
    return {
        item.key: Refused(
            f"{rights.TOGETHER}: {named} is refused",
            hint="Leave it out, or use `--keep-going`.",
        )
        for item in items
        if item.key not in rejected
    }


def _is_down(server: Server) -> Refused | None:
    if server.apache.parent() is not None:
        return None
    return Refused(
        "Apache is not running, so nothing can be proven",
        hint="Start it (`/usr/local/cpanel/scripts/restartsrv_httpd`) and try again.",
    )
