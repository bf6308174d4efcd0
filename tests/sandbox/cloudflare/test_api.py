"""The API answers as Cloudflare's does: life cycles, refusals, scopes, faults."""

from __future__ import annotations

import threading
from collections.abc import Mapping

import pytest
import requests

from tests.sandbox.cloudflare.conftest import PATIENCE, Cloudflare, leaf

pytestmark = pytest.mark.apache

ZONES, HOSTNAMES = "", "/hostnames/certificates"
STORES = pytest.mark.parametrize("store", [ZONES, HOSTNAMES])


def status(cloudflare: Cloudflare, path: str) -> str:
    return str(cloudflare.call("GET", path).result["status"])


def bind(cloudflare: Cloudflare, cert_id: object, enabled: object, name: str = "") -> object:
    entry = {"hostname": name or "www.shop.example", "cert_id": cert_id, "enabled": enabled}
    return cloudflare.call("PUT", f"{cloudflare.aop()}/hostnames", {"config": [entry]})


# Who asks


def test_a_good_token_is_told_so(cloudflare: Cloudflare) -> None:
    said = cloudflare.call("GET", "/user/tokens/verify")
    assert said.result["status"] == "active"
    assert said.body["messages"][0]["message"] == "This API Token is valid and active"


@pytest.mark.parametrize(
    ("headers", "error"),
    [
        ({}, (400, 1001)),
        ({"Authorization": "Bearer 'quoted'"}, (400, 6003)),
        ({"Authorization": "Bearer Bearer abcdefghijklmnopqrstuvwx"}, (400, 6003)),
        ({"Authorization": "Bearer unknown_unknown_unknown"}, (401, 1000)),
        ({"X-Auth-Key": "cfut_something"}, (400, 6003)),
    ],
)
def test_a_bad_credential_is_refused_as_cloudflare_does(
    cloudflare: Cloudflare, headers: Mapping[str, str], error: tuple[int, int]
) -> None:
    url = f"{cloudflare.access.url}/zones"
    answer = cloudflare.http.get(url, headers=headers, timeout=PATIENCE)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == error


@pytest.mark.parametrize(
    ("lacking", "method", "path", "body"),
    [
        ("Zone Read", "GET", "", None),
        ("DNS Read", "GET", "/dns_records", None),
        ("Zone Settings", "GET", "/settings/ssl", None),
        ("Zone Settings", "PATCH", "/settings/ssl", {"value": "strict"}),
        ("SSL and Certificates", "GET", "/origin_tls_client_auth", None),
        ("SSL and Certificates", "PUT", "/origin_tls_client_auth/settings", {"enabled": True}),
    ],
)
def test_a_token_that_lacks_a_permission_is_refused(
    cloudflare: Cloudflare, lacking: str, method: str, path: str, body: object
) -> None:
    every = ("Zone", "DNS", "Zone Settings", "SSL and Certificates")
    kinds = [f"{name} {kind}" for name in every for kind in ("Read", "Edit")]
    kept = [kind for kind in kinds if kind.rsplit(" ", 1)[0] != lacking.removesuffix(" Read")]
    token = cloudflare.remote.token(permissions=kept)["secret"]
    said = cloudflare.call(method, f"{cloudflare.zone()}{path}", body, token=token)
    assert said.error == (403, 10000)
    assert set(said.body) == {"success", "errors"}


def test_who_may_read_may_not_write(cloudflare: Cloudflare) -> None:
    token = cloudflare.remote.token(permissions=["SSL and Certificates Read"])["secret"]
    path = f"{cloudflare.aop()}/settings"
    assert cloudflare.call("GET", path, token=token).status == 200
    assert cloudflare.call("PUT", path, {"enabled": True}, token=token).error == (403, 10000)


def test_a_token_for_one_zone_sees_that_one_alone(cloudflare: Cloudflare) -> None:
    token = cloudflare.remote.token(zones=["blog.example"])["secret"]
    other = cloudflare.zone()
    assert cloudflare.call("GET", "/zones", token=token).error == (403, 0)
    assert cloudflare.call("GET", "/zones?name=shop.example", token=token).result == []
    assert len(cloudflare.call("GET", "/zones?name=blog.example", token=token).result) == 1
    assert cloudflare.call("GET", other, token=token).error == (403, 9109)
    cloudflare.remote.switch(bare_zones="filtered")
    assert len(cloudflare.call("GET", "/zones", token=token).result) == 1


