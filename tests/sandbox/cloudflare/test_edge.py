"""The edge: a real nginx that presents to the real Apache what the API's state says."""

from __future__ import annotations

import ssl
import threading

import pytest

from tests.sandbox.cloudflare.conftest import Cloudflare, await_answer, leaf

pytestmark = pytest.mark.apache

NOBODY = "(null)"
HOSTNAMES = "/hostnames/certificates"


def shown(cloudflare: Cloudflare, name: str = "shop.example", *, place: int = 0) -> str:
    """The serial number of what the edge presents to the origin of this name."""
    cloudflare.remote.edge()
    status, headers, _ = cloudflare.visit(name, place=place)
    assert status == 200
    return headers["X-Shown"]


def lag(cloudflare: Cloudflare) -> None:
    """Let what was changed reach both places."""
    cloudflare.remote.edge()
    cloudflare.remote.clock(advance=60)
    cloudflare.remote.edge()


def test_at_first_nothing_is_presented(cloudflare: Cloudflare) -> None:
    status, headers, body = cloudflare.visit("shop.example")
    assert (status, body) == (200, "<h1>shop.example</h1>\n")
    assert headers["X-Shown"] in ("", NOBODY)
    assert headers["CF-Ray"].endswith("-SBX")
    assert headers["CF-Cache-Status"] == "DYNAMIC"
    assert "cloudflare" in headers["Server"]


def test_a_zones_certificate_is_presented_to_all_its_names(cloudflare: Cloudflare) -> None:
    mine = leaf()
    cloudflare.uploaded(mine)
    cloudflare.call("PUT", f"{cloudflare.aop()}/settings", {"enabled": True})
    lag(cloudflare)
    names = ("shop.example", "www.shop.example", "blog.shop.example", "any.shop.example")
    assert [shown(cloudflare, name) for name in names] == [mine.serial] * 4
    assert shown(cloudflare, "blog.example") in ("", NOBODY)


def test_the_newest_active_certificate_of_a_zone_counts(cloudflare: Cloudflare) -> None:
    old, new = leaf(), leaf()
    cloudflare.uploaded(old)
    second = cloudflare.uploaded(new)
    cloudflare.call("PUT", f"{cloudflare.aop()}/settings", {"enabled": True})
    lag(cloudflare)
    assert shown(cloudflare) == new.serial
    cloudflare.call("DELETE", f"{cloudflare.aop()}/{second}")
    lag(cloudflare)
    assert shown(cloudflare) == old.serial


def test_an_association_goes_before_the_zone_and_a_disabled_one_presents_nothing(
    cloudflare: Cloudflare,
) -> None:
    zones, own = leaf(), leaf()
    cloudflare.uploaded(zones)
    own_id = cloudflare.uploaded(own, store=HOSTNAMES)
    cloudflare.call("PUT", f"{cloudflare.aop()}/settings", {"enabled": True})
    seen = []
    for enabled in (True, False, None):
        config = [{"hostname": "www.shop.example", "cert_id": own_id, "enabled": enabled}]
        cloudflare.call("PUT", f"{cloudflare.aop()}/hostnames", {"config": config})
        cloudflare.remote.clock(advance=60)
        lag(cloudflare)
        seen.append(shown(cloudflare, "www.shop.example"))
        assert shown(cloudflare) == zones.serial
    assert seen[0] == own.serial
    assert seen[1] in ("", NOBODY)
    assert seen[2] == zones.serial


def test_an_association_that_moves_on_presents_the_old_one_until_it_is_active(
    cloudflare: Cloudflare,
) -> None:
    old, new = leaf(), leaf()
    for given in (old, new):
        cert_id = cloudflare.uploaded(given, store=HOSTNAMES)
        config = [{"hostname": "blog.shop.example", "cert_id": cert_id, "enabled": True}]
        cloudflare.call("PUT", f"{cloudflare.aop()}/hostnames", {"config": config})
        if given is old:
            cloudflare.remote.clock(advance=60)
            lag(cloudflare)
    assert shown(cloudflare, "blog.shop.example") == old.serial
    cloudflare.remote.clock(advance=60)
    lag(cloudflare)
    assert shown(cloudflare, "blog.shop.example") == new.serial


