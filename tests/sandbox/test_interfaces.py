"""whmapi1 and uapi answer in cPanel's envelopes, irregularities included."""

from __future__ import annotations

import json
from typing import Any

import pytest

from origin_pulls.sandbox import Sandbox, switches

pytestmark = pytest.mark.apache

WHMAPI = "/usr/local/cpanel/bin/whmapi1"
UAPI = "/usr/local/cpanel/bin/uapi"


def answer(sandbox: Sandbox, *words: str, program: str = WHMAPI) -> Any:
    """What an interface answers, as values."""
    done = sandbox.run(program, "--output=json", *words)
    assert done.returncode == 0
    return json.loads(done.stdout[done.stdout.index("{") :])


def test_get_domain_info_lists_the_names_that_people_made(sandbox: Sandbox) -> None:
    said = answer(sandbox, "get_domain_info")
    assert said["metadata"] == {
        "version": 1,
        "command": "get_domain_info",
        "result": 1,
        "reason": "OK",
    }
    domains = {entry["domain"]: entry for entry in said["data"]["domains"]}
    addon = domains["shop-addon.example"]
    assert (addon["domain_type"], addon["parent_domain"]) == ("addon", "shop-addon.shop.example")
    assert addon["port_ssl"] == str(sandbox.https_port)
    assert domains["shop-parked.example"]["domain_type"] == "parked"
    assert domains["*.shop.example"]["docroot"].endswith("/_wildcard_.shop.example")
    assert domains["nossl.example"]["ipv4_ssl"] is None
    assert "cpanel.shop.example" not in domains


def test_listaccts_and_fetch_ssl_vhosts_tell_accounts_and_certificates(sandbox: Sandbox) -> None:
    accounts = {one["user"]: one for one in answer(sandbox, "listaccts")["data"]["acct"]}
    assert accounts["closed"]["suspended"] == 1
    assert accounts["acme"]["owner"] == "reseller1"
    assert accounts["shop"]["uid"] == 61001
    vhosts = answer(sandbox, "fetch_ssl_vhosts")["data"]["vhosts"]
    assert len(vhosts) == sandbox.vhosts
    first = [one["servername"] for one in vhosts if one["is_primary_on_ip"]]
    assert first == ["acme.example", "dedi.example"]
    shop = next(one for one in vhosts if one["servername"] == "shop.example")
    assert "shop.example" in shop["crt"]["domains"]


def test_a_failing_call_says_so_in_its_metadata(sandbox: Sandbox) -> None:
    said = answer(sandbox, "no_such_call")
    assert said["metadata"]["result"] == 0
    assert said["metadata"]["reason"]
    assert answer(sandbox, "version")["data"]["version"].startswith("11.")


def test_answers_come_in_the_forms_that_are_in_the_field(fresh_sandbox: Sandbox) -> None:
    layout = fresh_sandbox.layout
    switches.turn(layout, numbers="strings", absent="empty", log_lines_before_json=2)
    done = fresh_sandbox.run(WHMAPI, "--output=json", "get_domain_info")
    assert done.stdout.startswith("info ")
    said = answer(fresh_sandbox, "get_domain_info")
    assert said["metadata"]["result"] == "1"
    domains = {entry["domain"]: entry for entry in said["data"]["domains"]}
    assert domains["nossl.example"]["port_ssl"] == ""
    switches.turn(layout, numbers="ints", absent="missing")
    domains = {
        entry["domain"]: entry
        for entry in answer(fresh_sandbox, "get_domain_info")["data"]["domains"]
    }
    assert domains["shop.example"]["port_ssl"] == fresh_sandbox.https_port
    assert "port_ssl" not in domains["nossl.example"]


def test_uapi_answers_for_one_account(sandbox: Sandbox) -> None:
    def asked(*words: str) -> Any:
        return answer(sandbox, "--user=shop", *words, program=UAPI)["result"]

    listed = asked("DomainInfo", "list_domains")["data"]
    assert listed["main_domain"] == "shop.example"
    assert listed["addon_domains"] == ["shop-addon.example"]
    assert listed["parked_domains"] == ["shop-parked.example", "shop-second.example"]
    data = asked("DomainInfo", "domains_data")["data"]
    assert data["addon_domains"][0]["servername"] == "shop-addon.shop.example"
    vhosts = {row["domain"]: row for row in asked("WebVhosts", "list_domains")["data"]}
    assert vhosts["shop-parked.example"]["vhost_name"] == "shop.example"
    assert "cpanel.shop-parked.example" in vhosts["shop-parked.example"]["proxy_subdomains"]
    assert asked("Nonsense", "list")["status"] == 0


@pytest.mark.parametrize("place", ["data.output", "metadata.output.raw"])
def test_restartservice_lies_and_tells_the_truth_elsewhere(
    fresh_sandbox: Sandbox, place: str
) -> None:
    switches.turn(fresh_sandbox.layout, raw_output=place)
    fresh_sandbox.layout.update_marker.touch()
    found = answer(fresh_sandbox, "restartservice", "service=httpd")
    assert found["metadata"]["result"] == 1
    for key in place.split("."):
        found = found[key]
    assert "failed" in found
