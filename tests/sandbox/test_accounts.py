"""Accounts come and go in a sandbox, and its lists follow."""

from __future__ import annotations

import json

import pytest

from origin_pulls.errors import Refused
from origin_pulls.sandbox import Sandbox, accounts, domain_lists, switches
from origin_pulls.sandbox.fleet import Account
from origin_pulls.sandbox.visitor import ask, ask_plain

pytestmark = pytest.mark.apache

NEW = Account(user="fresh", domain="fresh.example", subdomains=("a.fresh.example",))


def reloaded(sandbox: Sandbox) -> Sandbox:
    """The sandbox with httpd.conf built anew and Apache restarted."""
    assert sandbox.run("/scripts/rebuildhttpdconf").returncode == 0
    assert sandbox.run("/scripts/restartsrv_httpd", "--hard").returncode == 0
    return sandbox


def test_the_lists_hold_the_documented_ten_fields(sandbox: Sandbox) -> None:
    text = sandbox.path("/etc/userdatadomains").read_text()
    rows = dict(line.split(": ", 1) for line in text.splitlines())
    ports = f"127.0.0.1:{sandbox.http_port}==127.0.0.1:{sandbox.https_port}"
    root = sandbox.path("/home/shop/public_html/shop-addon.example")
    assert rows["shop-addon.example"] == (
        f"shop==root==addon==shop-addon.shop.example=={root}=={ports}====0==ea-php82"
    )
    twin = json.loads(sandbox.path("/etc/userdatadomains.json").read_text())
    assert {name: "==".join(row) for name, row in twin.items()} == rows
    own = json.loads(sandbox.path("/var/cpanel/userdata/shop/cache.json").read_text())
    assert own == {name: row for name, row in twin.items() if row[0] == "shop"}
    assert twin["nossl.example"][6] == ""
    assert "*: nobody\n" in sandbox.path("/etc/userdomains").read_text()
    assert "acme: reseller1\n" in sandbox.path("/etc/trueuserowners").read_text()
    assert "shop.example: shop\n" in sandbox.path("/etc/trueuserdomains").read_text()


def test_an_account_is_added_and_removed(fresh_sandbox: Sandbox) -> None:
    layout = fresh_sandbox.layout
    accounts.add(layout, NEW)
    assert fresh_sandbox.vhosts == 15
    assert ask(reloaded(fresh_sandbox), "a.fresh.example").status == 200
    with pytest.raises(Refused, match="already"):
        accounts.add(layout, NEW)
    accounts.remove(layout, "fresh")
    assert "fresh" not in fresh_sandbox.accounts
    assert "fresh" not in fresh_sandbox.path("/etc/passwd").read_text()
    assert "a.fresh.example" not in reloaded(fresh_sandbox).layout.httpd_conf.read_text()


def test_an_account_of_the_same_name_is_another_one(fresh_sandbox: Sandbox) -> None:
    layout = fresh_sandbox.layout
    accounts.add(layout, NEW, started=1)
    first = (layout.users / "fresh").read_text()
    accounts.remove(layout, "fresh")
    accounts.add(layout, NEW, started=2)
    assert "STARTDATE=1\n" in first
    assert "STARTDATE=2\n" in (layout.users / "fresh").read_text()


def test_include_folders_of_the_removed_stay_or_go(fresh_sandbox: Sandbox) -> None:
    layout = fresh_sandbox.layout
    for position, is_kept in (("kept", True), ("removed", False)):
        switches.turn(layout, includes_of_the_removed=position)
        accounts.add(layout, NEW)
        folder = layout.include_tree / "ssl/2_4/fresh/fresh.example"
        folder.mkdir(parents=True, exist_ok=True)
        accounts.remove(layout, "fresh")
        assert folder.exists() is is_kept


def test_a_certificate_makes_the_https_vhost(fresh_sandbox: Sandbox) -> None:
    accounts.install_ssl(fresh_sandbox.layout, "nossl", "nossl.example")
    assert ask(reloaded(fresh_sandbox), "nossl.example").body == "<h1>nossl.example</h1>\n"
    accounts.remove_ssl(fresh_sandbox.layout, "nossl", "nossl.example")
    with pytest.raises(OSError, match="certificate"):
        ask(reloaded(fresh_sandbox), "nossl.example")


def test_suspension_comes_and_goes(fresh_sandbox: Sandbox) -> None:
    accounts.suspend(fresh_sandbox.layout, "plain")
    assert fresh_sandbox.accounts["plain"]["suspended"] is True
    assert ask_plain(reloaded(fresh_sandbox), "plain.example").status == 302
    accounts.unsuspend(fresh_sandbox.layout, "plain")
    assert ask_plain(reloaded(fresh_sandbox), "plain.example").status == 200


def test_an_empty_certificate_means_no_vhost_or_no_build(fresh_sandbox: Sandbox) -> None:
    fresh_sandbox.layout.certificate("plain.example").write_text("")
    assert fresh_sandbox.run("/scripts/rebuildhttpdconf").returncode == 0
    switches.turn(fresh_sandbox.layout, missing_certificate="fails")
    done = fresh_sandbox.run("/scripts/rebuildhttpdconf")
    assert done.returncode == 1
    assert "plain.example" in done.stdout


def test_the_cache_lags_until_it_is_refreshed(fresh_sandbox: Sandbox) -> None:
    layout = fresh_sandbox.layout
    (layout.userdata / "plain/plain.example_SSL").unlink()
    assert domain_lists.read(layout)["plain.example"][6]
    done = fresh_sandbox.run("/usr/local/cpanel/scripts/updateuserdatacache", "plain")
    assert done.returncode == 0
    assert domain_lists.read(layout)["plain.example"][6] == ""
    assert domain_lists.read(layout)["shop.example"][6]


def test_an_unknown_switch_is_refused(fresh_sandbox: Sandbox) -> None:
    with pytest.raises(Exception, match="no switch 'rebuild_explodes'"):
        switches.turn(fresh_sandbox.layout, rebuild_explodes=True)