def test_tokens_with_a_filter_of_a_moment_ago_or_of_an_account(cloudflare: Cloudflare) -> None:
    filtered = cloudflare.remote.token(addresses=["203.0.113.7"])["secret"]
    assert cloudflare.call("GET", "/zones", token=filtered).error == (403, 9109)
    fresh = cloudflare.remote.token(fresh_calls=2)["secret"]
    seen = [cloudflare.call("GET", "/zones", token=fresh).status for _ in range(3)]
    assert seen == [403, 403, 200]
    owned = cloudflare.remote.token(kind="account")["secret"]
    account = cloudflare.call("GET", cloudflare.zone()).result["account"]["id"]
    assert cloudflare.call("GET", "/user/tokens/verify", token=owned).error == (401, 1000)
    said = cloudflare.call("GET", f"/accounts/{account}/tokens/verify", token=owned)
    assert said.result["status"] == "active"
    expired = cloudflare.remote.token(status="expired")["secret"]
    said = cloudflare.call("GET", "/user/tokens/verify", token=expired)
    assert said.result["status"] == "expired"
    assert cloudflare.call("GET", "/zones", token=expired).error == (403, 10000)


def test_too_many_calls_are_refused_until_the_window_ends(cloudflare: Cloudflare) -> None:
    token = cloudflare.remote.token()["secret"]
    cloudflare.remote.switch(calls=2, window=300)
    seen = [cloudflare.call("GET", "/zones", token=token) for _ in range(3)]
    assert [said.status for said in seen] == [200, 200, 429]
    assert seen[2].body["errors"][0]["code"] == 10100
    assert int(seen[2].headers["Retry-After"]) > 0
    assert "Ratelimit" in seen[0].headers
    cloudflare.remote.clock(advance=301)
    assert cloudflare.call("GET", "/zones", token=token).status == 200


# Zones, records, settings


def test_zones_come_in_pages_and_by_exact_name(cloudflare: Cloudflare) -> None:
    first = cloudflare.call("GET", "/zones?per_page=5&page=1")
    info = first.body["result_info"]
    assert (info["count"], info["total_count"], info["total_pages"]) == (5, 11, 3)
    assert len(cloudflare.call("GET", "/zones?per_page=5&page=3").result) == 1
    assert cloudflare.call("GET", "/zones?name=hop.example").result == []
    assert cloudflare.call("GET", "/zones?name=closed.example").result == []
    unicode = cloudflare.call("GET", "/zones?name=bücher.example").result
    assert unicode[0]["name"] == "xn--bcher-kva.example"


def test_zones_that_are_not_as_they_should_be_say_so(cloudflare: Cloudflare) -> None:
    paused = cloudflare.call("GET", "/zones?name=dedi.example").result[0]
    assert (paused["paused"], paused["status"]) == (True, "active")
    ssl = cloudflare.call("GET", f"{cloudflare.zone('reseller1.example')}/settings/ssl")
    assert (ssl.result["id"], ssl.result["value"]) == ("ssl", "flexible")
    mode = cloudflare.call("GET", f"{cloudflare.zone()}/settings/ssl_automatic_mode")
    assert mode.result["id"] == "ssl_tls_configuration_mode"


def test_a_name_in_the_place_of_an_id_leads_nowhere(cloudflare: Cloudflare) -> None:
    said = cloudflare.call("GET", "/zones/shop.example")
    assert said.error == (400, 7003)
    assert "Could not route to /client/v4/zones/shop.example" in said.body["errors"][0]["message"]


def test_records_say_who_is_proxied(cloudflare: Cloudflare) -> None:
    path = f"{cloudflare.zone()}/dns_records"
    named = cloudflare.call("GET", f"{path}?name.exact=shop.example").result
    assert [(one["content"], one["proxied"]) for one in named] == [("127.0.0.1", True)]
    grey = cloudflare.call("GET", f"{path}?name=mail.shop.example").result
    assert grey[0]["proxied"] is False
    assert cloudflare.call("GET", f"{path}?name=*.shop.example").result[0]["proxied"] is True
    assert cloudflare.call("GET", f"{path}?nome=shop.example").status == 400


