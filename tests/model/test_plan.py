"""Plans: every prefix reachable, nothing done twice, one rebuild and one reload."""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from origin_pulls.model import include, plan
from origin_pulls.model.facts import File
from origin_pulls.model.plan import (
    Change,
    Present,
    Prove,
    Rebuild,
    Reload,
    Remove,
    Step,
    Withdraw,
    Write,
)
from origin_pulls.model.policy import Mode, Policy, Port80
from tests import strategies
from tests.strategies import server

DEMAND = re.compile(rb"^SSLVerifyClient (require|optional)$", re.MULTILINE)


class World:
    """What Apache has loaded, what lies on the disk, and what the edge presents."""

    def __init__(self, changes: Sequence[Change]) -> None:
        self.disk: dict[Path, bytes | None] = {}
        self.lines: set[str] = set()
        self.edge: dict[str, set[str]] = {}
        self.changes = changes
        for change in changes:
            facts = change.facts
            for file in (facts.secure, facts.plain, facts.bundle):
                self.disk[file.path] = file.text
            self.lines |= {*facts.vhost.includes, *facts.vhost.plain_includes}
            self.edge[change.key] = set(facts.edge.presents)
        self.loaded = self.read()

    def read(self) -> dict[Path, bytes | None]:
        """The includes (and the CA files they name) as Apache would read them now."""
        return {
            path: text
            for path, text in self.disk.items()
            if path.suffix == ".pem" or f"{path.parent}/*.conf" in self.lines
        }

    def do(self, step: Step) -> None:
        match step:
            case Write():
                self.disk[step.path] = step.text
            case Remove():
                self.disk[step.path] = None
            case Rebuild():
                for change in self.changes:
                    for file in (change.facts.secure, change.facts.plain):
                        if self.disk[file.path] is not None:
                            self.lines.add(f"{file.path.parent}/*.conf")
            case Reload():
                self.loaded = self.read()
            case Present():
                self.edge[step.vhost] = set(step.anchors)
            case Withdraw():
                self.edge[step.vhost] = set()

    def is_reachable(self, change: Change) -> bool:
        """Whether visitors come through the edge, now and if Apache is reloaded by anybody."""
        return all(self._lets_in(change, config) for config in (self.loaded, self.read()))

    def _lets_in(self, change: Change, config: dict[Path, bytes | None]) -> bool:
        facts = change.facts
        text = config.get(facts.secure.path) or b""
        if b"SSLCACertificateFile" in text and not config.get(facts.bundle.path):
            return False  # a named CA file that is not there: Apache does not start
        if not DEMAND.search(text):
            return True
        bundle = config[facts.bundle.path] or b""
        return any(sha.encode() in bundle for sha in self.edge[change.key])


batches = st.integers(1, 3).flatmap(
    lambda count: st.tuples(*(strategies.changes(number) for number in range(1, count + 1)))
)


@given(batches)
@settings(max_examples=400, deadline=None)
def test_the_site_stays_reachable_wherever_a_plan_stops(changes: tuple[Change, ...]) -> None:
    world = World(changes)
    assert all(world.is_reachable(change) for change in changes)
    for step in plan.steps(server(), changes):
        world.do(step)
        assert all(world.is_reachable(change) for change in changes), step


@given(batches)
@settings(max_examples=300, deadline=None)
def test_a_plan_leads_to_what_is_wanted(changes: tuple[Change, ...]) -> None:
    world = World(changes)
    for step in plan.steps(server(), changes):
        world.do(step)
    for change in changes:
        facts, wanted = change.facts, change.wanted
        text = world.loaded.get(facts.secure.path) or b""
        demands = DEMAND.search(text) is not None
        assert demands == (wanted.mode is Mode.ENFORCE)
        assert (b"optional_no_ca" in text) == (wanted.mode is Mode.OBSERVE)
        plain = world.loaded.get(facts.plain.path) or b""
        assert (b"RewriteRule" in plain) == (wanted.port80 is not Port80.LEAVE)
        if wanted.mode is Mode.OFF:
            assert world.disk[facts.bundle.path] is None
        else:
            assert world.disk[facts.bundle.path] is not None
        if wanted.mode is not Mode.OFF and facts.edge.is_managed and demands:
            assert plan.fingerprints(facts.trusted) & world.edge[change.key]


