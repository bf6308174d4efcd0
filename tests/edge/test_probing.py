"""The proof through the edge: every address that can be asked is, and those that lag are seen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import pytest

from origin_pulls.engine.edge import probing
from origin_pulls.engine.edge.reach import NoReach
from origin_pulls.engine.server import Server
from tests.edge.site import PLACES, EdgeSite

pytestmark = pytest.mark.apache
NAME = "blog.example"
NO_WAY = "fe80::1"  # of a link that it does not name: no machine has a route to it


@dataclass
class Named(NoReach):
    """A DNS that names these addresses for every host."""

    addresses: Sequence[str]

    def edge_addresses(self, host: str) -> list[str]:
        del host
        return list(self.addresses)


def probed(site: EdgeSite, *addresses: str) -> probing.Probed:
    server = Server.of(site.config)
    try:
        return probing.probe(replace(server, reach=Named(addresses)), [NAME], None)
    finally:
        server.store.close()


def test_each_address_is_asked_and_one_without_a_way_is_passed_over(site: EdgeSite) -> None:
    site.json("enforce", NAME)
    port = site.config.edge_port
    found = probed(site, NO_WAY, *PLACES)
    assert not found.problem
    assert found.ways == tuple((f"{place}:{port}", NAME) for place in PLACES)
    assert "no way to Cloudflare" in probed(site, NO_WAY).problem
    assert "names no address" in probed(site).problem


def test_an_address_that_presents_nothing_is_seen(site: EdgeSite) -> None:
    site.json("observe", NAME)
    assert "presents no certificate yet" in probed(site, PLACES[0]).problem


def test_each_zone_has_its_turn_in_a_proof() -> None:
    one, two = [("a", "1"), ("b", "1"), ("a", "2")], [("a", "3")]
    assert probing.spread([one, two], 3) == [("a", "1"), ("a", "3"), ("b", "1")]
    assert probing.spread([one, two], 1) == [("a", "1"), ("a", "3")], "none is left out"
    assert probing.spread([[], []], 4) == []


def test_a_proof_asked_for_now_goes_through_cloudflare_too(site: EdgeSite) -> None:
    site.json("enforce", NAME)
    proof = site.json("prove", NAME)
    assert proof["edge"]["asked"]
    assert {one["host"] for one in proof["edge"]["ways"]} >= {NAME}
    body = {"hostname": NAME, "cert_id": "", "enabled": False}
    site.remote.ask("PUT", f"zones/{NAME}/associations", body)
    site.remote.edge()
    ran = site.run("prove", NAME)
    assert ran.code == 1, ran.stdout
    assert "does NOT hold" in ran.stdout
    assert "by way of Cloudflare" in ran.stdout
    attention = site.json("show", NAME)["attention"]
    assert any("by way of Cloudflare" in text for text in attention)
    site.json("observe", NAME)
    proof = site.json("prove", NAME)
    assert proof["holds"], "nobody is refused"
    assert "presents no certificate" in proof["edge"]["problem"]
    site.json("off", NAME)
    proof = site.json("prove", NAME)
    assert proof["holds"]
    assert not proof["edge"]["asked"]
    assert "not asked through Cloudflare" in site.run("prove", "closed.example").stdout
