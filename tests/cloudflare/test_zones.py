"""A name's zone, whether it is proxied, and which token reaches it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from origin_pulls.cloudflare import dns
from origin_pulls.cloudflare.client import Client
from origin_pulls.cloudflare.values import Record, Zone
from origin_pulls.cloudflare.zones import Zones
from origin_pulls.config import Config
from origin_pulls.engine.reaching import Reaching
from origin_pulls.errors import EdgeUnknown
from origin_pulls.model import zones
from origin_pulls.model.inventory import Proxied
from origin_pulls.secret import Secret
from origin_pulls.server.tokens import Token, Tokens
from tests.cloudflare.conftest import patient
from tests.cloudflare.scripted import CUT, SILENT, Api, Reply, bad, good

ZONE = {"id": "a" * 32, "name": "example.com", "status": "active", "paused": False}
EDGE = "203.0.113.0/24"


def record(name: str, *, kind: str = "A", is_proxied: bool = True) -> Record:
    """A DNS record."""
    return Record(name, kind, "192.0.2.1", is_proxied)


def proxied(name: str, *records: Record) -> Proxied:
    """What these records of example.com say of a name."""
    return zones.by_records(name, records, "example.com").proxied


# -- decided from records -------------------------------------------------------------------


def test_zones_are_tried_from_the_longest_name_on() -> None:
    assert zones.candidates("a.b.example.co.uk") == [
        "a.b.example.co.uk",
        "b.example.co.uk",
        "example.co.uk",
        "co.uk",
    ]
    assert zones.candidates("*.example.com") == ["example.com"]


def test_a_record_says_proxied_or_direct() -> None:
    assert proxied("www.example.com", record("www.example.com")) is Proxied.PROXIED
    grey = record("www.example.com", is_proxied=False)
    assert proxied("www.example.com", grey) is Proxied.DIRECT


def test_one_proxied_address_makes_all_of_a_name_proxied() -> None:
    both = record("a.example.com"), record("a.example.com", kind="AAAA", is_proxied=False)
    assert proxied("a.example.com", *both) is Proxied.PROXIED


def test_a_name_of_its_own_counts_before_a_wildcard() -> None:
    wild = record("*.example.com")
    assert proxied("x.example.com", wild) is Proxied.PROXIED
    assert proxied("x.y.example.com", wild) is Proxied.PROXIED
    assert proxied("x.example.com", wild, record("x.example.com", is_proxied=False)) is (
        Proxied.DIRECT
    )


def test_a_wildcard_says_nothing_below_a_name_that_exists() -> None:
    found = record("*.example.com"), record("y.example.com")
    assert proxied("x.y.example.com", *found) is Proxied.UNKNOWN


def test_a_name_without_address_is_unknown() -> None:
    found = record("mail.example.com", kind="MX"), record("*.example.com")
    assert proxied("mail.example.com", *found) is Proxied.UNKNOWN
    assert proxied("www.example.com") is Proxied.UNKNOWN


def test_a_part_that_other_name_servers_answer_for_is_unknown() -> None:
    found = record("sub.example.com", kind="NS"), record("*.example.com")
    assert proxied("www.sub.example.com", *found) is Proxied.UNKNOWN


@patient
@given(
    st.lists(
        st.builds(
            record,
            st.sampled_from(["example.com", "www.example.com", "*.example.com", "x.y.example.com"]),
            kind=st.sampled_from(["A", "AAAA", "CNAME", "MX", "NS", "TXT"]),
            is_proxied=st.booleans(),
        )
    ),
    st.sampled_from(["www.example.com", "y.example.com", "*.example.com", "a.x.y.example.com"]),
)
def test_a_name_is_called_proxied_only_by_a_proxied_address(
    records: list[Record], name: str
) -> None:
    found = zones.by_records(name, records, "example.com")
    assert found.why
    if found.proxied is Proxied.PROXIED:
        assert any(one.is_proxied and one.kind in zones.ADDRESS_KINDS for one in records)


# -- decided from addresses -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("addresses", "state"),
    [
        (["203.0.113.7", "203.0.113.8"], Proxied.PROXIED),
        (["192.0.2.1"], Proxied.DIRECT),
        (["203.0.113.7", "192.0.2.1"], Proxied.DIRECT),
        (["203.0.113.7", "2001:db8::1"], Proxied.DIRECT),
        ([], Proxied.UNKNOWN),
        (None, Proxied.UNKNOWN),
    ],
)
def test_addresses_say_whether_visitors_come_through_cloudflare(
    addresses: list[str] | None, state: Proxied
) -> None:
    assert zones.by_addresses("a.example", addresses, [EDGE]).proxied is state


# -- DNS over HTTPS -------------------------------------------------------------------------


def answered(*entries: tuple[int, str], status: int = 0) -> Reply:
    """An answer of DNS over HTTPS in its JSON form."""
    listed = [{"name": "x", "type": kind, "TTL": 60, "data": data} for kind, data in entries]
    return Reply(body=json.dumps({"Status": status, "Answer": listed}).encode())


@pytest.fixture
def config(api: Api, tmp_path: Path) -> Config:
    """A server whose Cloudflare is the scripted one, with networks of its own."""
    kept = tmp_path / "etc/origin-pulls/cloudflare-ranges.json"
    kept.parent.mkdir(parents=True)
    kept.write_text(json.dumps({"ipv4_cidrs": [EDGE], "ipv6_cidrs": ["2001:db8:ed9e::/48"]}))
    made = Config.at(tmp_path)
    return replace(made, cloudflare_api=api.url, dns_over_https=f"{api.url}/dns-query")


def asks(api: Api, name: str, kind: str, *replies: Reply) -> None:
    """What DNS says of a name."""
    api.on("GET", f"/dns-query?name={name}&type={kind}", *replies)


def test_the_edges_addresses_of_a_name_are_those_in_cloudflares_networks(
    api: Api, config: Config
) -> None:
    asks(api, "a.example", "A", answered((5, "b.example."), (1, "203.0.113.7"), (1, "192.0.2.1")))
    asks(api, "a.example", "AAAA", answered((28, "2001:DB8:ed9e::7"), (28, "nonsense")))
    assert dns.edge_addresses(config, "a.example") == ["203.0.113.7", "2001:db8:ed9e::7"]


def test_each_name_is_asked_once_a_run(api: Api, config: Config) -> None:
    api.on("GET", "/dns-query", answered((1, "203.0.113.7")))
    with dns.Resolver(config) as resolver:
        assert resolver.state("a.example").proxied is Proxied.PROXIED
        assert resolver.edge_addresses("a.example") == ["203.0.113.7"]
    assert len(api.calls) == 2


def test_a_name_that_is_not_there_is_unknown(api: Api, config: Config) -> None:
    api.on("GET", "/dns-query", answered(status=3))
    with dns.Resolver(config) as resolver:
        assert resolver.addresses("a.example") == []
        assert resolver.state("a.example").proxied is Proxied.UNKNOWN


@pytest.mark.parametrize(
    "reply",
    [CUT, answered(status=2), Reply(200, b"<html>"), Reply(500), Reply(302), Reply(200, b"[]")],
    ids=["cut", "servfail", "html", "500", "redirect", "a list"],
)
def test_no_answer_of_dns_is_no_statement(api: Api, config: Config, reply: Reply) -> None:
    api.on("GET", "/dns-query", reply)
    with dns.Resolver(config) as resolver:
        assert resolver.state("a.example").proxied is Proxied.UNKNOWN
        with pytest.raises(EdgeUnknown):
            resolver.addresses("a.example")


# -- asked at Cloudflare --------------------------------------------------------------------


def records_of(*found: tuple[str, bool]) -> Reply:
    """A page of records."""
    return good(
        [{"type": "A", "name": name, "content": "x", "proxied": is_on} for name, is_on in found]
    )


def zone_reply(name: str, zone_id: str = "a") -> Reply:
    """A list with one active zone."""
    return good([{**ZONE, "name": name, "id": zone_id * 32}])


def named(api: Api, name: str, reply: Reply) -> None:
    """What the list of zones answers for a name."""
    api.on("GET", f"/zones?name={name}&per_page=50&page=1", reply)


def test_the_longest_zone_wins_and_is_asked_for_once(api: Api, client: Client) -> None:
    api.on("GET", "/zones", good(None))
    named(api, "sub.example.com", zone_reply("sub.example.com"))
    named(api, "example.com", zone_reply("example.com", "b"))
    found = Zones(client)
    for _ in range(2):
        zone = found.find("www.sub.example.com")
        assert zone is not None
        assert zone.name == "sub.example.com"
    other = found.find("www.example.com")
    assert other is not None
    assert other.name == "example.com"
    assert found.find("www.example.net") is None
    assert len(api.calls) == len({call.query for call in api.calls})


def test_states_come_from_one_reading_of_the_zone(api: Api, client: Client) -> None:
    zone = Zone("a" * 32, "example.com", "active")
    listed = records_of(("www.example.com", True), ("mail.example.com", False))
    api.on("GET", f"/zones/{zone.id}/dns_records", listed)
    names = ["www.example.com", "mail.example.com", "x.example.com"]
    states = [one.proxied for one in Zones(client).states(zone, names)]
    assert states == [Proxied.PROXIED, Proxied.DIRECT, Proxied.UNKNOWN]
    assert len(api.calls) == 1


def test_in_a_zone_that_is_too_large_each_name_is_asked_for(api: Api, client: Client) -> None:
    zone = Zone("a" * 32, "example.com", "active")
    path = f"/zones/{zone.id}/dns_records"
    many = {"type": "A", "name": "z.example.com", "content": "x", "proxied": False}
    api.on("GET", path, good([many], total_pages=10**6))
    wild = f"{path}?name.exact=%2A.example.com&per_page=100&page=1"
    api.on("GET", wild, records_of(("*.example.com", True)))
    for name in ("www.example.com", "a.b.example.com", "*.b.example.com"):
        api.on("GET", f"{path}?name.exact={name.replace('*', '%2A')}&per_page=100&page=1", good([]))
    states = Zones(client).states(zone, ["www.example.com", "a.b.example.com"])
    assert [one.proxied for one in states] == [Proxied.PROXIED, Proxied.PROXIED]


# -- which token reaches it -----------------------------------------------------------------


@pytest.fixture
def kept(config: Config) -> Tokens:
    """The tokens of the server: none yet."""
    return Tokens(config.tokens_directory)


@pytest.fixture
def reaching(config: Config) -> Iterator[Reaching]:
    """One run that looks for zones, and never really sleeps."""
    with Reaching(config, sleep=lambda _: None) as one:
        yield one


def token(number: int, owner: str = "", incarnation: str = "") -> Token:
    """A token of an account, or of the server."""
    secret = Secret(f"cfut_token-{number}-{'x' * 30}".encode())
    return Token(f"{number:08x}", secret, owner, incarnation, "", f"2026-01-0{number}")


def test_without_a_token_no_zone_is_reached_and_dns_answers(
    api: Api, config: Config, reaching: Reaching
) -> None:
    api.on("GET", "/dns-query", answered((1, "203.0.113.7")))
    assert reaching.find("shop", "1", "www.example.com") is None
    assert not reaching.has_tokens("shop", "1")
    (state,) = reaching.states("shop", "1", ["www.example.com"])
    assert state.proxied is Proxied.PROXIED
    assert "DNS" in state.why


def test_an_accounts_own_token_comes_before_the_servers(
    api: Api, kept: Tokens, reaching: Reaching
) -> None:
    kept.keep(token(1))
    kept.keep(token(2, "shop", "1"))
    api.on("GET", "/zones", good(None))
    named(api, "example.com", zone_reply("example.com"))
    found = reaching.find("shop", "1", "www.example.com")
    assert found is not None
    assert found.token.id == "00000002"
    other = reaching.find("blog", "1", "www.example.com")
    assert other is not None
    assert other.token.id == "00000001"


def test_a_zone_that_an_account_only_claims_does_not_hide_the_real_one(
    api: Api, kept: Tokens, reaching: Reaching
) -> None:
    kept.keep(token(1))
    kept.keep(token(2, "shop", "1"))
    claimed = good([{**ZONE, "id": "c" * 32, "status": "pending"}])
    path = "/zones?name=example.com&per_page=50&page=1"
    api.on("GET", path, claimed, zone_reply("example.com"))
    found = reaching.find("shop", "1", "example.com")
    assert found is not None
    assert (found.zone.is_usable, found.token.id) == (True, "00000001")


def test_a_zone_that_is_not_served_is_told_where_there_is_no_other(
    api: Api, kept: Tokens, reaching: Reaching
) -> None:
    kept.keep(token(1))
    api.on("GET", "/zones", good([{**ZONE, "status": "moved"}]))
    found = reaching.find("shop", "1", "example.com")
    assert found is not None
    assert found.zone.status == "moved"


def test_an_earlier_life_of_an_account_lends_no_token(
    api: Api, kept: Tokens, reaching: Reaching
) -> None:
    api.on("GET", "/zones", zone_reply("www.example.com"))
    kept.keep(token(1, "shop", "1"))
    assert reaching.find("shop", "2", "www.example.com") is None


def test_a_token_that_is_refused_is_named_and_the_next_one_tried(
    api: Api, kept: Tokens, reaching: Reaching
) -> None:
    kept.keep(token(1))
    kept.keep(token(2))
    path = "/zones?name=www.example.com&per_page=50&page=1"
    api.on("GET", path, bad(403, 10000, "Authentication error"), good(None))
    api.on("GET", "/zones", zone_reply("example.com"))
    found = reaching.find("shop", "1", "www.example.com")
    assert found is not None
    assert found.token.id == "00000002"
    assert len(reaching.problems) == 1
    assert "Zone: Read" in reaching.problems[0]
    assert "cfut_" not in reaching.problems[0]


def test_no_answer_is_not_taken_for_no_zone(api: Api, kept: Tokens, reaching: Reaching) -> None:
    kept.keep(token(1))
    api.on("GET", "/zones", Reply(500))
    with pytest.raises(EdgeUnknown):
        reaching.find("shop", "1", "www.example.com")


def test_the_records_of_a_zone_that_is_not_active_do_not_count(
    api: Api, kept: Tokens, reaching: Reaching
) -> None:
    kept.keep(token(1))
    api.on("GET", "/zones", good([{**ZONE, "paused": True}]))
    api.on("GET", "/dns-query", answered((1, "192.0.2.1")))
    (state,) = reaching.states("shop", "1", ["www.example.com"])
    assert state.proxied is Proxied.DIRECT


# -- a quick look ---------------------------------------------------------------------------


def test_below_another_root_nobody_is_asked_unless_the_settings_name_him(tmp_path: Path) -> None:
    config = Config.at(tmp_path)
    assert config.dns_over_https == ""
    assert Config().dns_over_https.startswith("https://")
    with dns.Resolver(config) as resolver:
        assert not resolver.is_possible
        state = resolver.state("a.example")
        assert (state.proxied, state.is_answered) == (Proxied.UNKNOWN, False)
        with pytest.raises(EdgeUnknown, match="another root"):
            resolver.addresses("a.example")


def test_a_quick_look_asks_a_silent_api_once_and_then_dns(
    api: Api, config: Config, kept: Tokens
) -> None:
    kept.keep(token(1))
    api.on("GET", "/zones", SILENT)
    api.on("GET", "/dns-query", answered((1, "203.0.113.7")))
    with Reaching(config, patience=2.0) as quick:
        names = ["a.example.com", "b.example.net", "c.example.org"]
        states = quick.states("shop", "1", names)
    assert [one.proxied for one in states] == [Proxied.PROXIED] * 3
    assert len({one.query for one in api.calls if one.path == "/zones"}) == 1


def test_a_quick_look_gives_up_a_silent_dns_and_says_so(api: Api, config: Config) -> None:
    api.on("GET", "/dns-query", SILENT)
    with dns.Resolver(config, patience=1.0) as resolver:
        states = [resolver.state(f"{number}.example") for number in range(50)]
        assert resolver.is_over
    assert not any(one.is_answered for one in states)
    assert len(api.calls) <= 2 * dns.MOST_SILENT


def test_one_broken_domain_ends_no_look(api: Api, config: Config) -> None:
    asks(api, "broken.example", "A", answered(status=2))
    asks(api, "a.example", "A", answered((1, "203.0.113.7")))
    asks(api, "a.example", "AAAA", answered())
    with dns.Resolver(config, patience=30.0) as resolver:
        for _ in range(3):
            assert not resolver.state("broken.example").is_answered
        assert resolver.state("a.example").proxied is Proxied.PROXIED
