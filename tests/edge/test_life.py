"""The whole life against a real API and a real edge: on, rotate, off; nobody is ever refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from origin_pulls.model.policy import Mode
from tests.edge.site import EdgeSite, Visitor

pytestmark = pytest.mark.apache


def test_on_rotated_and_off_again_without_a_single_refused_request(site: EdgeSite) -> None:
    with Visitor(site, "blog.example", "www.blog.example") as visitor:
        done = site.json("enforce", "blog.example")
        assert done["items"][0]["state"] == "done", done
        assert site.is_enforced("blog.example")
        assert any("through Cloudflare" in line for line in done["items"][0]["proof"])
        first = site.live("blog.example")
        site.json("rotate", "blog.example")
        second = site.live("blog.example")
        assert site.is_enforced("blog.example")
        assert [one["id"] for one in first] != [one["id"] for one in second]
        assert len(first) == len(second) == 1
        site.json("off", "blog.example", "--remove-certificate")
        assert site.is_open("blog.example")
    assert not site.zone("blog.example")["aop_enabled"]
    assert site.live("blog.example") == []
    assert set(visitor.came) == {"HTTP 200"}, visitor.came
    assert visitor.came.total() > 50


def test_a_job_at_the_edge_is_undone_to_what_was_before_all_of_it(site: EdgeSite) -> None:
    ran = site.run("-v", "enforce", "blog.example", "--json")
    number = ran.record["job"]
    site.json("undo", str(number))
    kept = [path.read_bytes() for path in site.config.state_directory.rglob("*") if path.is_file()]
    told = site.run("job", str(number), "--json").stdout + ran.stdout + ran.stderr
    for text in (*kept, told.encode()):
        assert site.token.encode() not in text
        assert b"PRIVATE KEY" not in text
    assert site.is_open("blog.example")
    assert site.json("show", "blog.example")["mode"] == Mode.OFF
    assert not site.zone("blog.example")["aop_enabled"]


def test_two_vhosts_of_a_zone_share_one_certificate_and_one_switch(site: EdgeSite) -> None:
    names = "blog.example", "blog-addon.blog.example"
    site.json("enforce", *names)
    assert all(site.is_enforced(name) for name in names)
    assert len(site.live("blog.example")) == 1
    site.json("off", "blog.example", "--remove-certificate")
    assert site.zone("blog.example")["aop_enabled"], "the other vhost still demands it"
    assert site.visit("blog-addon.blog.example").status == 200
    assert site.is_open("blog.example")
    site.json("off", "blog-addon.blog.example")
    assert not site.zone("blog.example")["aop_enabled"]


def test_a_zone_with_names_elsewhere_gets_certificates_for_single_names(site: EdgeSite) -> None:
    with Visitor(site, "acme.example") as visitor:
        site.json("enforce", "acme.example")
        assert site.is_enforced("acme.example")
        zone = site.zone("acme.example")
        assert not zone["aop_enabled"]
        bound = {one["hostname"]: one["enabled"] for one in zone["associations"]}
        assert bound == {"acme.example": True, "www.acme.example": True}
        site.json("rotate", "acme.example")
        assert len(site.live("acme.example", "hostname_certificates")) == 1
        site.json("off", "acme.example", "--remove-certificate")
        site.remote.edge()
        site.json("observe", "acme.example")  # whatever was still waited for is done by now
        assert site.live("acme.example", "hostname_certificates") == []
    voided = [path for method, path in site.writes() if method in ("PUT", "DELETE")]
    assert voided
    assert set(visitor.came) == {"HTTP 200"}, visitor.came


def test_a_later_change_of_what_is_presented_already_is_an_ordinary_run(site: EdgeSite) -> None:
    site.json("enforce", "blog.example")
    written = len(site.writes())
    done = site.json("enforce", "blog.example", "--exempt-path", "/feed/")
    assert done["items"][0]["state"] == "done"
    assert len(site.writes()) == written
    assert done["job"] == site.json("show", "blog.example")["job"]


def test_the_shared_certificate_is_proven_and_never_switched(site: EdgeSite) -> None:
    assert site.sandbox.cloudflare
    authority = site.sandbox.cloudflare.shared_ca.read_bytes()
    site.config.shared_ca.write_bytes(authority)
    site.remote.zone("blog.example", tls_client_auth="on")
    site.remote.edge()
    site.json("enforce", "blog.example", "--trust", "cloudflare")
    assert site.is_enforced("blog.example")
    assert site.visit("blog.example").status == 200
    site.json("off", "blog.example")
    assert site.writes() == []
    assert site.zone("blog.example")["tls_client_auth"] == "on"


def test_panic_takes_along_what_is_at_the_edge(site: EdgeSite) -> None:
    site.remote.switch(fate="stuck", fate_times=1)
    with site.start("enforce", "blog.example") as process:
        assert process.stderr
        while "waiting for Cloudflare" not in (line := process.stderr.readline()):
            assert line, "it ended before it waited"
        assert site.run("relax", "--all").code == 0
        process.communicate(timeout=60)
    assert process.returncode == 4
    assert site.is_open("blog.example")


def test_panic_in_a_rotation_waits_for_nothing(site: EdgeSite) -> None:
    site.json("enforce", "blog.example")
    with site.lagging(), site.start("rotate", "blog.example") as process:
        assert process.stderr
        while "still presents another" not in (line := process.stderr.readline()):
            assert line, "it ended before the new certificate was presented"
        assert site.run("relax", "--all").code == 0
        process.communicate(timeout=60)
    assert process.returncode == 4
    site.json("observe", "blog.example")  # whatever was still waited for is done by now
    assert not site.zone("blog.example")["aop_enabled"]
    assert len(site.live("blog.example")) == 1, "the old one stays, the new one went"


def test_what_a_person_trusts_by_hand_is_neither_rotated_nor_taken_away(
    site: EdgeSite, tmp_path: Path
) -> None:
    name, other = "blog.example", "blog-addon.blog.example"
    site.json("enforce", name)
    authority = tmp_path / "ca.pem"
    authority.write_text(site.json("certificate", "export-ca", name)["ca"])
    site.json("enforce", other, "--trust", "custom", "--ca", str(authority), "--edge-ready")
    refused = site.run("rotate", name, "--json")
    assert refused.code == 3
    assert other in refused.record["message"]
    with Visitor(site, other) as visitor:
        site.json("off", name, "--remove-certificate")
        site.remote.edge()
    assert site.zone(name)["aop_enabled"], "the other one's visitors would be locked out"
    assert len(site.live(name)) == 1
    assert set(visitor.came) == {"HTTP 200"}, visitor.came
    site.json("off", other)
    assert not site.zone(name)["aop_enabled"]
    assert site.live(name) == []


def test_what_this_server_brought_before_it_lost_its_memory_is_taken_up(site: EdgeSite) -> None:
    site.json("enforce", "blog.example")
    first = site.live("blog.example")
    site.json("off", "blog.example")
    site.config.store.unlink()
    site.json("enforce", "blog.example")
    assert site.live("blog.example") == first
    site.json("off", "blog.example", "--remove-certificate")
    assert site.live("blog.example") == []
    assert not site.zone("blog.example")["aop_enabled"]


def test_a_preview_says_that_cloudflare_comes_first_and_touches_nothing(site: EdgeSite) -> None:
    shown = site.json("enforce", "blog.example", "--dry-run")
    assert shown["edge_first"] == ["blog/blog.example"]
    assert shown["steps"]
    assert [(one["zone"], one["form"]) for one in shown["edge"]] == [("blog.example", "zone")]
    assert "bringing the certificate" in shown["edge"][0]["steps"][0]
    assert "turning Authenticated Origin Pulls on" in shown["edge"][0]["steps"][1]
    names = site.json("enforce", "acme.example", "--dry-run")["edge"][0]
    assert (names["form"], names["hosts"]) == ("hostname", ["acme.example", "www.acme.example"])
    assert "acme.example" in site.run("enforce", "acme.example", "--dry-run").stdout
    assert site.writes() == []
    assert not site.include("blog", "blog.example").exists()
    assert list(site.config.keys_directory.glob("*/leaf.pem")) == []