def test_a_setting_is_written_only_where_it_may_be(cloudflare: Cloudflare) -> None:
    path = f"{cloudflare.zone()}/settings/tls_client_auth"
    assert cloudflare.call("PATCH", path, {"value": "on"}).result["value"] == "on"
    assert cloudflare.call("PATCH", path, {"value": "maybe"}).status == 400
    cloudflare.remote.zone("shop.example", editable=False)
    assert cloudflare.call("GET", path).result["editable"] is False
    assert cloudflare.call("PATCH", path, {"value": "off"}).status == 400


# Certificates


@STORES
def test_a_certificate_lives_from_pending_to_its_tombstone(
    cloudflare: Cloudflare, store: str
) -> None:
    base = f"{cloudflare.aop()}{store}"
    assert cloudflare.call("GET", base).body["result"] is None
    mine = leaf()
    said = cloudflare.call("POST", base, mine.body)
    assert said.result["status"] == "pending_deployment"
    assert "private_key" not in said.result
    one = f"{base}/{said.result['id']}"
    assert cloudflare.call("DELETE", one).error == (400, 1434)
    cloudflare.remote.clock(advance=10)
    assert status(cloudflare, one) == "active"
    assert ("serial_number" in said.result) == (store == HOSTNAMES)
    assert cloudflare.call("POST", base, mine.body).error == (400, 1406)
    assert cloudflare.call("DELETE", one).result["status"] == "pending_deletion"
    assert cloudflare.call("DELETE", one).error == (400, 1414)
    cloudflare.remote.clock(advance=10)
    assert status(cloudflare, one) == "deleted"
    assert cloudflare.call("DELETE", one).error == (400, 1552)
    assert cloudflare.call("GET", base).body["result"] is None
    assert cloudflare.call("POST", base, mine.body).result["id"] == said.result["id"]


@STORES
@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("authority", 1412),
        ("silent", 1412),
        ("no PEM", 1408),
        ("mismatch", None),
        ("expired", None),
    ],
)
def test_an_upload_that_is_no_good_leaf_is_refused(
    cloudflare: Cloudflare, store: str, kind: str, code: int | None
) -> None:
    bodies = {
        "authority": leaf(is_authority=True).body,
        "silent": leaf(is_authority=None).body,
        "no PEM": {"certificate": "nothing", "private_key": leaf().key},
        "mismatch": {"certificate": leaf().pem, "private_key": leaf().key},
        "expired": leaf(days=-1).body,
    }
    said = cloudflare.call("POST", f"{cloudflare.aop()}{store}", bodies[kind])
    assert said.status == 400
    assert code in (None, said.error[1])
    assert "result" not in said.body or said.body["result"] is None


def test_the_stores_do_not_know_each_others_certificates(cloudflare: Cloudflare) -> None:
    cert_id = cloudflare.uploaded(leaf())
    assert cloudflare.call("GET", f"{cloudflare.aop()}{HOSTNAMES}/{cert_id}").error == (404, 1551)
    assert getattr(bind(cloudflare, cert_id, True), "error", None) == (400, 1415)


def test_the_eleventh_certificate_is_one_too_many(cloudflare: Cloudflare) -> None:
    said = [
        cloudflare.call("POST", f"{cloudflare.aop()}{HOSTNAMES}", leaf().body) for _ in range(11)
    ]
    assert [one.status for one in said] == [200] * 10 + [400]


def test_what_never_becomes_active_can_be_seen(cloudflare: Cloudflare) -> None:
    base = cloudflare.aop()
    for fate in ("stuck", "deployment_timed_out", "dreaming"):
        cloudflare.remote.switch(fate=fate, fate_times=1)
        cert_id = cloudflare.uploaded(leaf())
        expected = "pending_deployment" if fate == "stuck" else fate
        assert status(cloudflare, f"{base}/{cert_id}") == expected


def test_a_pending_tombstone_refuses_or_comes_back_by_switch(cloudflare: Cloudflare) -> None:
    mine = leaf()
    cert_id = cloudflare.uploaded(mine)
    cloudflare.call("DELETE", f"{cloudflare.aop()}/{cert_id}")
    cloudflare.remote.switch(reupload_while_pending="1406")
    assert cloudflare.call("POST", cloudflare.aop(), mine.body).error == (400, 1406)
    cloudflare.remote.switch(reupload_while_pending="revive")
    assert cloudflare.call("POST", cloudflare.aop(), mine.body).result["id"] == cert_id


# Associations


