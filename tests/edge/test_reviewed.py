"""A review counts at Cloudflare too; what may go back waits."""

from __future__ import annotations

from dataclasses import replace

import pytest

from origin_pulls.actions import changing
from origin_pulls.engine import looking, previewing, working
from origin_pulls.engine.server import Server
from origin_pulls.model.job import Job, State
from origin_pulls.model.policy import Mode, Policy
from origin_pulls.model.wish import Change
from origin_pulls.secret import Secret
from origin_pulls.server.tokens import Token, Tokens
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
    minutes = site.config.edge_patience / 60
    assert preview.vhosts[0].words[0] == previewing.EDGE_FIRST.format(minutes=minutes)
    return preview.fingerprint


def test_by_way_of_cloudflare_and_on_a_persons_word_are_two_reviews(site: EdgeSite) -> None:
    def said(now: Policy) -> Policy:
        return replace(now, mode=Mode.ENFORCE, edge_ready=True)

    server = Server.of(site.config)
    try:
        word = changing.wish_for(site.config, [SITE], lambda _, now: said(now))
        on_the_word = previewing.preview(server, word, is_account=False)
    finally:
        server.store.close()
    assert on_the_word.refusals == 0
    assert reviewed(site) not in ("", on_the_word.fingerprint)


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


def test_a_review_that_cannot_be_compared_is_refused_and_nothing_is_touched(
    site: EdgeSite,
) -> None:
    word = reviewed(site)
    before = site.writes()
    server = Server.of(site.config)
    number = working.accept(server, replace(wish(site), fingerprint=word))
    conf = site.apache.paths.conf
    aside = conf.rename(conf.with_name("httpd.conf.aside"))
    try:
        with working.holding(server, lambda _: None):
            working.work(server, lambda _: None)
    finally:
        aside.rename(conf)
    job = server.store.job(number)
    server.store.close()
    assert job is not None
    assert job.state is State.REFUSED
    assert str(conf) in job.message
    assert {item.state for item in job.items} == {State.REFUSED}
    assert site.writes() == before
    assert site.is_open(SITE)


def test_an_account_s_weak_token_is_as_none_where_the_server_has_a_better_one(
    site: EdgeSite,
) -> None:
    kept = Tokens(site.config.tokens_directory)
    server = Server.of(site.config)
    vhost = next(one for one in looking.look(server).vhosts if one.server_name == SITE)
    server.store.close()
    reads = ["Zone Read", "DNS Read", "Zone Settings Read", "SSL and Certificates Read"]
    made = site.remote.token(permissions=reads, zones=[SITE])
    weak = Token(
        id="6b6b6b6b",
        secret=Secret(made["secret"].encode()),
        owner="blog",
        incarnation=vhost.incarnation,
    )
    kept.keep(weak)
    try:
        assert carried_out(site, wish(site)).state is State.DONE
    finally:
        kept.remove(weak.id)
    assert site.is_enforced(SITE)
    by_whom = {one["token"] for one in site.remote.calls() if one["method"] == "POST"}
    assert len(by_whom) == 2, "the account's own is asked first"
