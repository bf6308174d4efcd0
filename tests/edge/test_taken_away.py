"""What lies at Cloudflare after `off`: said, shown, and taken away when that is asked for."""

from __future__ import annotations

import pytest

from tests.edge.site import EdgeSite
from tests.edge.test_looked_at_again import no_token
from tests.engine.test_together import agent_of

pytestmark = pytest.mark.apache
STORES = {"blog.example": "zone_certificates", "acme.example": "hostname_certificates"}


@pytest.mark.parametrize("name", STORES)
def test_what_lies_there_unused_is_shown_and_goes_when_it_is_asked_for_later(
    site: EdgeSite, name: str
) -> None:
    store = STORES[name]
    site.json("enforce", name)
    (live,) = site.live(name, store)
    done = site.json("off", name)
    assert done["edge"]["done"] == [name]
    site.remote.edge()
    (kept,) = site.json("certificate", "show", name)["certificates"]
    assert (kept["lies_in"], kept["edge_id"]) == (name, live["id"])
    assert site.json("edge", name)["zones"][0]["unused"] == [live["id"]]
    assert live["id"] in site.run("edge", name).stdout
    again = site.json("off", name, "--remove-certificate")
    assert again["edge"]["done"] == [name]
    assert site.live(name, store) == []
    assert site.json("edge", name)["zones"][0]["unused"] == []
    (kept,) = site.json("certificate", "show", name)["certificates"]
    assert kept["lies_in"] == ""


def test_what_another_vhost_of_the_zone_uses_stays(site: EdgeSite) -> None:
    name, other = "blog.example", "blog-addon.blog.example"
    site.json("enforce", name, other)
    done = site.json("off", name)
    assert done["edge"]["needed"] == [{"zone": name, "servername": other}]
    site.json("off", name, "--remove-certificate")
    assert len(site.live(name)) == 1
    assert site.zone(name)["aop_enabled"]
    assert site.visit(other).status == 200


def test_off_without_a_token_says_what_stays_and_what_to_do(site: EdgeSite) -> None:
    name = "blog.example"
    site.json("enforce", name)
    with no_token(site):
        done = site.json("off", name)
        (waiting,) = done["edge"]["waiting"]
        assert "No token reaches the zone blog.example" in waiting["why"]
        assert "token add" in waiting["why"]
        assert "it is tried again" in site.run("off", name).stdout
    assert site.zone(name)["aop_enabled"]
    assert site.json("off", name)["edge"]["done"] == [name]
    assert not site.zone(name)["aop_enabled"]


def test_with_an_agent_off_waits_for_it_and_says_the_same(site: EdgeSite) -> None:
    name = "blog.example"
    with agent_of(site):
        site.json("enforce", name)
        assert site.json("off", name)["edge"]["done"] == [name]
        assert not site.zone(name)["aop_enabled"]
        site.json("enforce", name)
        with no_token(site):
            (waiting,) = site.json("off", name)["edge"]["waiting"]
            assert "No token reaches" in waiting["why"]
