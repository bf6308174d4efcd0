"""The client against the sandbox's Cloudflare: two readings of the same facts must agree."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from origin_pulls.cloudflare.client import Client
from origin_pulls.cloudflare.values import EdgeCertificate
from origin_pulls.config import Config
from origin_pulls.engine import token_checking
from origin_pulls.engine.reaching import Reaching
from origin_pulls.engine.server import Server
from origin_pulls.errors import EdgeRefused, EdgeUnknown
from origin_pulls.model.inventory import Proxied
from origin_pulls.sandbox import Sandbox
from origin_pulls.sandbox.cloudflare.remote import Remote
from origin_pulls.sandbox.cloudflare.running import summary
from origin_pulls.secret import Secret
from origin_pulls.server.tokens import Token, Tokens
from tests.cloudflare.material import Leaf, make_leaf
from tests.conftest import standing
from tests.server_under_test import UnderTest

pytestmark = pytest.mark.apache

NAME = "shop.example"


@dataclass(frozen=True, slots=True)
class Cloudflare:
    """The sandbox's Cloudflare; whoever waits for it lets its clock leap instead of sleeping."""

    sandbox: Sandbox
    remote: Remote
    token: Secret

    def client(self, token: Secret | None = None) -> Client:
        """A client of it."""
        return Client(self.remote.url, token or self.token, sleep=self.pass_by, read_timeout=60)

    def pass_by(self, seconds: float) -> None:
        """Let so much of the virtual time pass."""
        self.remote.clock(advance=seconds)

    def made(self, method: str = "") -> list[str]:
        """The calls so far, as ``POST 200``."""
        return [
            f"{call['method']} {call['status']}"
            for call in self.remote.calls()
            if method in ("", call["method"])
        ]


@pytest.fixture(scope="module")
def started() -> Iterator[Cloudflare]:
    """One sandbox with a Cloudflare for all of these tests."""
    with standing(cloudflare=True) as sandbox:
        assert sandbox.cloudflare
        token = Secret(str(summary(sandbox.cloudflare)["cloudflare_token"]).encode())
        yield Cloudflare(sandbox, Remote(sandbox.cloudflare.url), token)


@pytest.fixture
def cloudflare(started: Cloudflare) -> Cloudflare:
    """That Cloudflare as it was at first, with its clock stopped and no call in its log."""
    started.remote.reset()
    started.remote.clock(speed=0)
    started.remote.ask("DELETE", "calls")
    return started


@pytest.fixture
def client(cloudflare: Cloudflare) -> Iterator[Client]:
    """A client with the token for everything."""
    with cloudflare.client() as one:
        yield one


@pytest.fixture
def zone(client: Client) -> str:
    """The id of the zone shop.example."""
    return client.zones_named(NAME)[0].id


@pytest.fixture(scope="module")
def leaf() -> Leaf:
    """A certificate to bring."""
    return make_leaf(NAME, datetime.now(UTC))


def test_a_token_and_its_zones_are_seen(client: Client) -> None:
    assert client.verify().is_good
    (found,) = client.zones_named(NAME)
    assert found.is_usable
    assert client.zone(found.id) == found
    assert NAME in [one.name for one in client.zones()]


def test_settings_are_read(cloudflare: Cloudflare, client: Client, zone: str) -> None:
    assert client.ssl_mode(zone) == "full"
    assert not client.shared_is_on(zone)
    cloudflare.remote.zone(NAME, ssl="flexible", tls_client_auth="on", paused=True)
    assert client.ssl_mode(zone) == "flexible"
    assert client.shared_is_on(zone)
    assert not client.zone(zone).is_usable


def test_zone_level_from_upload_to_deletion(
    cloudflare: Cloudflare, client: Client, zone: str, leaf: Leaf
) -> None:
    assert client.zone_certificates(zone) == []
    made = client.upload_zone_certificate(zone, leaf.pem, leaf.key)
    assert (made.sha256, made.is_active) == (leaf.sha256, False)
    cloudflare.pass_by(60)
    assert client.zone_certificates(zone)[0].is_active
    client.set_zone_aop(zone, enabled=True)
    assert client.zone_aop_is_on(zone)
    client.set_zone_aop(zone, enabled=False)
    assert not client.zone_aop_is_on(zone)
    client.delete_zone_certificate(zone, made.id)
    client.delete_zone_certificate(zone, made.id)
    cloudflare.pass_by(60)
    client.delete_zone_certificate(zone, made.id)
    assert [one for one in client.zone_certificates(zone) if one.is_live] == []


