"""What a person can ask for: see, change, undo, prove, relax. The CLI and the pages call these."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from origin_pulls import agent
from origin_pulls.cloudflare import ranges
from origin_pulls.config import Config
from origin_pulls.engine import looking, preparing, relaxing, stopping, working
from origin_pulls.engine.gathering import Gathering
from origin_pulls.engine.preparing import Prepared
from origin_pulls.engine.proving import Before, Prover
from origin_pulls.engine.relaxing import Relaxed
from origin_pulls.engine.server import Server, utc_now
from origin_pulls.errors import Refused, Unusable
from origin_pulls.model import include, refusals, ways_round
from origin_pulls.model.inventory import Vhost
from origin_pulls.model.job import Applied, Job, item_for
from origin_pulls.model.plan import Change
from origin_pulls.model.policy import Mode, Policy, Port80
from origin_pulls.model.proof import Result
from origin_pulls.model.ways_round import WayRound
from origin_pulls.model.wish import Change as ChangeWish
from origin_pulls.model.wish import Undo, Wanted, Wish
from origin_pulls.server import files, lock

Say = Callable[[str], None]
FOLLOW_PAUSE = 0.1
LOOK_EACH = 10  # pauses, to look whether the agent is still there


@dataclass(frozen=True, slots=True)
class Row:
    """A vhost with the policy in force."""

    vhost: Vhost
    applied: Applied


@dataclass(frozen=True, slots=True)
class Shown:
    """All there is to know about one vhost.

    ``certificate`` names the files of the certificate made for it (``ca``, ``leaf``, ``key``).
    """

    row: Row
    change: Change
    ways_round: tuple[WayRound, ...]
    warnings: tuple[str, ...]
    certificate: Mapping[str, str]

    @property
    def drift(self) -> str:
        """In what the include on the disk differs from the policy; empty when in nothing."""
        state = self.change.facts.secure.state
        if state in (include.State.EDITED, include.State.FOREIGN):
            return f"{self.change.facts.secure.path} is {state}"
        is_demanding = state is include.State.OURS
        if is_demanding != (self.row.applied.policy.mode is not Mode.OFF):
            return f"the include on the disk does not match the mode {self.row.applied.policy.mode}"
        return ""


def listing(config: Config) -> tuple[list[Row], list[str]]:
    """All vhosts with their policies, and sentences about what could not be read."""
    server = Server.dry(config)
    found = looking.look(server)
    applied = preparing.applied_now(server, found)
    rows = [Row(vhost, applied.get(vhost.key, Applied())) for vhost in found.vhosts]
    return rows, list(found.problems)


def show(config: Config, name: str) -> Shown:
    """One vhost, found by any of its names."""
    server = Server.dry(config)
    found = looking.look(server)
    vhost = looking.Names(found).find(name)
    conf = looking.read_conf(server)
    applied = preparing.applied_now(server, found)
    policies = {key: one.policy for key, one in applied.items()}
    mine = applied.get(vhost.key, Applied())
    change = Gathering(server, conf).change(vhost, mine, mine.policy)
    ways = ways_round.find(vhost, found.vhosts, policies, conf)
    material = server.store.material(vhost.user, vhost.incarnation, vhost.server_name)
    folder = config.keys_directory / material
    parts = {"ca": "ca.pem", "leaf": "leaf.pem", "key": "leaf.key"}
    certificate = {what: str(folder / name) for what, name in parts.items()} if material else {}
    warnings = tuple(refusals.warnings(change))
    return Shown(Row(vhost, mine), change, tuple(ways), warnings, certificate)


def wish_for(
    config: Config,
    names: Sequence[str],
    policy_of: Callable[[str, Policy], Policy],
    *,
    who: str = "root",
    is_partial: bool = False,
) -> ChangeWish:
    """The wish to change the vhosts that serve these names.

    ``policy_of`` makes of a name and the policy in force the one that is wanted. Raises
    ``Refused`` for a name that nobody serves, ``Unusable`` when two names mean one vhost and
    want different things of it.
    """
    server = Server.dry(config)
    found = looking.look(server)
    applied = preparing.applied_now(server, found)
    vhosts = looking.Names(found)
    wanted: dict[str, Wanted] = {}
    for name in names:
        vhost = vhosts.find(name)
        policy = policy_of(name, applied.get(vhost.key, Applied()).policy)
        one = wanted.setdefault(vhost.key, Wanted(vhost.user, vhost.server_name, policy))
        if one.policy != policy:
            raise Unusable(
                f"{vhost.server_name} is named twice (once as {name}) with different wishes",
                hint="Name each vhost once; `show` tells which names share one.",
            )
    return ChangeWish(tuple(wanted.values()), who, is_partial)


def preview(config: Config, wish: ChangeWish | Undo) -> Prepared:
    """What a wish would do, touching nothing."""
    server = Server.dry(config)
    if isinstance(wish, Undo):
        items = working.undone(server, wish.job)
    else:
        found = looking.look(server)
        keys = {(vhost.user, vhost.server_name): vhost for vhost in found.vhosts}
        items = tuple(item_for(keys[one.user, one.server_name], one.policy) for one in wish.items)
    partial = isinstance(wish, ChangeWish) and wish.is_partial
    job = Job(number=0, kind="preview", who=wish.who, asked="", items=items, is_partial=partial)
    return preparing.prepare(server, [job])


def carry_out(config: Config, wish: Wish, say: Say) -> Job:
    """Have a wish carried out and wait for its outcome.

    The running agent does it; where none runs, it is done here, under the same lock.
    """
    try:
        number = agent.ask(config, wish)
    except ConnectionError:
        return _do_it_here(config, wish, say)
    return follow(config, number, say)


def follow(config: Config, number: int, say: Say) -> Job:
    """Wait for the outcome of a job, saying its progress.

    When the agent ends in the middle, what it left is brought to an end here.
    """
    server = Server.of(config)
    said = looked = 0
    while True:
        for line, _, text in server.store.progress(number, after=said):
            say(text)
            said = line
        job = server.store.job(number)
        if job is None:
            raise Refused(f"There is no job {number}", hint="See `origin-pulls jobs`.")
        if job.state.is_over:
            return job
        looked += 1
        if looked % LOOK_EACH == 0 and _is_abandoned(config):
            say("the agent is gone: going on here")
            with stopping.taken_back(), working.holding(server, say):
                working.work(server, say)
            continue
        time.sleep(FOLLOW_PAUSE)


def jobs(config: Config, most: int) -> list[Job]:
    """The newest jobs."""
    return Server.dry(config).store.jobs(most=most)


def job(config: Config, number: int) -> tuple[Job, list[tuple[int, str, str]]]:
    """One job with its lines of progress; ``Refused`` when there is none of this number."""
    store = Server.dry(config).store
    found = store.job(number)
    if found is None:
        raise Refused(f"There is no job {number}", hint="See `origin-pulls jobs`.")
    return found, store.progress(number)


def prove(config: Config, name: str) -> tuple[Row, list[Result]]:
    """Prove with real requests, now, that a vhost does what its policy says."""
    server = Server.of(config)
    found = looking.look(server)
    vhost = looking.Names(found).find(name)
    mine = preparing.applied_now(server, found).get(vhost.key, Applied())
    prover = Prover(config, server.probe())
    checks = [replace(check, before=None) for check in prover.checks(vhost, mine.policy, Before())]
    results = prover.until_they_hold(checks, is_hopeless=lambda: True, patience=0)
    return Row(vhost, mine), results


def relax(config: Config, who: str, say: Say) -> Relaxed:
    """Everything back to no demand, by the shortest way."""
    return relaxing.relax(config, who, utc_now().isoformat(timespec="milliseconds"), say)


def write_probe(config: Config, certificate: Path, key: Path, *, days: int) -> datetime:
    """Write a fresh client certificate below the probe CA and its key; until when it is valid."""
    server = Server.of(config)
    now = server.clock()
    pem, secret = server.probe().issue("Origin Pulls monitor", now=now, days=days)
    try:
        files.make_directory(key.parent, mode=0o700)
        files.replace(key, secret.reveal(), mode=files.PRIVATE)
        files.replace(certificate, pem, mode=files.PRIVATE)
    except OSError as error:
        raise Refused(
            f"{key.parent} cannot be written: {error.strerror}", hint="Name another folder."
        ) from error
    return now + timedelta(days=days)


def cloudflare_ranges(config: Config) -> tuple[str, ...]:
    """Cloudflare's networks in force here."""
    return ranges.read(config.cloudflare_ranges)


