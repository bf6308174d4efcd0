"""kill -9 before every single effect of a change, then a restart: finished or taken back."""

from __future__ import annotations

import pytest

from origin_pulls.actions import reading
from origin_pulls.model.include import State, state
from origin_pulls.model.job import State as JobState
from origin_pulls.model.policy import Mode
from origin_pulls.sandbox import Sandbox
from tests.engine import dying
from tests.server_under_test import UnderTest

FARTHEST = 400
NAME = "blog.example"


def sweep(under_test: UnderTest, mode: str, *, during: bool = False) -> list[str]:
    """Kill a change to ``mode`` at effect 1, 2, 3 … until one runs to its end; each outcome."""
    outcomes: list[str] = []
    for effect in range(1, FARTHEST):
        prepare(under_test, mode)
        code = dying.run_until(under_test.root, [NAME], mode, effect=effect, during=during)
        if code is not None:
            assert code == dying.FINISHED
            return outcomes
        outcomes.append(judge(under_test, mode))
    raise AssertionError("the change has no end")


def prepare(under_test: UnderTest, mode: str) -> None:
    """The state from which the change starts: as on the first day, or enforced."""
    if mode == "enforce":
        under_test.forget_everything()
    elif not under_test.is_enforced(NAME):
        assert under_test.run("enforce", NAME, "--edge-ready").code == 0


def judge(under_test: UnderTest, mode: str) -> str:
    """After the restart everything must fit together; how it went."""
    under_test.recover()
    assert under_test.is_sound()
    assert not (under_test.config.journal / "current").exists()
    rows, _ = reading.listing(under_test.config)
    mode_now = next(row.applied.policy.mode for row in rows if row.vhost.server_name == NAME)
    include = under_test.include("blog", NAME)
    found = state(include.read_bytes() if include.exists() else None)
    is_enforced = mode_now is Mode.ENFORCE
    assert is_enforced == (found is State.OURS), (mode_now, found)
    assert under_test.is_enforced(NAME) if is_enforced else under_test.is_open(NAME)
    assert not list(include.parent.glob("*.kept"))
    jobs = reading.jobs(under_test.config, 5)
    assert all(job.state in (JobState.DONE, JobState.RESTORED) for job in jobs), jobs
    if is_enforced == (mode == "enforce"):
        return "finished"
    return "taken back" if jobs and jobs[0].state is JobState.RESTORED else "never begun"


@pytest.mark.apache
@pytest.mark.parametrize("mode", ["enforce", "off"])
def test_killed_before_any_effect_it_is_finished_or_taken_back(sandbox: Sandbox, mode: str) -> None:
    outcomes = sweep(UnderTest(sandbox), mode)
    assert {"finished", "taken back", "never begun"} == set(outcomes)
    assert len(outcomes) > 15


@pytest.mark.apache
def test_killed_while_a_program_runs_it_is_finished_or_taken_back(sandbox: Sandbox) -> None:
    outcomes = sweep(UnderTest(sandbox), "enforce", during=True)
    assert "taken back" in outcomes


@pytest.mark.apache
def test_killed_while_it_recovers_the_next_start_recovers(sandbox: Sandbox) -> None:
    one = UnderTest(sandbox)
    died = 0
    for effect in range(1, FARTHEST):
        one.forget_everything()
        # The rebuild is over and nothing is proven yet: all there is has to be taken back.
        assert dying.run_until(one.root, [NAME], "enforce", effect=5, during=True) is None
        code = dying.run_until(one.root, [], dying.RECOVER, effect=effect)
        outcome = judge(one, "enforce")
        assert outcome == "taken back", (effect, outcome)
        if code == dying.FINISHED:
            break
        died += 1
    assert died > 5