def test_the_shared_certificate_is_presented_where_only_that_is_on(cloudflare: Cloudflare) -> None:
    cloudflare.remote.zone("blog.example", tls_client_auth="on")
    lag(cloudflare)
    _, headers, _ = cloudflare.visit("blog.example")
    assert "origin-pull.sandbox.example" in headers["X-Issuer"]


def test_the_second_place_lags_behind_the_first(cloudflare: Cloudflare) -> None:
    mine = leaf()
    cloudflare.uploaded(mine)
    lag(cloudflare)
    cloudflare.call("PUT", f"{cloudflare.aop()}/settings", {"enabled": True})
    cloudflare.remote.edge()
    cloudflare.remote.clock(advance=2)
    assert shown(cloudflare) == mine.serial
    assert shown(cloudflare, place=1) in ("", NOBODY)
    cloudflare.remote.clock(advance=60)
    assert shown(cloudflare, place=1) == mine.serial


def test_a_certificate_that_is_not_active_yet_is_not_presented(cloudflare: Cloudflare) -> None:
    cloudflare.call("PUT", f"{cloudflare.aop()}/settings", {"enabled": True})
    cloudflare.remote.switch(fate="stuck", fate_times=1)
    mine = leaf()
    cloudflare.uploaded(mine)
    lag(cloudflare)
    assert shown(cloudflare) in ("", NOBODY)
    cloudflare.remote.ask("POST", "release")
    lag(cloudflare)
    assert shown(cloudflare) == mine.serial


def test_flexible_goes_to_port_80_and_presents_nothing(cloudflare: Cloudflare) -> None:
    status, headers, body = cloudflare.visit("reseller1.example")
    assert (status, body) == (200, "<h1>reseller1.example</h1>\n")
    assert headers["X-Shown"] in ("", NOBODY)
    log = cloudflare.sandbox.path("/etc/apache2/logs/domlogs/reseller1.example").read_text()
    assert "GET / " in log


def test_a_rule_for_one_name_changes_its_way_and_no_setting_shows_it(
    cloudflare: Cloudflare,
) -> None:
    cloudflare.call("PUT", f"{cloudflare.aop()}/settings", {"enabled": True})
    mine = leaf()
    cloudflare.uploaded(mine)
    cloudflare.remote.zone("shop.example", ssl_overrides={"www.shop.example": "flexible"})
    lag(cloudflare)
    assert shown(cloudflare) == mine.serial
    assert shown(cloudflare, "www.shop.example") in ("", NOBODY)
    said = cloudflare.call("GET", f"{cloudflare.zone()}/settings/ssl")
    assert said.result["value"] == "full"


@pytest.mark.parametrize("name", ["dedi.example", "plain.example"])
def test_a_paused_zone_and_a_foreign_name_have_no_edge(cloudflare: Cloudflare, name: str) -> None:
    with pytest.raises(ssl.SSLError):
        cloudflare.visit(name)


def test_a_grey_name_is_turned_away(cloudflare: Cloudflare) -> None:
    assert cloudflare.visit("mail.shop.example")[0] == 421
    cloudflare.remote.record("blog.example", "www.blog.example", "127.0.0.1", proxied=False)
    lag(cloudflare)
    assert cloudflare.visit("www.blog.example")[0] == 421
    assert cloudflare.visit("blog.example")[0] == 200


def test_mode_off_has_no_tls_at_the_edge(cloudflare: Cloudflare) -> None:
    cloudflare.remote.zone("blog.example", ssl="off")
    lag(cloudflare)
    with pytest.raises(ssl.SSLError):
        cloudflare.visit("blog.example")
    assert cloudflare.visit("blog.example", scheme="http")[0] == 200


def test_plain_visitors_reach_port_80_but_for_origin_pull(cloudflare: Cloudflare) -> None:
    mine = leaf()
    cloudflare.uploaded(mine, zone="blog.example")
    cloudflare.call("PUT", f"{cloudflare.aop('blog.example')}/settings", {"enabled": True})
    lag(cloudflare)
    assert cloudflare.visit("blog.example", scheme="http")[1]["X-Shown"] in ("", NOBODY)
    cloudflare.remote.zone("blog.example", ssl="origin_pull")
    lag(cloudflare)
    assert cloudflare.visit("blog.example", scheme="http")[1]["X-Shown"] == mine.serial


def test_a_name_on_another_server_is_served_by_that(cloudflare: Cloudflare) -> None:
    assert cloudflare.visit("app.acme.example")[2] == "another server\n"


