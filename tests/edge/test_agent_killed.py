"""The agent killed with SIGKILL at the edge, and started again: it goes on by itself."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from origin_pulls.actions import changing
from origin_pulls.agent import speaking
from origin_pulls.engine.server import Server
from origin_pulls.model.job import Job, State
from origin_pulls.model.policy import Policy, read_policy
from origin_pulls.model.wish import JobWish
from tests.edge.site import EdgeSite, Visitor
from tests.engine.test_together import agent_of, until

pytestmark = [pytest.mark.apache, pytest.mark.timeout(180)]
NAME = "blog.example"


def to_mode(site: EdgeSite, mode: str) -> JobWish:
    def policy(name: str, now: Policy) -> Policy:
        del name, now
        return read_policy({"mode": mode})

    return changing.wish_for(site.config, [NAME], policy)


def to_rotate(site: EdgeSite) -> JobWish:
    return changing.wish_to_rotate(site.config, NAME, who="root")


WISHES: dict[str, Callable[[EdgeSite], JobWish]] = {
    "enforce": lambda site: to_mode(site, "enforce"),
    "rotate": to_rotate,
    "off": lambda site: to_mode(site, "off"),
}


class Follower:
    """Looks at one job as a page does."""

    def __init__(self, site: EdgeSite) -> None:
        self.server = Server.of(site.config)
        self.number = 0

    def has_said(self, text: str) -> bool:
        return any(text in said for _, _, said in self.server.store.progress(self.number))

    @property
    def job(self) -> Job:
        job = self.server.store.job(self.number)
        assert job is not None
        return job


def run_killed_at(site: EdgeSite, what: str, said: str) -> Job:
    """Ask the agent for something, kill it when it says this, start it again: the outcome."""
    follower = Follower(site)
    try:
        with agent_of(site) as agent:
            follower.number = speaking.ask(site.config, WISHES[what](site))
            until(
                lambda: follower.has_said(said) or follower.job.state.is_over,
                f"{said}, after {follower.server.store.progress(follower.number)}",
            )
            assert follower.has_said(said), follower.server.store.progress(follower.number)
            agent.kill()
            agent.communicate(timeout=30)
        with agent_of(site):
            until(lambda: follower.job.state.is_over, "the job is over", 120)
        return follower.job
    finally:
        follower.server.store.close()


def bring_to(site: EdgeSite, mode: str) -> None:
    """The vhost in this mode, whatever the test before left."""
    site.json(mode, NAME)
    site.remote.edge()


ENFORCE = ["looking at Cloudflare", "bringing", "waiting for", "turning", "round 1", "writing"]
ROTATE = ["for 1 vhost", "bringing", "waiting for Cloudflare", "round 1", "deleting"]


@pytest.mark.parametrize("said", ENFORCE)
def test_enforcing_is_gone_on_with_by_the_next_agent(standing_site: EdgeSite, said: str) -> None:
    site = standing_site
    site.json("off", NAME, "--remove-certificate")
    site.remote.edge()
    with Visitor(site, NAME) as visitor:
        job = run_killed_at(site, "enforce", said)
    assert job.state is State.DONE, job
    assert site.is_enforced(NAME)
    assert len(site.live(NAME)) == 1
    assert set(visitor.came) == {"HTTP 200"}, visitor.came


@pytest.mark.parametrize("said", ROTATE)
def test_a_rotation_is_gone_on_with_by_the_next_agent(standing_site: EdgeSite, said: str) -> None:
    site = standing_site
    bring_to(site, "enforce")
    before = [one["id"] for one in site.live(NAME)]
    with Visitor(site, NAME) as visitor:
        job = run_killed_at(site, "rotate", said)
    assert job.state is State.DONE, job
    after = [one["id"] for one in site.live(NAME)]
    assert len(after) == 1
    assert after != before
    assert site.is_enforced(NAME)
    assert set(visitor.came) == {"HTTP 200"}, visitor.came


def test_off_is_taken_back_as_a_whole_or_done(standing_site: EdgeSite) -> None:
    site = standing_site
    bring_to(site, "enforce")
    with Visitor(site, NAME) as visitor:
        job = run_killed_at(site, "off", "writing")
    assert set(visitor.came) == {"HTTP 200"}, visitor.came
    assert job.state is State.RESTORED, job
    assert site.is_enforced(NAME)
    assert site.zone(NAME)["aop_enabled"]


def test_what_was_still_on_at_cloudflare_is_switched_off_by_the_next_agent(
    standing_site: EdgeSite,
) -> None:
    site = standing_site
    bring_to(site, "enforce")
    follower = Follower(site)
    # Cloudflare takes its time to be told, so that the agent dies between the origin and the edge.
    site.remote.fault(".*/origin_tls_client_auth.*", delay=5.0, times=100)
    with agent_of(site) as agent:
        follower.number = speaking.ask(site.config, WISHES["off"](site))
        until(lambda: follower.job.state.is_over, "the origin is relaxed")
        agent.kill()
        agent.communicate(timeout=30)
    assert site.is_open(NAME)
    assert site.zone(NAME)["aop_enabled"]
    site.remote.end_faults()
    with agent_of(site):
        until(lambda: not site.zone(NAME)["aop_enabled"], "the zone is off")
    follower.server.store.close()
