"""Which names Cloudflare stands before: by tokens, else by DNS; in the background and on demand."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

import pytest

from origin_pulls.actions import changing
from origin_pulls.config import Config
from origin_pulls.engine import looking, name_states, previewing
from origin_pulls.engine.server import Server, utc_now
from origin_pulls.model.inventory import Proxied, Vhost
from origin_pulls.model.policy import Mode
from origin_pulls.secret import Secret
from origin_pulls.server.tokens import Token, Tokens
from origin_pulls.store.marks import Marks
from tests.cloudflare.scripted import SILENT, Api, Reply, serving
from tests.edge.site import EdgeSite

pytestmark = pytest.mark.apache

SITE = "blog.example"


@contextmanager
def serving_here(config: Config, *, later: timedelta = timedelta()) -> Iterator[Server]:
    """The server of a configuration, at the time that it is then."""
    server = Server.of(config)
    object.__setattr__(server, "clock", lambda: utc_now() + later)
    try:
        yield server
    finally:
        server.store.close()


def without_token(site: EdgeSite) -> Config:
    """The same server with no token at all."""
    return replace(site.config, tokens_directory=site.root / "nothing-here")


def vhost(server: Server, name: str = SITE) -> Vhost:
    return next(one for one in looking.look(server).vhosts if one.server_name == name)


def kept(server: Server, user: str = "blog", name: str = SITE) -> Mapping[str, Proxied]:
    """What the lists show of a vhost's names."""
    return Marks(server.store).name_states(user, name).states


@contextmanager
def dns_of_its_own(config: Config) -> Iterator[tuple[Config, Api]]:
    """The configuration with a DNS that knows no name and writes down who asks."""
    with serving() as one:
        one.on("GET", "/dns-query", Reply(body=b'{"Status": 3}'))
        yield replace(config, dns_over_https=f"{one.url}/dns-query"), one


def test_the_names_are_known_by_the_zones_records(site: EdgeSite) -> None:
    with dns_of_its_own(site.config) as (config, dns), serving_here(config) as server:
        found = name_states.now(server, [vhost(server)])[f"blog/{SITE}"]
        assert kept(server) == found.states
    assert found.states[SITE] is Proxied.PROXIED
    assert found.states[f"mail.{SITE}"] is Proxied.DIRECT
    assert dns.calls == [], "the zone's records say it"


def test_without_a_token_dns_says_it(site: EdgeSite) -> None:
    before = len(site.remote.calls())
    with serving_here(without_token(site)) as server:
        assert name_states.refresh(server) > 0
        assert name_states.refresh(server) == 0, "what was learned lately is not asked again"
        states = kept(server)
        assert kept(server, "closed", "closed.example")["closed.example"] is not Proxied.PROXIED
    assert (states[SITE], states[f"mail.{SITE}"]) == (Proxied.PROXIED, Proxied.DIRECT)
    assert len(site.remote.calls()) == before, "the API is asked nothing"


def test_a_server_that_may_ask_nobody_asks_nobody(site: EdgeSite) -> None:
    before = len(site.remote.calls())
    with serving_here(replace(without_token(site), dns_over_https="")) as server:
        assert name_states.refresh(server) == 0
        found = name_states.now(server, [vhost(server)])[f"blog/{SITE}"]
    assert (found.states, found.at) == ({}, "")
    assert len(site.remote.calls()) == before


def test_a_token_that_may_not_read_records_leaves_it_to_dns(site: EdgeSite) -> None:
    tokens = Tokens(site.config.tokens_directory)
    with serving_here(site.config) as server:
        one = vhost(server)
        secret = site.remote.token(permissions=["Zone Read"], zones=[SITE])["secret"]
        weak = Token(
            id="6b6b6b6b",
            secret=Secret(secret.encode()),
            owner="blog",
            incarnation=one.incarnation,
        )
        tokens.keep(weak)
        try:
            name_states.now(server, [one, vhost(server, "shop.example")])
            assert kept(server)[SITE] is Proxied.PROXIED
            assert kept(server, "shop", "shop.example")["shop.example"] is Proxied.PROXIED
        finally:
            tokens.remove(weak.id)


def test_who_asks_later_gets_what_is_so_by_then(site: EdgeSite) -> None:
    with serving_here(site.config) as server:
        first = name_states.now(server, [vhost(server)])[f"blog/{SITE}"]
        site.remote.record(SITE, f"www.{SITE}", "127.0.0.1", proxied=False)
        same = name_states.now(server, [vhost(server)])[f"blog/{SITE}"]
    assert same == first, "it was learned a moment ago"
    with serving_here(site.config, later=timedelta(minutes=2)) as server:
        later = name_states.now(server, [vhost(server)])[f"blog/{SITE}"]
    assert first.states[f"www.{SITE}"] is Proxied.PROXIED
    assert later.states[f"www.{SITE}"] is Proxied.DIRECT
    assert later.at > first.at