def test_an_association_lives_from_pending_to_void(cloudflare: Cloudflare) -> None:
    base = f"{cloudflare.aop()}/hostnames"
    cert_id = cloudflare.uploaded(leaf(), store=HOSTNAMES)
    one = f"{base}/www.shop.example"
    assert cloudflare.call("GET", one).error == (404, 1553)
    bound = bind(cloudflare, cert_id, True)
    assert isinstance(getattr(bound, "result", None), list)
    assert status(cloudflare, one) == "pending_deployment"
    assert cloudflare.call("GET", base).result == []
    assert len(cloudflare.call("GET", f"{base}?status=all").result) == 1
    cloudflare.remote.clock(advance=10)
    found = cloudflare.call("GET", one).result
    assert (found["enabled"], found["status"], found["cert_status"]) == (True, "active", "active")
    kept = f"{base}/certificates/{cert_id}"
    assert cloudflare.call("DELETE", kept).error == (400, 1433)
    bind(cloudflare, cert_id, None)
    assert cloudflare.call("GET", one).result["enabled"] is None
    assert cloudflare.call("DELETE", kept).error == (400, 1433)
    cloudflare.remote.clock(advance=60)
    assert cloudflare.call("GET", one).error == (404, 1553)
    assert cloudflare.call("DELETE", kept).status == 200


def test_a_disabled_association_still_holds_its_certificate(cloudflare: Cloudflare) -> None:
    cert_id = cloudflare.uploaded(leaf(), store=HOSTNAMES)
    bind(cloudflare, cert_id, False)
    cloudflare.remote.clock(advance=60)
    kept = f"{cloudflare.aop()}{HOSTNAMES}/{cert_id}"
    assert cloudflare.call("DELETE", kept).error == (400, 1433)
    cloudflare.remote.switch(delete_disabled=True)
    assert cloudflare.call("DELETE", kept).status == 200


def test_a_voided_association_may_stay_with_null(cloudflare: Cloudflare) -> None:
    cloudflare.remote.switch(void_leaves="null")
    cert_id = cloudflare.uploaded(leaf(), store=HOSTNAMES)
    bind(cloudflare, cert_id, True)
    bind(cloudflare, cert_id, None)
    cloudflare.remote.clock(advance=60)
    found = cloudflare.call("GET", f"{cloudflare.aop()}/hostnames/www.shop.example").result
    assert found["enabled"] is None


def test_associations_that_say_too_little_are_refused(cloudflare: Cloudflare) -> None:
    path = f"{cloudflare.aop()}/hostnames"
    for entry, code in (
        ({"hostname": "www.shop.example", "enabled": True}, 1404),
        ({"cert_id": "0" * 32, "enabled": True}, None),
        ({"hostname": "www.shop.example", "cert_id": "0" * 32, "enabled": True}, 1415),
        ({"hostname": "www.blog.example", "cert_id": "0" * 32, "enabled": True}, None),
    ):
        said = cloudflare.call("PUT", path, {"config": [entry]})
        assert said.status == 400
        assert code in (None, said.error[1])


def test_the_list_of_associations_may_be_missing(cloudflare: Cloudflare) -> None:
    cloudflare.remote.switch(listing="404")
    assert cloudflare.call("GET", f"{cloudflare.aop()}/hostnames").status == 404


# Faults


def test_a_second_change_while_one_runs_is_409_in_that_zone_alone(cloudflare: Cloudflare) -> None:
    base, other = cloudflare.aop(), cloudflare.aop("blog.example")
    cloudflare.remote.switch(busy=30)
    assert cloudflare.call("POST", base, leaf().body).status == 200
    assert cloudflare.call("POST", base, leaf().body).status == 409
    assert cloudflare.call("POST", other, leaf().body).status == 200
    cloudflare.remote.clock(advance=31)
    assert cloudflare.call("POST", base, leaf().body).status == 200


def test_a_call_that_is_still_at_work_holds_the_others_off(cloudflare: Cloudflare) -> None:
    base = cloudflare.aop()
    cloudflare.remote.fault("origin_tls_client_auth$", method="POST", delay=PATIENCE)
    seen: list[int] = []
    slow = threading.Thread(
        target=lambda: seen.append(
            requests.post(
                f"{cloudflare.access.url}{base}",
                json=leaf().body,
                headers={"Authorization": f"Bearer {cloudflare.token}"},
                timeout=PATIENCE,
            ).status_code
        )
    )
    slow.start()
    while not any(call["method"] == "POST" for call in cloudflare.remote.calls()):
        pass
    assert cloudflare.call("POST", base, leaf().body).status == 409
    cloudflare.remote.end_faults()
    slow.join()
    assert seen == [200]


