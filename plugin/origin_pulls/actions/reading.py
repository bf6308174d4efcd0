"""To see: vhosts, one vhost with all there is to know, jobs, a proof made now."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from origin_pulls.config import Config
from origin_pulls.engine import looking, preparing
from origin_pulls.engine.gathering import Gathering
from origin_pulls.engine.proving import Before, Prover
from origin_pulls.engine.server import Server
from origin_pulls.errors import Refused
from origin_pulls.model import include, refusals, ways_round
from origin_pulls.model.inventory import Vhost
from origin_pulls.model.job import Applied, Job
from origin_pulls.model.plan import Change
from origin_pulls.model.policy import Mode
from origin_pulls.model.proof import Result
from origin_pulls.model.ways_round import WayRound


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
    material = material.partition(" ")[0]
    folder = config.keys_directory / material
    parts = {"ca": "ca.pem", "leaf": "leaf.pem", "key": "leaf.key"}
    certificate = {what: str(folder / name) for what, name in parts.items()} if material else {}
    warnings = tuple(refusals.warnings(change))
    return Shown(Row(vhost, mine), change, tuple(ways), warnings, certificate)


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
