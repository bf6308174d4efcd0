"""The sites of a sandbox answer as a cPanel server's would, over real TLS."""

from __future__ import annotations

import base64
import ssl

import pytest

from origin_pulls.sandbox import Sandbox, sites
from origin_pulls.sandbox.visitor import Pretence, ask, ask_plain, certificate_names

pytestmark = pytest.mark.apache

# Each name and the vhost whose page it must get.
VHOSTS = {
    "shop.example": "shop.example",
    "www.shop.example": "shop.example",
    "mail.shop.example": "shop.example",
    "shop-parked.example": "shop.example",
    "shop-second.example": "shop.example",
    "shop-addon.example": "shop-addon.shop.example",
    "www.shop-addon.shop.example": "shop-addon.shop.example",
    "blog.shop.example": "blog.shop.example",
    "api.shop.example": "api.shop.example",
    "anything.shop.example": "_wildcard_.shop.example",
    "blog.example": "blog.example",
    "blog-addon.example": "blog-addon.blog.example",
    "plain.example": "plain.example",
    "acme.example": "acme.example",
    "reseller1.example": "reseller1.example",
    "xn--bcher-kva.example": "xn--bcher-kva.example",
}
SERVICES = ("cpanel", "webmail", "webdisk", "cpcontacts", "cpcalendars")
ZONES = ("shop.example", "shop-parked.example", "shop-addon.example", "plain.example")


@pytest.mark.parametrize("name", VHOSTS)
def test_each_vhost_answers_with_its_own_certificate_and_page(sandbox: Sandbox, name: str) -> None:
    assert ask(sandbox, name).body == f"<h1>{VHOSTS[name]}</h1>\n"
    assert ask_plain(sandbox, name).body == f"<h1>{VHOSTS[name]}</h1>\n"


def test_tls_1_2_and_1_3_are_spoken_and_nothing_older(sandbox: Sandbox) -> None:
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        assert ask(sandbox, "shop.example", as_=Pretence(version=version)).status == 200


def test_the_dedicated_address_serves_its_own_site(sandbox: Sandbox) -> None:
    there = Pretence(address=sandbox.dedicated_address)
    assert ask(sandbox, "dedi.example", as_=there).body == "<h1>dedi.example</h1>\n"
    without_sni = Pretence(address=sandbox.dedicated_address, server_name="")
    assert "dedi.example" in certificate_names(sandbox, "dedi.example", without_sni)


def test_an_account_without_certificate_has_no_https_vhost(sandbox: Sandbox) -> None:
    assert ask_plain(sandbox, "nossl.example").status == 200
    with pytest.raises(ssl.SSLCertVerificationError):
        ask(sandbox, "nossl.example")


def test_the_servers_own_name_answers(sandbox: Sandbox) -> None:
    assert "default page" in ask(sandbox, "server.sandbox.example").body


def test_a_suspended_account_shows_the_suspended_page(sandbox: Sandbox) -> None:
    answer = ask(sandbox, "closed.example", "/any")
    assert answer.status == 302
    assert answer.headers["Location"].endswith("/cgi-sys/suspendedpage.cgi")
    assert "Account Suspended" in ask(sandbox, "closed.example", "/cgi-sys/suspendedpage.cgi").body


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("label", SERVICES)
def test_service_names_are_proxied_away_from_the_site(
    sandbox: Sandbox, label: str, zone: str
) -> None:
    assert ask(sandbox, f"{label}.{zone}").status == 503


def test_only_a_resellers_names_have_whm(sandbox: Sandbox) -> None:
    assert ask(sandbox, "whm.reseller1.example").status == 503
    with pytest.raises(ssl.SSLCertVerificationError):
        ask(sandbox, "whm.plain.example")


def test_autodiscover_is_a_cgi_of_the_server(sandbox: Sandbox) -> None:
    assert "autodiscover of the server" in ask(sandbox, "autodiscover.shop.example").body


@pytest.mark.parametrize(
    "pretence",
    [
        Pretence(host="WEBDISK.shop.example"),
        Pretence(host="webdisk.shop.example:1234"),
        Pretence(headers={"Upgrade": "websocket"}),
    ],
)
def test_other_spellings_of_a_service_name_fall_through_to_the_site(
    sandbox: Sandbox, pretence: Pretence
) -> None:
    assert ask(sandbox, "webdisk.shop.example", as_=pretence).body == "<h1>shop.example</h1>\n"


def test_some_services_have_a_second_rule_for_websockets(sandbox: Sandbox) -> None:
    upgrade = Pretence(headers={"Upgrade": "websocket", "Connection": "Upgrade"})
    assert ask(sandbox, "cpanel.shop.example", as_=upgrade).status == 503


def test_the_tenants_folders_mean_what_they_say(sandbox: Sandbox) -> None:
    token = base64.b64encode(f"{sites.USER}:{sites.PASSWORD}".encode()).decode()
    known = Pretence(headers={"Authorization": f"Basic {token}"})
    for name in ("shop.example", "blog.example", "shop-addon.example"):
        assert ask(sandbox, name, "/secret/").status == 401
        assert "secret" in ask(sandbox, name, "/secret/", known).body
        assert ask(sandbox, name, "/denied/").status == 403
        assert ask(sandbox, name, "/satisfy/").status == 200
        assert "app of" in ask(sandbox, name, "/app/some/deep/path").body


def test_cgi_runs_where_the_account_has_it(sandbox: Sandbox) -> None:
    assert ask(sandbox, "shop.example", "/cgi-bin/front.cgi?x=1").body == "/cgi-bin/front.cgi?x=1\n"
    assert ask(sandbox, "plain.example", "/cgi-bin/front.cgi").status == 404


def test_other_accounts_sites_show_on_a_vhost_with_user_dirs_only(sandbox: Sandbox) -> None:
    assert ask(sandbox, "plain.example", "/~shop/").body == "<h1>shop.example</h1>\n"
    assert ask(sandbox, "blog.example", "/~shop/").status == 404


def test_an_addons_folder_shows_below_the_main_site(sandbox: Sandbox) -> None:
    page = ask(sandbox, "shop.example", "/shop-addon.example/").body
    assert page == "<h1>shop-addon.shop.example</h1>\n"


def test_another_sites_host_behind_this_sites_sni_is_misdirected(sandbox: Sandbox) -> None:
    assert ask(sandbox, "plain.example", as_=Pretence(host="shop.example")).status == 421