def refresh_ranges(
    config: Config, source: Path | None, *, may_shrink: bool, say: Say
) -> tuple[Mapping[str, list[str]], Job | None]:
    """Put a newer list of Cloudflare's networks in force, here and in the vhosts that use it.

    The list comes from a file or from Cloudflare; what came and went, and the job if one ran.
    """
    text = _source(source) if source else ranges.fetch(config.cloudflare_api)
    new = ranges.parse(text)
    compared = ranges.compared(ranges.read(config.cloudflare_ranges), new, may_shrink=may_shrink)
    if not compared["added"] and not compared["gone"]:
        return compared, None
    files.replace(config.cloudflare_ranges, text)
    rows, _ = listing(config)
    users = [row for row in rows if row.applied.policy.port80 is Port80.CLOUDFLARE]
    if not users:
        return compared, None
    items = [Wanted(row.vhost.user, row.vhost.server_name, row.applied.policy) for row in users]
    return compared, carry_out(config, ChangeWish(tuple(items), is_partial=True), say)


def _source(path: Path) -> bytes:
    try:
        text = files.read(path, limit=ranges.LARGEST)
    except OSError as error:
        raise Unusable(f"{path} cannot be read: {error.strerror}", hint="Check it.") from error
    if text is None:
        raise Unusable(f"There is no file {path}", hint="Check the name.")
    return text


def _is_abandoned(config: Config) -> bool:
    return not agent.is_running(config) and not lock.is_held(config.work_lock)


def _do_it_here(config: Config, wish: Wish, say: Say) -> Job:
    server = Server.of(config)
    with stopping.taken_back(), working.holding(server, say):
        number = working.accept(server, wish)
        working.work(server, say)
        done = server.store.job(number)
    if done is None:
        raise Refused(f"Job {number} is gone from the store", hint="See `origin-pulls jobs`.")
    return done
