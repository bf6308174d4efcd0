"""What was proven once is no knowledge later: a demand that begins is proven before it does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.edge.site import EdgeSite

pytestmark = pytest.mark.apache
NAME, WWW = "blog.example", "www.blog.example"


@contextmanager
def no_token(site: EdgeSite) -> Iterator[None]:
    """The server without any token, as one that lost it."""
    place = site.config.tokens_directory
    place.rename(place.with_name("away"))
    try:
        yield
    finally:
        if place.exists():
            place.rmdir()
        place.with_name("away").rename(place)


@pytest.mark.parametrize("meanwhile", ["observe", "off"])
def test_a_demand_that_begins_again_looks_at_cloudflare_whatever_was_proven_once(
    site: EdgeSite, meanwhile: str
) -> None:
    site.json("enforce", NAME)
    site.json(meanwhile, NAME)
    site.remote.zone(NAME, aop_enabled=False)
    site.remote.edge()
    done = site.json("enforce", NAME)
    assert any("through Cloudflare" in line for line in done["items"][0]["proof"])
    assert site.zone(NAME)["aop_enabled"]
    assert site.is_enforced(NAME)
    assert site.visit(NAME).status == 200


def test_a_name_that_is_no_longer_exempt_is_proven_and_the_demand_stays_meanwhile(
    site: EdgeSite,
) -> None:
    site.json("enforce", NAME, "--exempt-name", WWW)
    body = {"hostname": WWW, "cert_id": "", "enabled": False}
    site.remote.ask("PUT", f"zones/{NAME}/associations", body)
    site.remote.edge()
    before = site.include("blog", NAME).read_bytes()
    ran = site.run("enforce", NAME, "--no-exempt", "--json")
    assert ran.code == 3, ran.stdout
    assert WWW in ran.record["message"]
    assert site.include("blog", NAME).read_bytes() == before
    assert site.json("show", NAME)["policy"]["exempt_names"] == [WWW]
    site.remote.ask("PUT", f"zones/{NAME}/associations", {**body, "enabled": None})
    site.remote.edge()
    done = site.json("enforce", NAME, "--no-exempt")
    assert any("through Cloudflare" in line for line in done["items"][0]["proof"])
    told = [one["text"] for one in site.json("job", str(done["job"]))["progress"]]
    assert sum("writing" in text for text in told) == 1, "it never ceased to demand"
    assert site.visit(WWW).status == 200


@pytest.mark.parametrize(
    "meanwhile", [["observe"], ["off"], ["off", "--remove-certificate"]], ids=" ".join
)
def test_without_any_token_what_was_proven_once_is_not_believed(
    site: EdgeSite, meanwhile: list[str]
) -> None:
    site.json("enforce", NAME)
    with no_token(site):
        changed = site.json("enforce", NAME, "--exempt-path", "/feed/")
        assert changed["items"][0]["state"] == "done", "it demands already"
        site.json(meanwhile[0], NAME, *meanwhile[1:])
        ran = site.run("enforce", NAME, "--json")
        assert ran.code == 3, ran.stdout
        assert "--edge-ready" in ran.record["items"][0]["hint"]
        assert site.is_open(NAME)