def test_per_hostname_from_upload_to_deletion(
    cloudflare: Cloudflare, client: Client, zone: str, leaf: Leaf
) -> None:
    made = client.upload_hostname_certificate(zone, leaf.pem, leaf.key)
    cloudflare.pass_by(60)
    client.associate(zone, [(NAME, made.id, True), (f"www.{NAME}", made.id, False)])
    cloudflare.pass_by(60)
    found = client.association(zone, NAME)
    assert found is not None
    assert found.is_active
    listed = {one.hostname: one.enabled for one in client.associations(zone)}
    assert listed == {NAME: True, f"www.{NAME}": False}
    with pytest.raises(EdgeRefused, match="still in use"):
        client.delete_hostname_certificate(zone, made.id)
    client.associate(zone, [(NAME, made.id, None), (f"www.{NAME}", made.id, None)])
    cloudflare.pass_by(300)
    assert client.association(zone, NAME) is None
    assert client.associations(zone) == []
    client.delete_hostname_certificate(zone, made.id)
    assert [one for one in client.hostname_certificates(zone) if one.is_live] == []


@pytest.mark.parametrize("void_leaves", ["1553", "null"])
def test_void_reads_as_none_however_it_is_told(
    cloudflare: Cloudflare, client: Client, zone: str, leaf: Leaf, void_leaves: str
) -> None:
    cloudflare.remote.switch(void_leaves=void_leaves)
    made = client.upload_hostname_certificate(zone, leaf.pem, leaf.key)
    client.associate(zone, [(NAME, made.id, True)])
    cloudflare.pass_by(60)
    client.associate(zone, [(NAME, made.id, None)])
    cloudflare.pass_by(300)
    assert client.association(zone, NAME) is None
    assert client.associations(zone) == []


def test_where_the_list_of_names_is_not_offered_names_are_asked(
    cloudflare: Cloudflare, client: Client, zone: str, leaf: Leaf
) -> None:
    made = client.upload_hostname_certificate(zone, leaf.pem, leaf.key)
    client.associate(zone, [(NAME, made.id, True)])
    cloudflare.remote.switch(listing="404")
    found = client.associations(zone, [NAME, f"www.{NAME}"])
    assert [one.hostname for one in found] == [NAME]


def live(found: list[EdgeCertificate]) -> list[str]:
    """The ids of what is live."""
    return [one.id for one in found if one.is_live]


@pytest.mark.parametrize(
    "fault",
    [{"cut": "after"}, {"cut": "before"}, {"status": 502, "body": "<html>"}, {"status": 409}],
    ids=["cut after", "cut before", "502", "409"],
)
def test_each_write_survives_what_may_go_wrong_and_is_done_once(
    cloudflare: Cloudflare, client: Client, zone: str, leaf: Leaf, fault: dict[str, object]
) -> None:
    def fails_once(method: str) -> None:
        cloudflare.remote.fault("origin_tls_client_auth", method=method, **fault)

    fails_once("POST")
    made = client.upload_hostname_certificate(zone, leaf.pem, leaf.key)
    assert live(client.hostname_certificates(zone)) == [made.id]
    cloudflare.pass_by(60)
    fails_once("PUT")
    client.associate(zone, [(NAME, made.id, True)])
    cloudflare.pass_by(60)
    fails_once("PUT")
    client.associate(zone, [(NAME, made.id, None)])
    cloudflare.pass_by(300)
    assert client.association(zone, NAME) is None
    fails_once("PUT")
    client.set_zone_aop(zone, enabled=True)
    assert client.zone_aop_is_on(zone)
    fails_once("DELETE")
    client.delete_hostname_certificate(zone, made.id)
    assert live(client.hostname_certificates(zone)) == []