@given(batches)
@settings(max_examples=200, deadline=None)
def test_no_plan_reloads_more_than_twice_or_rebuilds_more_than_once_a_round(
    changes: tuple[Change, ...],
) -> None:
    steps = plan.steps(server(), changes)
    reloads = sum(isinstance(step, Reload) for step in steps)
    has_edge = any(isinstance(step, Present | Withdraw) for step in steps)
    assert reloads <= (2 if has_edge else 1)
    assert sum(isinstance(step, Rebuild) for step in steps) <= reloads
    assert sum(isinstance(step, Prove) for step in steps) == reloads


@given(batches)
@settings(max_examples=200, deadline=None)
def test_the_second_time_there_is_nothing_to_do(changes: tuple[Change, ...]) -> None:
    world = World(changes)
    facts = server()
    for step in plan.steps(facts, changes):
        world.do(step)
        if isinstance(step, Write) and step.path == facts.server_include.path:
            facts = replace(facts, server_include=File(step.path, step.text))
    again = [_after(world, change) for change in changes]
    assert plan.steps(facts, again) == []


@given(strategies.changes())
@settings(max_examples=200, deadline=None)
def test_an_include_is_written_after_the_ca_file_it_names_and_never_removed(
    change: Change,
) -> None:
    steps = plan.steps(server(), [change])
    assert not any(isinstance(step, Remove) and step.path.suffix == ".conf" for step in steps)
    seen: set[Path] = set()
    for step in steps:
        if not isinstance(step, Write):
            continue
        if step.path == change.facts.secure.path and b"SSLCACertificateFile" in step.text:
            assert change.facts.bundle.path in seen or change.facts.bundle.text is not None
        seen.add(step.path)


def test_a_thousand_enforcements_are_one_rebuild_and_one_reload() -> None:
    changes = []
    for number in range(1000):
        change = _new(number)
        changes.append(change)
    steps = plan.steps(server(), changes)
    assert sum(isinstance(step, Rebuild) for step in steps) == 1
    assert sum(isinstance(step, Reload) for step in steps) == 1


def test_off_leaves_the_include_as_comments() -> None:
    change = _new(1)
    world = World([change])
    for step in plan.steps(server(), [change]):
        world.do(step)
    off = replace(_after(world, change), wanted=Policy())
    for step in plan.steps(server(), [off]):
        world.do(step)
    text = world.disk[change.facts.secure.path]
    assert include.state(text) is include.State.COMMENT


def _new(number: int) -> Change:
    from origin_pulls.model.facts import EdgeFacts, VhostFacts

    site = strategies.vhost(number, is_included=False, is_plain_included=False)
    facts = VhostFacts(
        vhost=site,
        policy=Policy(),
        secure=File(Path(site.include_directory, include.FILE_NAME)),
        plain=File(Path(site.plain_include_directory, include.FILE_NAME)),
        bundle=File(Path(f"/etc/origin-pulls/trust/{site.user}/{site.server_name}.pem")),
        trusted=(strategies.OWN,),
        probe=strategies.PROBE,
        edge=EdgeFacts(presents=frozenset(("own",))),
    )
    return Change(facts, Policy(mode=Mode.ENFORCE))


def _after(world: World, change: Change) -> Change:
    """The same vhost as it is found after the plan was carried out."""
    facts = change.facts
    lines = world.lines
    site = replace(
        facts.vhost,
        includes=tuple(line for line in lines if line.startswith(facts.vhost.include_directory)),
        plain_includes=tuple(
            line for line in lines if line.startswith(facts.vhost.plain_include_directory)
        ),
    )
    files = {
        name: File(getattr(facts, name).path, world.disk[getattr(facts, name).path])
        for name in ("secure", "plain", "bundle")
    }
    edge = replace(facts.edge, presents=frozenset(world.edge[change.key]))
    found = replace(
        facts,
        vhost=site,
        policy=change.wanted,
        trusted_now=facts.trusted,
        edge=edge,
        secure=files["secure"],
        plain=files["plain"],
        bundle=files["bundle"],
    )
    return Change(found, change.wanted)