def test_a_strangers_zone_reaches_our_site_with_the_shared_certificate(
    cloudflare: Cloudflare,
) -> None:
    record = {"type": "A", "name": "evil.example", "content": "127.0.0.1", "proxied": True}
    cloudflare.remote.ask(
        "POST",
        "zones",
        {
            "name": "evil.example",
            "account": "stranger",
            "tls_client_auth": "on",
            "host_overrides": {"evil.example": "shop.example"},
            "records": [record],
        },
    )
    lag(cloudflare)
    status, headers, body = cloudflare.visit("evil.example")
    assert (status, body) == (200, "<h1>shop.example</h1>\n")
    assert "origin-pull.sandbox.example" in headers["X-Issuer"]


def test_what_goes_wrong_has_cloudflares_status(cloudflare: Cloudflare) -> None:
    cloudflare.remote.record("blog.example", "down.blog.example", "127.0.64.77", proxied=True)
    cloudflare.remote.zone("acme.example", ssl="strict")
    cloudflare.remote.record("acme.example", "bad.acme.example", "127.0.0.1", proxied=True)
    lag(cloudflare)
    assert cloudflare.visit("down.blog.example")[0] == 521
    assert cloudflare.visit("acme.example")[0] == 200
    # No vhost has that name: another one's certificate answers.
    assert cloudflare.visit("bad.acme.example")[0] == 526


@pytest.mark.parametrize(("version", "status"), [("TLSv1.2", 525), ("TLSv1.3", 520)])
def test_a_refused_certificate_is_525_or_520(
    cloudflare: Cloudflare, version: str, status: int
) -> None:
    sandbox = cloudflare.sandbox
    folder = sandbox.path("/etc/apache2/conf.d/userdata/ssl/2_4/acme/acme.example")
    folder.mkdir(parents=True, exist_ok=True)
    demand = folder / "demand.conf"
    demand.write_text(
        f"SSLVerifyClient require\nSSLCACertificateFile {sandbox.server_ca}\n"
        f"SSLProtocol -all +{version}\n"
    )
    sandbox.run("/usr/local/cpanel/scripts/rebuildhttpdconf")
    try:
        sandbox.run("/usr/local/cpanel/scripts/restartsrv_httpd", "--graceful")
        await_answer(cloudflare, "acme.example", lambda found, _: found != 200)
        assert cloudflare.visit("acme.example")[0] == status
    finally:
        demand.write_text("# nothing\n")
        sandbox.run("/usr/local/cpanel/scripts/restartsrv_httpd", "--graceful")
        await_answer(cloudflare, "acme.example", lambda found, _: found == 200)


def test_a_static_page_comes_from_the_cache_without_asking_the_origin(
    cloudflare: Cloudflare,
) -> None:
    page = cloudflare.sandbox.path("/home/blog/public_html/kept.css")
    page.write_text("a {}\n")
    assert cloudflare.visit("blog.example", "/kept.css")[1]["CF-Cache-Status"] == "MISS"
    page.unlink()
    status, headers, _ = cloudflare.visit("blog.example", "/kept.css")
    assert (status, headers["CF-Cache-Status"]) == (200, "HIT")
    assert cloudflare.visit("blog.example", "/kept.css?new")[0] == 404


def test_no_request_is_lost_over_twenty_changes(cloudflare: Cloudflare) -> None:
    mine = leaf()
    cloudflare.uploaded(mine)
    cloudflare.remote.clock(speed=200)
    ending = threading.Event()
    seen: list[object] = []

    def visit(place: int) -> None:
        while not ending.is_set():
            try:
                seen.append(cloudflare.visit("shop.example", place=place)[0])
            except OSError as error:
                seen.append(error)

    visitors = [threading.Thread(target=visit, args=(place,)) for place in (0, 1)]
    for visitor in visitors:
        visitor.start()
    try:
        before = cloudflare.remote.ask("GET", "edge")["reloads"]
        for number in range(20):
            cloudflare.remote.zone("shop.example", aop_enabled=number % 2 == 0)
            cloudflare.remote.edge()
        after = cloudflare.remote.ask("GET", "edge")["reloads"]
    finally:
        ending.set()
        for visitor in visitors:
            visitor.join()
    assert after - before >= 20
    assert len(seen) > 20
    assert set(seen) == {200}