@pytest.mark.parametrize("position", ["revive", "1406"])
def test_a_certificate_that_is_just_being_deleted_can_be_brought_again(
    cloudflare: Cloudflare, client: Client, zone: str, leaf: Leaf, position: str
) -> None:
    cloudflare.remote.switch(reupload_while_pending=position)
    first = client.upload_zone_certificate(zone, leaf.pem, leaf.key)
    assert client.upload_zone_certificate(zone, leaf.pem, leaf.key).id == first.id
    cloudflare.pass_by(60)
    client.delete_zone_certificate(zone, first.id)
    again = client.upload_zone_certificate(zone, leaf.pem, leaf.key)
    assert live(client.zone_certificates(zone)) == [again.id]


def test_a_certificate_can_be_deleted_before_it_is_deployed(
    client: Client, zone: str, leaf: Leaf
) -> None:
    made = client.upload_zone_certificate(zone, leaf.pem, leaf.key)
    client.delete_zone_certificate(zone, made.id)
    assert live(client.zone_certificates(zone)) == []


def test_a_busy_zone_is_waited_for(
    cloudflare: Cloudflare, client: Client, zone: str, leaf: Leaf
) -> None:
    cloudflare.remote.switch(busy=12.0)
    client.upload_zone_certificate(zone, leaf.pem, leaf.key)
    client.upload_hostname_certificate(zone, leaf.pem, leaf.key)
    assert cloudflare.made("POST") == ["POST 200", "POST 409", "POST 409", "POST 409", "POST 200"]


def test_fates_of_an_upload_are_told(
    cloudflare: Cloudflare, client: Client, zone: str, leaf: Leaf
) -> None:
    cloudflare.remote.switch(fate="deployment_timed_out", fate_times=1)
    client.upload_zone_certificate(zone, leaf.pem, leaf.key)
    cloudflare.pass_by(1000)
    assert client.zone_certificates(zone)[0].is_stuck
    cloudflare.remote.switch(fate="on_holiday", fate_times=1)
    client.upload_hostname_certificate(zone, leaf.pem, leaf.key)
    cloudflare.pass_by(1000)
    (found,) = client.hostname_certificates(zone)
    assert (found.is_live, found.is_active, found.is_stuck) == (True, False, False)


def test_the_eleventh_certificate_is_refused_in_cloudflares_words(
    cloudflare: Cloudflare, client: Client, zone: str
) -> None:
    cloudflare.remote.switch(hostname_certificates=1)
    now = datetime.now(UTC)
    first, second = (make_leaf(NAME, now) for _ in range(2))
    client.upload_hostname_certificate(zone, first.pem, first.key)
    with pytest.raises(EdgeRefused, match="quota") as raised:
        client.upload_hostname_certificate(zone, second.pem, second.key)
    assert raised.value.hint


def test_a_ca_is_no_leaf_and_another_key_does_not_fit(
    cloudflare: Cloudflare, client: Client, zone: str, leaf: Leaf
) -> None:
    authority = cloudflare.sandbox.server_ca.read_text()
    other = make_leaf(NAME, datetime.now(UTC))
    with pytest.raises(EdgeRefused, match="leaf certificates only"):
        client.upload_zone_certificate(zone, authority, leaf.key)
    with pytest.raises(EdgeRefused):
        client.upload_zone_certificate(zone, leaf.pem, other.key)


def test_a_lacking_permission_and_a_wrong_zone_are_told(
    cloudflare: Cloudflare, client: Client, zone: str
) -> None:
    made = cloudflare.remote.token(permissions=["Zone Read", "DNS Read"], zones=["blog.example"])
    blog = client.zones_named("blog.example")[0].id
    with cloudflare.client(Secret(made["secret"].encode())) as limited:
        with pytest.raises(EdgeRefused, match="The token lacks") as raised:
            limited.set_zone_aop(blog, enabled=True)
        assert "SSL and Certificates: Edit" in raised.value.hint
        with pytest.raises(EdgeRefused, match="not for this zone"):
            limited.records(zone)
        with pytest.raises(EdgeRefused):
            limited.zones()
        assert [one.id for one in limited.zones_named("blog.example")] == [blog]