def test_a_silent_dns_keeps_nobody_waiting_and_changes_nothing(site: EdgeSite) -> None:
    with serving_here(without_token(site)) as server:
        known = name_states.now(server, [vhost(server)])[f"blog/{SITE}"]
    with serving() as silent:
        silent.on("GET", "/dns-query", SILENT)
        config = replace(
            without_token(site), dns_over_https=f"{silent.url}/dns-query", names_patience=1.0
        )
        begun = time.monotonic()
        with serving_here(config, later=timedelta(hours=2)) as server:
            vhosts = looking.look(server).vhosts
            found = name_states.now(server, vhosts)[f"blog/{SITE}"]
            assert time.monotonic() - begun < 10, "it has a limit"
            assert found == known
            assert name_states.refresh(server) < len(vhosts), "it does not ask them all in vain"
            assert kept(server) == known.states
        assert len({call.query for call in silent.calls}) <= 8


def test_no_more_names_are_asked_than_are_allowed(site: EdgeSite) -> None:
    config = replace(without_token(site), names_most=3)
    with dns_of_its_own(config) as (config, dns), serving_here(config) as server:
        name_states.now(server, looking.look(server).vhosts)
    assert len({call.query.partition("&")[0] for call in dns.calls}) == 3


def test_a_review_a_look_and_the_edge_tell_it_without_a_token(site: EdgeSite) -> None:
    with serving_here(without_token(site)) as server:
        wish = changing.wish_for(
            site.config, [SITE], lambda _, now: replace(now, mode=Mode.ENFORCE)
        )
        preview = previewing.preview(server, wish, is_account=False)
    (one,) = preview.vhosts
    states = {name.name: name.proxied for name in one.names}
    assert (states[SITE], states[f"mail.{SITE}"]) == (Proxied.PROXIED, Proxied.DIRECT)
    assert one.names_at
    assert any(f"mail.{SITE}" in text and "not behind" in text for text in one.words)
    place = site.config.tokens_directory
    place.rename(place.with_name("away"))
    try:
        shown = site.json("show", SITE)
        edge = site.json("edge", SITE)
        text = site.run("show", SITE).stdout + site.run("edge", SITE).stdout
    finally:
        place.with_name("away").rename(place)
    named = {name["name"]: name["proxied"] for name in shown["names"]}
    assert (named[SITE], named[f"mail.{SITE}"]) == ("proxied", "direct")
    assert shown["names_at"]
    found = {one["name"]: one for one in edge["unreached"]}
    assert found[SITE]["proxied"] == "proxied"
    assert "DNS gives addresses beside Cloudflare's" in found[f"mail.{SITE}"]["why"]
    assert f"{SITE} (main, proxied)" in text
    assert f"mail.{SITE} (DNS-only): DNS gives" in text


def test_visited_names_past_cloudflare_need_attention_while_they_are_refused(
    site: EdgeSite,
) -> None:
    site.json("enforce", SITE, "--edge-ready")
    site.remote.record(SITE, f"www.{SITE}", "127.0.0.1", proxied=False)

    def noted() -> list[str]:
        with serving_here(site.config, later=timedelta(minutes=2)) as server:
            rows = server.store.rows("SELECT said FROM attention WHERE kind='names'")
            return [row["said"] for row in rows]

    with serving_here(site.config, later=timedelta(minutes=2)) as server:
        name_states.now(server, [vhost(server)])
    said = f"www.{SITE} is not behind Cloudflare: visitors there are refused."
    assert noted() == [said]
    listed = site.json("list", "--attention")
    assert [(row["servername"], row["attention"]) for row in listed["vhosts"]] == [(SITE, [said])]
    assert listed["attention"] == 1 < listed["total"]
    (row,) = listed["vhosts"]
    assert 0 < row["proxied"] < len(row["names"])
    assert row["direct"] > 0
    everything = site.run("list").stdout
    assert f"needs attention: {said}" in everything
    assert f"{row['proxied']} of {len(row['names'])}" in everything
    assert "1 needs attention: `origin-pulls list --attention`." in everything
    assert said in site.run("show", SITE).stdout
    site.json("enforce", SITE, "--exempt-name", f"www.{SITE}")
    assert noted() == [], "what is exempt is refused to nobody"
    site.json("enforce", SITE, "--no-exempt")
    assert len(noted()) == 1
    site.json("off", SITE)
    assert noted() == []
    assert site.json("list", "--attention")["vhosts"] == []
    assert "None need attention." in site.run("list").stdout
