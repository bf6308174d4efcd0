"""A review counts at Cloudflare too; what may go back waits."""

from __future__ import annotations

from dataclasses import replace

import pytest

from origin_pulls.actions import changing
from origin_pulls.engine import previewing
from origin_pulls.engine.server import Server
from origin_pulls.model.job import Job, State
from origin_pulls.model.policy import Mode
from origin_pulls.model.wish import Change
from origin_pulls.store.marks import Marks
from tests.edge.site import EdgeSite

pytestmark = pytest.mark.apache

SITE = "blog.example"


def wish(site: EdgeSite, mode: Mode = Mode.ENFORCE) -> Change:
    return changing.wish_for(site.config, [SITE], lambda _, now: replace(now, mode=mode))


def reviewed(site: EdgeSite) -> str:
    """The fingerprint of a review made now."""
    server = Server.of(site.config)
    try:
        preview = previewing.preview(server, wish(site), is_account=False)
    finally:
        server.store.close()
    assert preview.refusals == 0
    assert preview.vhosts[0].words[0] == previewing.EDGE_FIRST
    return preview.fingerprint


def carried_out(site: EdgeSite, change: Change) -> Job:
    return changing.carry_out(site.config, change, lambda _: None)


def test_a_review_that_still_fits_goes_the_whole_way_and_may_be_confirmed(site: EdgeSite) -> None:
    change = replace(wish(site), fingerprint=reviewed(site), revert_minutes=5)
    job = carried_out(site, change)
    assert job.state is State.DONE, job
    assert site.is_enforced(SITE)
    server = Server.of(site.config)
    waiting = Marks(server.store).awaited()
    server.store.close()
    assert [one.job for one in waiting] == [job.number]


def test_a_review_that_no_longer_fits_touches_neither_side(site: EdgeSite) -> None:
    word = reviewed(site)
    carried_out(site, wish(site, Mode.OBSERVE))
    before = site.writes()
    job = carried_out(site, replace(wish(site), fingerprint=word))
    assert job.state is State.REFUSED
    assert "different" in job.message
    assert site.writes() == before
    assert site.is_open(SITE)