def test_a_cut_after_the_write_leaves_it_done(cloudflare: Cloudflare) -> None:
    base, mine = cloudflare.aop(), leaf()
    cloudflare.remote.fault("origin_tls_client_auth$", method="POST", cut="after")
    with pytest.raises(requests.ConnectionError):
        cloudflare.call("POST", base, mine.body)
    assert len(cloudflare.call("GET", base).result) == 1
    cloudflare.remote.fault("origin_tls_client_auth$", method="POST", cut="before")
    with pytest.raises(requests.ConnectionError):
        cloudflare.call("POST", base, leaf().body)
    assert len(cloudflare.call("GET", base).result) == 1


def test_any_answer_can_be_had_for_so_many_calls(cloudflare: Cloudflare) -> None:
    cloudflare.remote.fault("/zones", times=2, status=503, body="<html>busy</html>")
    url, headers = f"{cloudflare.access.url}/zones", {"Authorization": f"Bearer {cloudflare.token}"}
    seen = [cloudflare.http.get(url, headers=headers, timeout=PATIENCE) for _ in range(3)]
    assert [one.status_code for one in seen] == [503, 503, 200]
    assert seen[0].text == "<html>busy</html>"
    cloudflare.remote.fault("/zones", status=400, code=1234, message="odd")
    assert cloudflare.call("GET", "/zones").error == (400, 1234)


def test_bodies_that_are_not_what_they_should_be_are_refused(cloudflare: Cloudflare) -> None:
    path = f"{cloudflare.aop()}/settings"
    for body in ({"enabled": "yes"}, {"enabled": True, "more": 1}, {}, [True]):
        assert cloudflare.call("PUT", path, body).status == 400
    extra = leaf().body | {"bundle_method": "force"}
    assert cloudflare.call("POST", cloudflare.aop(), extra).status == 400


def test_the_log_of_calls_has_order_and_tokens_and_nothing_secret(cloudflare: Cloudflare) -> None:
    mine = leaf()
    cloudflare.uploaded(mine)
    calls = cloudflare.remote.calls()
    assert [call["method"] for call in calls[-2:]] == ["GET", "POST"]
    assert {call["status"] for call in calls} == {200}
    text = str(calls) + str(cloudflare.remote.zones())
    assert cloudflare.token not in text
    assert "PRIVATE KEY" not in text


# DNS


@pytest.mark.parametrize(
    ("name", "addresses"),
    [
        ("shop.example", ["127.0.64.1", "127.0.64.2"]),
        ("anything.shop.example", ["127.0.64.1", "127.0.64.2"]),
        ("mail.shop.example", ["127.0.0.1"]),
        ("plain.example", ["127.0.0.1"]),
        ("www.closed.example", ["127.0.0.1"]),
        ("dedi.example", ["127.0.0.2"]),
    ],
)
def test_dns_names_the_edge_for_proxied_names_and_the_origin_for_others(
    cloudflare: Cloudflare, name: str, addresses: list[str]
) -> None:
    answer = cloudflare.http.get(cloudflare.access.dns, params={"name": name}, timeout=PATIENCE)
    body = answer.json()
    assert body["Status"] == 0
    assert [one["data"] for one in body["Answer"]] == addresses


def test_dns_knows_no_address_of_a_name_that_is_not_there(cloudflare: Cloudflare) -> None:
    for query, code in (
        ({"name": "nobody.invalid", "type": "A"}, 3),
        ({"name": "none.blog.example", "type": "A"}, 3),
        ({"name": "shop.example", "type": "AAAA"}, 0),
    ):
        answer = cloudflare.http.get(cloudflare.access.dns, params=query, timeout=PATIENCE)
        assert answer.json()["Status"] == code
        assert "Answer" not in answer.json()


def test_the_published_networks_hold_the_edge(cloudflare: Cloudflare) -> None:
    answer = requests.get(f"{cloudflare.access.url}/ips", timeout=PATIENCE).json()
    assert answer["result"]["ipv4_cidrs"] == ["127.0.64.0/24"]