def test_a_fresh_token_an_account_s_and_a_wrong_one(cloudflare: Cloudflare) -> None:
    fresh = cloudflare.remote.token(permissions=["Zone Read"], fresh_calls=3)
    with cloudflare.client(Secret(fresh["secret"].encode())) as one:
        assert one.verify().is_good
    account = cloudflare.remote.token(permissions=["Zone Read"], kind="account")
    with cloudflare.client(Secret(account["secret"].encode())) as one:
        assert one.verify().is_account_owned
    with cloudflare.client(Secret(b"cfut_" + b"0" * 40)) as one, pytest.raises(EdgeRefused):
        one.verify()


def test_a_throttled_token_waits(cloudflare: Cloudflare) -> None:
    made = cloudflare.remote.token(permissions=["Zone Read"])
    cloudflare.remote.switch(calls=1, window=60.0)
    with cloudflare.client(Secret(made["secret"].encode())) as one:
        assert one.verify().is_good
        assert one.verify().is_good
    assert "GET 429" in cloudflare.made()


def test_an_outage_is_unknown(cloudflare: Cloudflare, client: Client, zone: str) -> None:
    cloudflare.remote.fault("zones", times=100, status=503, body="<html>")
    with pytest.raises(EdgeUnknown):
        client.zone(zone)


def test_names_are_proxied_as_records_and_dns_agree(cloudflare: Cloudflare) -> None:
    config = Config.at(cloudflare.sandbox.directory)
    kept = Tokens(config.tokens_directory)
    names = [NAME, f"www.{NAME}", f"mail.{NAME}"]
    wanted = [Proxied.PROXIED, Proxied.PROXIED, Proxied.DIRECT]
    with Reaching(config, sleep=cloudflare.pass_by) as reaching:
        assert reaching.find("shop", "x", NAME) is None
        by_dns = reaching.states("shop", "x", names)
        assert reaching.edge_addresses(NAME) == ["127.0.64.1", "127.0.64.2"]
    kept.keep(Token("0000000a", cloudflare.token))
    try:
        with Reaching(config, sleep=cloudflare.pass_by) as reaching:
            found = reaching.find("shop", "x", f"www.{NAME}")
            assert found is not None
            assert found.zone.name == NAME
            by_records = reaching.states("shop", "x", names)
    finally:
        kept.remove("0000000a")
    assert [one.proxied for one in by_dns] == wanted
    assert [one.proxied for one in by_records] == wanted
    assert "DNS gives" in by_dns[0].why
    assert "record" in by_records[0].why


def test_a_token_for_one_zone_is_led_there_by_the_servers_names(cloudflare: Cloudflare) -> None:
    made = cloudflare.remote.token(permissions=["Zone Read"], zones=["shop-addon.example"])
    token = Token("0000000b", Secret(made["secret"].encode()), "shop")
    server = Server.dry(Config.at(cloudflare.sandbox.directory))
    with cloudflare.client(token.secret) as one:
        found, notes = token_checking.reached(server, one, token)
    assert [zone.name for zone in found] == ["shop-addon.example"]
    assert notes == []


def test_the_commands_lead_to_it_by_the_sandboxs_settings(cloudflare: Cloudflare) -> None:
    cloudflare.remote.clock(speed=20)
    one = UnderTest(cloudflare.sandbox)
    place = one.root / "token"
    place.write_bytes(cloudflare.token.reveal())
    token = one.json("token", "add", "--from", str(place))["token"]["id"]
    try:
        (checked,) = one.json("token", "check")["tokens"]
        rows = {row["zone"]: row for row in one.json("zones")["zones"]}
    finally:
        one.json("token", "remove", token)
        place.unlink()
    assert checked["good"]
    assert rows[NAME]["ssl_mode"] == "full"
    assert {row["paused"] for row in rows.values()} == {True, False}
    assert "flexible" in {row["ssl_mode"] for row in rows.values()}
