"""What changes at the server while a job is at Cloudflare: rights, locks, an account's name."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator

import pytest

from origin_pulls.agent import speaking
from origin_pulls.model.caller import Caller, Kind
from origin_pulls.model.desk_wish import ChangeSettings, Lock, Unlock
from origin_pulls.model.job import State
from origin_pulls.model.policy import Mode, Policy
from origin_pulls.model.wish import Change, Wanted
from tests.edge.followed import Agent, Followed, agent_at
from tests.edge.site import EdgeSite
from tests.engine.test_reconciling import call, register
from tests.engine.test_together import until

pytestmark = [pytest.mark.apache, pytest.mark.timeout(240)]
NAME = "blog.example"
BLOG = Caller(Kind.ACCOUNT, "blog", "192.0.2.3", "web")
FEATURE = "/usr/local/cpanel/whostmgr/addonfeatures/originpulls"


@pytest.fixture(scope="module")
def followed_site(standing_site: EdgeSite) -> EdgeSite:
    """A panel with our hook, where every account has the feature."""
    register(standing_site.sandbox)
    feature = standing_site.sandbox.path(FEATURE)
    feature.parent.mkdir(parents=True, exist_ok=True)
    feature.write_text("originpulls:Origin Pulls\n")
    return standing_site


@pytest.fixture
def agent(followed_site: EdgeSite) -> Iterator[Agent]:
    """An agent on a server where the vhost is off, and a Cloudflare as it was at first."""
    followed_site.json("off", NAME, "--remove-certificate")
    followed_site.remote.reset()
    followed_site.remote.edge()
    with agent_at(followed_site) as one:
        yield one


def asked_by_account(agent: Agent) -> Followed:
    """The account's own job, which waits at Cloudflare for a proof that does not come yet."""
    prove_nothing(agent.site)
    wish = Change((Wanted("blog", NAME, Policy(mode=Mode.ENFORCE)),), "blog")
    job = Followed(agent.server, speaking.ask(agent.site.config, wish, BLOG))
    job.until_said("waiting for")
    until(lambda: mode_of(agent) is Mode.OBSERVE, "it observes")
    return job


def prove_nothing(site: EdgeSite) -> None:
    """Cloudflare comes to the name by plain HTTP."""
    site.remote.zone(NAME, ssl_overrides={NAME: "flexible", f"www.{NAME}": "flexible"})
    site.remote.edge()


def prove(site: EdgeSite) -> None:
    site.remote.zone(NAME, ssl_overrides={})
    site.remote.edge()


def is_tidied(site: EdgeSite) -> None:
    until(lambda: not site.zone(NAME)["aop_enabled"], "nothing is presented any more")


def mode_of(agent: Agent) -> Mode:
    found = agent.server.store.policies().items()
    modes = {name: applied.policy.mode for (_, _, name), applied in found}
    return modes.get(NAME, Mode.OFF)


def lock(agent: Agent) -> None:
    speaking.hand_over(agent.site.config, Lock("blog", NAME, "under attack"))


def unlock(agent: Agent) -> None:
    speaking.hand_over(agent.site.config, Unlock("blog", NAME))


def may(what: str) -> Callable[[Agent], None]:
    def setting(agent: Agent) -> None:
        speaking.hand_over(agent.site.config, ChangeSettings((("accounts_may", what),)))

    return setting


def take_feature(agent: Agent) -> None:
    place = agent.site.sandbox.path(FEATURE)
    place.rename(place.with_name("kept"))


def give_feature(agent: Agent) -> None:
    place = agent.site.sandbox.path(FEATURE)
    shutil.move(place.with_name("kept"), place)


def suspend(agent: Agent) -> None:
    call(agent.site, "suspendacct", user="blog", reason="unpaid")


def unsuspend(agent: Agent) -> None:
    call(agent.site, "unsuspendacct", user="blog")


@pytest.mark.parametrize(
    ("forbid", "allow", "said"),
    [
        (lock, unlock, "locked by the administrator: under attack"),
        (may("observe"), may("everything"), "may observe here"),
        (take_feature, give_feature, "not part of this account's features"),
        (suspend, unsuspend, "suspended"),
    ],
    ids=["lock", "right", "feature", "suspension"],
)
def test_what_is_forbidden_to_an_account_meanwhile_is_not_demanded(
    agent: Agent, forbid: Callable[[Agent], None], allow: Callable[[Agent], None], said: str
) -> None:
    job = asked_by_account(agent)
    forbid(agent)
    try:
        prove(agent.site)
        done = job.until_over(120)
    finally:
        allow(agent)
    assert (done.state, mode_of(agent)) == (State.RESTORED, Mode.OFF), (done, job.said)
    assert said in done.message
    is_tidied(agent.site)


def test_what_an_account_may_still_is_done(agent: Agent) -> None:
    job = asked_by_account(agent)
    prove(agent.site)
    assert job.until_over(120).state is State.DONE
    assert agent.site.is_enforced(NAME)


def test_what_cannot_be_put_back_is_said(agent: Agent) -> None:
    job = asked_by_account(agent)
    include = agent.site.include("blog", NAME)
    kept = include.read_bytes()
    include.write_bytes(kept + b"# an administrator's own words\n")
    agent.cancel(job)
    done = job.until_over(120)
    assert done.state is State.NOT_RESTORED, job.said
    assert "could not be put back to off" in done.message
    assert "taken back" not in done.message
    include.write_bytes(kept)


def test_the_way_back_follows_an_account_that_is_renamed(agent: Agent) -> None:
    job = asked_by_account(agent)
    try:
        call(agent.site, "modifyacct", user="blog", newuser="diary")
        agent.cancel(job)
        done = job.until_over(120)
        assert done.state is State.RESTORED, (done, job.said)
        assert [item.key for item in done.items] == [f"diary/{NAME}"]
        assert done.items[0].state is State.RESTORED
        places = {(user, name) for user, _, name in agent.server.store.policies()}
        assert ("diary", NAME) in places
        assert mode_of(agent) is Mode.OFF
        assert agent.site.is_open(NAME)
        assert agent.site.json("show", NAME)["include"]["state"] != "ours"
        is_tidied(agent.site)
    finally:
        call(agent.site, "modifyacct", user="diary", newuser="blog")
