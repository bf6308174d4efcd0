"""Where a job at Cloudflare is, in stages and words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from origin_pulls.model.edge_rows import DONE, NOW, ROTATING, TO_COME, TURNING_ON, progress_of
from origin_pulls.model.rollout import Direction, Rollout, Stage

UNTIL = "2026-01-02T12:40:00+00:00"
FAILED = (("blog/blog.example", "no", ""),)
ON = Rollout(job=1, direction=Direction.ON, stage=Stage.EDGE)
ROTATE = Rollout(job=1, direction=Direction.ROTATE, stage=Stage.WIDENING)


@pytest.mark.parametrize(
    ("rollout", "way"),
    [
        *((replace(ON, stage=stage), TURNING_ON) for stage in TURNING_ON),
        *((replace(ROTATE, stage=stage), ROTATING) for stage in ROTATING),
    ],
)
def test_what_is_behind_is_done_and_what_is_before_it_to_come(
    rollout: Rollout, way: tuple[Stage, ...]
) -> None:
    place = way.index(rollout.stage)
    said = [one.standing for one in progress_of(rollout, "").stages]
    assert said == [DONE] * place + [NOW] + [TO_COME] * (len(way) - place - 1)


@pytest.mark.parametrize(
    "rollout",
    [
        replace(ON, stage=Stage.RELAXING),
        replace(ROTATE, stage=Stage.RETURNING),
        replace(ROTATE, stage=Stage.NARROWING, failures=FAILED),
    ],
)
def test_on_the_way_back_there_is_one_stage(rollout: Rollout) -> None:
    assert [one.standing for one in progress_of(rollout, "root").stages] == [NOW]
    assert progress_of(rollout, "root").cancelled_by == "root"


def test_a_partial_job_of_which_some_failed_is_still_on_its_way() -> None:
    found = progress_of(replace(ON, stage=Stage.ENFORCING, failures=FAILED), "")
    assert [one.standing for one in found.stages] == [DONE, DONE, DONE, NOW]


def test_an_end_is_told_only_where_something_is_waited_for() -> None:
    assert progress_of(replace(ON, deadline=UNTIL), "").until == ""
    waiting = progress_of(replace(ON, deadline=UNTIL, said="Cloudflare"), "")
    assert (waiting.waiting, waiting.until) == ("Cloudflare", UNTIL)


def test_a_job_that_has_not_begun_to_look_has_no_stages() -> None:
    assert progress_of(None, "").stages == ()
