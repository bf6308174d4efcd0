"""What stands in the way at Cloudflare is found and explained before anything is touched."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from origin_pulls.secret import Secret
from origin_pulls.server.tokens import Token, Tokens
from tests.edge.site import EdgeSite
from tests.sandbox.cloudflare.conftest import leaf

pytestmark = pytest.mark.apache
NAME = "blog.example"
READS = ["Zone Read", "DNS Read", "Zone Settings Read", "SSL and Certificates Read"]


def upload(site: EdgeSite, zone: str, store: str = "") -> str:
    """Somebody else uploads a certificate."""
    import requests

    assert site.sandbox.cloudflare
    zone_id = site.zone(zone)["id"]
    address = f"{site.sandbox.cloudflare.url}/zones/{zone_id}/origin_tls_client_auth{store}"
    headers = {"Authorization": f"Bearer {site.token}"}
    answer = requests.post(address, json=leaf().body, headers=headers, timeout=60)
    assert answer.status_code == 200, answer.text
    site.remote.edge()
    return str(answer.json()["result"]["id"])


def turn_grey(site: EdgeSite) -> None:
    site.remote.record(NAME, f"www.{NAME}", "127.0.0.1", proxied=False)


def take_from_name(site: EdgeSite) -> None:
    body = {"hostname": NAME, "cert_id": "", "enabled": False}
    site.remote.ask("PUT", f"zones/{NAME}/associations", body)


def bring_stranger(site: EdgeSite) -> None:
    upload(site, NAME)


OBSTACLES: list[tuple[Callable[[EdgeSite], object], str]] = [
    (lambda site: site.remote.zone(NAME, ssl="flexible"), "encryption mode"),
    (lambda site: site.remote.zone(NAME, ssl="off"), "encryption mode"),
    (lambda site: site.remote.zone(NAME, paused=True), "is paused"),
    (lambda site: site.remote.zone(NAME, status="pending"), "is pending"),
    (turn_grey, "is DNS-only"),
    (take_from_name, "enabled: false"),
    (bring_stranger, "that is not ours"),
]


@pytest.fixture
def untouched(standing_site: EdgeSite) -> EdgeSite:
    """That sandbox; these tests never touch the origin, so Cloudflare alone is begun anew."""
    standing_site.remote.reset()
    return standing_site


@pytest.mark.parametrize(("obstacle", "said"), OBSTACLES, ids=[said for _, said in OBSTACLES])
def test_what_stands_in_the_way_is_said_and_nothing_is_touched(
    untouched: EdgeSite, obstacle: Callable[[EdgeSite], object], said: str
) -> None:
    obstacle(untouched)
    before = untouched.writes()
    foreseen = untouched.run("enforce", NAME, "--dry-run", "--json")
    assert foreseen.code == 3
    assert said in foreseen.record["refused"][0]["message"], foreseen.record
    assert foreseen.record["steps"] == []
    ran = untouched.run("enforce", NAME, "--json")
    assert ran.code == 3
    assert said in ran.record["message"], ran.record
    assert ran.record["hint"]
    assert untouched.writes() == before
    assert untouched.is_open(NAME)
    assert not untouched.include("blog", NAME).exists()


def test_a_name_whose_zone_no_token_reaches_is_refused(untouched: EdgeSite) -> None:
    ran = untouched.run("enforce", "plain.example", "--json")
    assert ran.code == 3
    assert "No token reaches" in ran.record["message"]


def test_the_last_place_for_a_name_s_certificate_is_kept_free(untouched: EdgeSite) -> None:
    for _ in range(9):
        upload(untouched, "acme.example", "/hostnames/certificates")
    ran = untouched.run("enforce", "acme.example", "--json")
    assert ran.code == 3
    assert "9 of 10" in ran.record["message"]


def test_the_shared_certificate_must_be_on_before_it_is_trusted(untouched: EdgeSite) -> None:
    ran = untouched.run("enforce", NAME, "--trust", "cloudflare", "--json")
    assert ran.code == 3
    assert "shared certificate is not on" in ran.record["message"]
    assert "--trust own" in ran.record["hint"]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"permissions": READS[:3]}, "lacks SSL and Certificates: Read"),
        ({"permissions": READS[:1]}, "lacks DNS: Read"),
        ({"permissions": []}, "Zone: Read"),
        ({"zones": ["shop.example"]}, "No token reaches"),
        ({"permissions": [*READS, "API Tokens Read"]}, "may not change its certificates"),
        ({"permissions": READS}, "lacks SSL and Certificates: Edit"),
    ],
    ids=[
        *("no certificates", "zones alone", "nothing", "for the wrong zone"),
        *("to read, and it says so", "to read alone"),
    ],
)
def test_a_token_that_may_not_is_refused_and_nothing_is_touched(
    untouched: EdgeSite, fields: dict[str, object], said: str
) -> None:
    kept = Tokens(untouched.config.tokens_directory)
    good = kept.get("5a5a5a5a")
    secret = Secret(untouched.remote.token(**fields)["secret"].encode())
    kept.keep(Token(id=good.id, secret=secret, added=good.added))
    try:
        foreseen = untouched.run("enforce", NAME, "--dry-run", "--json")
        assert untouched.writes() == []
        ran = untouched.run("enforce", NAME, "--json")
    finally:
        kept.keep(good)
    # What a token may not write is said by Cloudflare at the first upload, if it may not read
    # what it may itself.
    is_told_late = fields == {"permissions": READS}
    assert foreseen.code == (0 if is_told_late else 3), foreseen.stdout
    assert untouched.writes() == [] or is_told_late
    assert ran.code == 3, ran.stdout
    assert said in ran.record["message"]
    assert secret.reveal().decode() not in ran.stdout + ran.stderr
    assert untouched.is_open(NAME)
    assert untouched.live(NAME) == []


def test_without_any_token_it_is_as_before_and_the_hint_names_the_command(
    untouched: EdgeSite,
) -> None:
    kept = Tokens(untouched.config.tokens_directory)
    good = kept.get("5a5a5a5a")
    kept.remove(good.id)
    try:
        ran = untouched.run("enforce", NAME, "--json")
    finally:
        kept.keep(good)
    assert ran.code == 3
    assert "token add" in ran.record["items"][0]["hint"]
