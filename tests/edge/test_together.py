"""Several jobs at Cloudflare at once: none holds another up, none takes what another stands on."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from origin_pulls.engine import looking
from origin_pulls.engine.server import Server
from origin_pulls.model.job import State
from origin_pulls.secret import Secret
from origin_pulls.server.tokens import Token, Tokens
from tests.edge.followed import Agent, agent_at
from tests.edge.site import EdgeSite, Visitor

pytestmark = [pytest.mark.apache, pytest.mark.timeout(240)]
ONE, OTHER = "blog.example", "blog-addon.blog.example"  # of one zone
ZONE = ONE
ELSEWHERE = "acme.example"
MINUTES = 4_000.0  # seconds of Cloudflare's clock; of ours it is more than three minutes


@pytest.fixture
def agent(standing_site: EdgeSite) -> Iterator[Agent]:
    """An agent on a server where these vhosts are off, and a Cloudflare as it was at first."""
    standing_site.json("off", ONE, OTHER, ELSEWHERE, "--remove-certificate")
    standing_site.remote.reset()
    standing_site.remote.edge()
    with agent_at(standing_site) as agent:
        yield agent


def stuck(site: EdgeSite) -> None:
    """The next certificate that is uploaded does not come to the edge before ``release``."""
    site.remote.switch(fate="stuck", fate_times=1)


def release(site: EdgeSite) -> None:
    site.remote.ask("POST", "release")


def by_plain_http(site: EdgeSite, *names: str) -> None:
    """Let Cloudflare come to these names by plain HTTP, so that nothing is proven for them."""
    site.remote.zone(ZONE, ssl_overrides=dict.fromkeys(names, "flexible"))
    site.remote.edge()


def test_off_in_a_rotation_of_several_holds_nobody_up(agent: Agent) -> None:
    site = agent.site
    agent.to_mode("enforce", ONE, OTHER).until_over()
    stuck(site)
    with Visitor(site, OTHER) as visitor:
        rotation = agent.rotate(ONE)
        rotation.until_said("waiting for Cloudflare")
        off = agent.to_mode("off", ONE)
        assert off.until_over().state is State.DONE
        elsewhere = agent.to_mode("enforce", ELSEWHERE)
        assert elsewhere.until_over().state is State.DONE
        # The new one cannot be deleted while it is pending; then it goes.
        release(site)
        assert rotation.until_over().state is State.RESTORED
    assert len(site.live(ZONE)) == 1
    assert site.is_open(ONE)
    assert site.is_enforced(OTHER)
    assert set(visitor.came) == {"HTTP 200"}, visitor.came


def test_the_second_job_at_a_zone_waits_for_the_first(agent: Agent) -> None:
    site = agent.site
    agent.to_mode("enforce", ONE).until_over()
    stuck(site)
    with Visitor(site, ONE, OTHER) as visitor:
        rotation = agent.rotate(ONE)
        rotation.until_said("waiting for Cloudflare")
        enforcing = agent.to_mode("enforce", OTHER)
        turn = f"waiting for job {rotation.number}, which works on the zone {ZONE}"
        enforcing.until_said(turn)
        agent.cancel(enforcing)
        assert enforcing.until_over().state is State.REFUSED
        assert "Cancelled by root" in enforcing.job.message
        again = agent.to_mode("enforce", OTHER)
        again.until_said(turn)
        elsewhere = agent.to_mode("enforce", ELSEWHERE)
        assert elsewhere.until_over().state is State.DONE
        release(site)
        assert rotation.until_over().state is State.DONE
        assert again.until_over().state is State.DONE
    assert len([said for said in again.said if "waiting for job" in said]) == 1
    assert len(site.live(ZONE)) == 1
    assert site.is_enforced(ONE)
    assert site.is_enforced(OTHER)
    assert set(visitor.came) == {"HTTP 200"}, visitor.came


def test_a_rotation_that_waited_takes_along_who_came_meanwhile(agent: Agent) -> None:
    site = agent.site
    agent.to_mode("enforce", ONE).until_over()
    first = [one["id"] for one in site.live(ZONE)]
    by_plain_http(site, OTHER)
    enforcing = agent.to_mode("enforce", OTHER)
    enforcing.until_said("waiting for blog-addon")
    rotation = agent.rotate(ONE)
    rotation.until_said(f"waiting for job {enforcing.number}")
    with Visitor(site, ONE) as visitor:
        by_plain_http(site)
        assert enforcing.until_over().state is State.DONE
        done = rotation.until_over()
    assert done.state is State.DONE
    assert {item.server_name for item in done.items} == {ONE, OTHER}
    assert [one["id"] for one in site.live(ZONE)] != first
    assert len(site.live(ZONE)) == 1
    assert site.visit(ONE).status == site.visit(OTHER).status == 200
    assert site.is_enforced(OTHER)
    assert set(visitor.came) == {"HTTP 200"}, visitor.came


def test_a_cancelled_job_takes_nothing_from_the_next_one_at_its_zone(agent: Agent) -> None:
    site = agent.site
    stuck(site)
    first = agent.to_mode("enforce", ONE)
    first.until_said("waiting for Cloudflare")
    agent.cancel(first)
    by_plain_http(site, OTHER)
    with Visitor(site, OTHER) as visitor:
        other = agent.to_mode("enforce", OTHER)
        assert first.until_over().state is State.RESTORED
        release(site)
        other.until_said("waiting for blog-addon")
        time.sleep(10 * site.config.edge_poll)
        assert site.zone(ZONE)["aop_enabled"]
        assert len(site.live(ZONE)) == 1
        by_plain_http(site)
        assert other.until_over().state is State.DONE
        again = agent.to_mode("enforce", ONE)
        assert again.until_over().state is State.DONE
        site.remote.edge()
        assert len(site.live(ZONE)) == 1, "nobody else's may be pushed aside"
    assert site.is_enforced(ONE)
    assert site.is_enforced(OTHER)
    assert site.visit(ONE).status == 200
    assert set(visitor.came) == {"HTTP 200"}, visitor.came


def test_off_leaves_what_a_job_under_way_stands_on(agent: Agent) -> None:
    site = agent.site
    agent.to_mode("enforce", ONE).until_over()
    by_plain_http(site, OTHER)
    enforcing = agent.to_mode("enforce", OTHER)
    enforcing.until_said("waiting for blog-addon")
    assert agent.to_mode("off", ONE).until_over().state is State.DONE
    time.sleep(2 * site.config.edge_poll)
    assert site.zone(ZONE)["aop_enabled"], "the other one is just being proven"
    by_plain_http(site)
    assert enforcing.until_over().state is State.DONE
    assert len(site.live(ZONE)) == 1
    assert site.is_enforced(OTHER)
    agent.to_mode("off", OTHER).until_over()


@pytest.mark.parametrize("gone", ["the switch", "the certificate"])
def test_what_vanishes_while_it_is_proven_is_brought_again(agent: Agent, gone: str) -> None:
    site = agent.site
    by_plain_http(site, ONE)
    enforcing = agent.to_mode("enforce", ONE)
    enforcing.until_said("waiting for blog.example")
    if gone == "the switch":
        site.remote.zone(ZONE, aop_enabled=False)
    else:
        cert_id = site.live(ZONE)[0]["id"]
        site.remote.ask("DELETE", f"zones/{ZONE}/certificates/{cert_id}")
    enforcing.until_said("no longer set at Cloudflare")
    by_plain_http(site)
    assert enforcing.until_over().state is State.DONE
    assert site.is_enforced(ONE)


@contextmanager
def of_its_own(site: EdgeSite, server: Server, user: str, name: str) -> Iterator[str]:
    """A token that this account alone has for its zone: the token's id at Cloudflare."""
    kept = Tokens(site.config.tokens_directory)
    (of_server,) = kept.all()
    elsewhere = site.remote.token(zones=[ELSEWHERE])["secret"].encode()
    kept.keep(replace(of_server, secret=Secret(elsewhere)))
    vhost = next(one for one in looking.look(server).vhosts if one.server_name == name)
    made = site.remote.token(zones=[ZONE])
    theirs = Token(
        id="7c7c7c7c",
        secret=Secret(made["secret"].encode()),
        owner=user,
        incarnation=vhost.incarnation,
    )
    kept.keep(theirs)
    try:
        yield made["id"]
    finally:
        kept.remove(theirs.id)
        kept.keep(of_server)


def test_a_token_that_has_to_wait_lets_nobody_else_wait(agent: Agent) -> None:
    site = agent.site
    with of_its_own(site, agent.server, "blog", ONE) as token:
        now = site.remote.ask("POST", "clock", {})["now"]
        site.remote.ask("PATCH", f"tokens/{token}", {"calls": 10**9, "window_began": now + MINUTES})
        throttled = agent.to_mode("enforce", ONE)
        throttled.until_said("throttles this token")
        elsewhere = agent.to_mode("enforce", ELSEWHERE)
        assert elsewhere.until_over().state is State.DONE
        assert not throttled.job.state.is_over
        agent.cancel(throttled)
        assert throttled.until_over().state is State.REFUSED
