"""What turns back at the edge: a rotation that fails, and some of several vhosts."""

from __future__ import annotations

import pytest

from tests.edge.site import EdgeSite, Visitor

pytestmark = pytest.mark.apache
ZONE_FORM, NAME_FORM = "blog.example", "acme.example"
STORES = {ZONE_FORM: "zone_certificates", NAME_FORM: "hostname_certificates"}


def ids(site: EdgeSite, name: str) -> list[str]:
    return [one["id"] for one in site.live(name, STORES[name])]


@pytest.mark.parametrize("name", STORES)
def test_a_rotation_whose_certificate_cloudflare_gives_up_is_as_if_it_had_not_been(
    standing_site: EdgeSite, name: str
) -> None:
    site = standing_site
    site.json("enforce", name)
    before = ids(site, name)
    site.remote.switch(fate="deployment_timed_out", fate_times=1)
    with Visitor(site, name) as visitor:
        ran = site.run("rotate", name, "--json")
    assert ran.code == 4, ran.stdout + ran.stderr
    assert "deployment_timed_out" in ran.record["message"]
    assert ids(site, name) == before
    assert site.is_enforced(name)
    assert len(site.json("certificate", "show", name)["certificates"]) == 1
    assert set(visitor.came) == {"HTTP 200"}, visitor.came


@pytest.mark.parametrize("name", STORES)
def test_a_rotation_that_is_cancelled_presents_the_old_certificate_again(
    standing_site: EdgeSite, name: str
) -> None:
    site = standing_site
    site.json("enforce", name)
    before = ids(site, name)
    with (
        Visitor(site, name) as visitor,
        site.lagging(),
        site.start("rotate", name, "--json") as process,
    ):
        assert process.stderr
        while "still presents another" not in (line := process.stderr.readline()):
            assert line, "it ended before the new certificate was presented"
        number = max(one["job"] for one in site.json("jobs")["jobs"] if one["kind"] != "step")
        cancelled = site.run("cancel", str(number), "--json")
        process.communicate(timeout=120)
    assert process.returncode == 4
    assert cancelled.code == 0, cancelled.stdout
    assert "Cancelled by root" in cancelled.record["message"]
    kept = site.json("certificate", "show", name)["certificates"]
    assert len(kept) == 1, "the origin trusts the old one alone again"
    assert ids(site, name) == before
    assert site.is_enforced(name)
    assert site.visit(name).status == 200
    assert set(visitor.came) == {"HTTP 200"}, visitor.came
    if name == NAME_FORM:
        bound = {one["cert_id"] for one in site.zone(name)["associations"]}
        assert bound == set(before)


def test_of_several_vhosts_the_one_that_cannot_go_leaves_the_others_to_go_on(
    site: EdgeSite,
) -> None:
    names = "blog.example", "reseller1.example"  # the second one's zone is on `flexible`
    refused = site.run("enforce", *names, "--json")
    assert refused.code == 3
    assert site.is_open("blog.example")
    assert site.writes() == []
    ran = site.run("enforce", *names, "--keep-going", "--json")
    states = {one["servername"]: one["state"] for one in ran.record["items"]}
    assert states == {"blog.example": "done", "reseller1.example": "refused"}, ran.record
    assert ran.code == 3
    assert site.is_enforced("blog.example")


def test_of_several_zones_the_one_whose_upload_fails_leaves_the_others_to_go_on(
    site: EdgeSite,
) -> None:
    zone_id = site.zone("shop.example")["id"]
    site.remote.fault(
        f".*/{zone_id}/origin_tls_client_auth", method="POST", status=400, code=4711, times=99
    )
    with Visitor(site, "blog.example", "shop.example") as visitor:
        ran = site.run("enforce", "blog.example", "shop.example", "--keep-going", "--json")
    states = {one["servername"]: one["state"] for one in ran.record["items"]}
    assert states == {"blog.example": "done", "shop.example": "restored"}, ran.record
    assert ran.code == 4
    assert site.is_enforced("blog.example")
    assert site.is_open("shop.example")
    assert site.live("shop.example") == []
    assert not site.zone("shop.example")["aop_enabled"]
    assert set(visitor.came) == {"HTTP 200"}, visitor.came


def test_a_job_of_several_zones_that_is_whole_goes_back_as_a_whole(site: EdgeSite) -> None:
    zone_id = site.zone("shop.example")["id"]
    site.remote.fault(
        f".*/{zone_id}/origin_tls_client_auth", method="POST", status=400, code=4711, times=99
    )
    ran = site.run("enforce", "blog.example", "shop.example", "--json")
    assert ran.code == 4, ran.stdout
    assert {one["state"] for one in ran.record["items"]} == {"restored"}
    site.remote.ask("DELETE", "faults")
    assert site.is_open("blog.example")
    assert not site.zone("blog.example")["aop_enabled"]
