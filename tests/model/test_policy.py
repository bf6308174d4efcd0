"""When a demand begins: what was proven for another one counts for nothing then."""

from __future__ import annotations

import pytest

from origin_pulls.model.policy import Mode, Policy, Port80, Trust

ON = Policy(mode=Mode.ENFORCE)
OPEN = Policy(mode=Mode.ENFORCE, exempt_names=("a.example", "b.example"))
VOUCHED = Policy(mode=Mode.ENFORCE, edge_ready=True)


@pytest.mark.parametrize(
    ("now", "wanted"),
    [
        (Policy(), ON),
        (Policy(mode=Mode.OBSERVE), ON),
        (Policy(mode=Mode.OBSERVE, edge_ready=True), VOUCHED),
        (OPEN, ON),
        (OPEN, Policy(mode=Mode.ENFORCE, exempt_names=("a.example", "c.example"))),
        (VOUCHED, ON),
    ],
)
def test_a_demand_begins(now: Policy, wanted: Policy) -> None:
    assert wanted.begins_to_demand(now)


@pytest.mark.parametrize(
    ("now", "wanted"),
    [
        (ON, ON),
        (ON, VOUCHED),
        (VOUCHED, VOUCHED),
        (ON, OPEN),
        (ON, Policy()),
        (ON, Policy(mode=Mode.OBSERVE)),
        (OPEN, Policy(mode=Mode.OBSERVE)),
        (ON, Policy(mode=Mode.ENFORCE, exempt_paths=("/feed",), port80=Port80.REDIRECT)),
        (Policy(mode=Mode.ENFORCE, exempt_paths=("/feed",)), ON),
    ],
)
def test_a_demand_that_is_there_goes_on_or_ends(now: Policy, wanted: Policy) -> None:
    assert not wanted.begins_to_demand(now)


@pytest.mark.parametrize(
    ("now", "wanted", "is_kept"),
    [
        (VOUCHED, ON, True),
        (VOUCHED, Policy(mode=Mode.OBSERVE), False),
        (VOUCHED, Policy(mode=Mode.ENFORCE, trust=Trust.CLOUDFLARE), False),
        (Policy(mode=Mode.OBSERVE, edge_ready=True), ON, False),
        (Policy(mode=Mode.OBSERVE, edge_ready=True), VOUCHED, False),
        (ON, VOUCHED, False),
        (Policy(), VOUCHED, False),
    ],
)
def test_a_word_counts_for_the_demand_it_was_said_of(
    now: Policy, wanted: Policy, is_kept: bool
) -> None:
    assert wanted.vouched(now, is_said=False).edge_ready is is_kept
    assert wanted.vouched(now, is_said=True).edge_ready
