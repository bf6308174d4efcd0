"""The client against a scripted server: every sample body, and Cloudflare's ways to be lenient."""

from __future__ import annotations

import json

import pytest

from origin_pulls.cloudflare.client import Client
from origin_pulls.cloudflare.values import Association, Record, Zone
from origin_pulls.errors import EdgeRefused, EdgeUnknown
from origin_pulls.secret import Secret
from tests.cloudflare.conftest import sample
from tests.cloudflare.material import Leaf
from tests.cloudflare.scripted import Api, Reply, bad, good

ZONE = "023e105f4ecef8ad9ca31a8372d0c353"
CERT = "2458ce5a-0c35-4c7f-82c7-8e9487d3ff60"
AOP = f"/zones/{ZONE}/origin_tls_client_auth"
CERTIFICATES = f"{AOP}/hostnames/certificates"


def test_the_token_goes_out_as_a_bearer_and_nothing_is_taken_from_the_environment(
    api: Api, client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    api.on("GET", "/user/tokens/verify", sample("get_user_tokens_verify"))
    assert client.verify().is_good
    assert api.calls[0].headers["authorization"].startswith("Bearer cfut_")


def test_a_token_with_dates_tells_them(api: Api, client: Client) -> None:
    api.on("GET", "/user/tokens/verify", sample("get_user_tokens_verify_dates"))
    state = client.verify()
    assert state.expires_on == "2020-01-01T00:00:00Z"
    assert state.not_before == "2018-07-01T05:20:00Z"


def test_an_account_owned_token_is_judged_by_whether_it_may_ask(api: Api, client: Client) -> None:
    api.on("GET", "/user/tokens/verify", bad(401, 1000, "Invalid API Token"))
    api.on("GET", "/zones", good([]))
    state = client.verify()
    assert state.is_good
    assert state.is_account_owned


def test_a_wrong_token_is_refused_in_words(api: Api, client: Client) -> None:
    api.on("GET", "/user/tokens/verify", bad(401, 1000, "Invalid API Token"))
    api.on("GET", "/zones", sample("err_10000_missing_permission", 403))
    with pytest.raises(EdgeRefused) as raised:
        client.verify()
    assert raised.value.code == 1000
    assert "token add" in raised.value.hint


def test_a_zone_is_read_with_all_that_matters(api: Api, client: Client) -> None:
    api.on("GET", f"/zones/{ZONE}", sample("get_zone"))
    assert client.zone(ZONE) == Zone(
        ZONE, "example.com", "active", False, "full", "01a7362d577a6c3019a474fd6f485823"
    )
    assert client.zone(ZONE).is_usable


def test_zones_are_asked_by_name_and_only_exact_ones_count(api: Api, client: Client) -> None:
    api.on("GET", "/zones", sample("list_zones_composed"))
    assert [zone.id for zone in client.zones_named("EXAMPLE.com.")] == [ZONE]
    assert "name=example.com" in api.calls[0].query
    assert client.zones_named("ample.com") == []


def test_of_two_zones_of_one_name_the_active_one_comes_first(api: Api, client: Client) -> None:
    pending = {"id": "a" * 32, "name": "example.com", "status": "pending"}
    paused = {"id": "b" * 32, "name": "example.com", "status": "active", "paused": True}
    active = {"id": "c" * 32, "name": "example.com", "status": "active", "paused": False}
    api.on("GET", "/zones", good([pending, paused, active]))
    assert [zone.id[0] for zone in client.zones_named("example.com")] == ["c", "a", "b"]


def test_a_zone_that_is_kept_under_its_unicode_name_is_found(api: Api, client: Client) -> None:
    zone = {"id": ZONE, "name": "bücher.example", "status": "active"}
    api.on("GET", "/zones", good(None), good([zone]))
    assert [found.name for found in client.zones_named("xn--bcher-kva.example")] == [
        "xn--bcher-kva.example"
    ]


def test_records_come_from_all_pages(api: Api, client: Client) -> None:
    def record(number: int, **more: object) -> dict[str, object]:
        name = f"n{number}.example.com"
        return {"type": "A", "name": name, "content": "192.0.2.1", "proxied": True, **more}

    first = good([record(1), record(2, proxied=False)], page=1, per_page=2, total_count=4)
    second = good([record(3, type="MX"), record(4, type="CNAME")], page=2, total_pages=2)
    api.on("GET", f"/zones/{ZONE}/dns_records", first, second)
    names = [record.name for record in client.proxied_records(ZONE)]
    assert names == ["n1.example.com", "n4.example.com"]


def test_a_list_without_end_is_not_read_without_end(api: Api, client: Client) -> None:
    record = {"type": "A", "name": "a.example.com", "content": "192.0.2.1", "proxied": True}
    api.on("GET", f"/zones/{ZONE}/dns_records", good([record], total_pages=10**8))
    with pytest.raises(EdgeUnknown, match="more than 5000"):
        client.records(ZONE)


def test_records_of_one_name_are_that_names_alone(api: Api, client: Client) -> None:
    api.on("GET", f"/zones/{ZONE}/dns_records", sample("list_dns_records"))
    found = client.records_named(ZONE, "xn--138h.example.com")
    assert found == [Record("xn--138h.example.com", "A", "198.51.100.4", False)]
    assert client.records_named(ZONE, "other.example.com") == []
    assert "name.exact=xn--138h.example.com" in api.calls[0].query


@pytest.mark.parametrize(
    ("name", "is_on"),
    [("get_setting_tls_client_auth", True), ("patch_setting_tls_client_auth_off", False)],
)
def test_the_shared_certificate_is_read(api: Api, client: Client, name: str, is_on: bool) -> None:
    api.on("GET", f"/zones/{ZONE}/settings/tls_client_auth", sample(name))
    assert client.shared_is_on(ZONE) is is_on


def test_the_encryption_mode_is_read_from_a_body_without_success(api: Api, client: Client) -> None:
    api.on("GET", f"/zones/{ZONE}/settings/ssl", sample("patch_setting_ssl"))
    assert client.ssl_mode(ZONE) == "off"


def test_the_zone_switch_is_read_and_set(api: Api, client: Client) -> None:
    api.on("GET", f"{AOP}/settings", sample("get_zone_aop_settings"))
    api.on("PUT", f"{AOP}/settings", sample("put_zone_aop_settings"))
    assert client.zone_aop_is_on(ZONE)
    client.set_zone_aop(ZONE, enabled=True)
    assert api.calls[-1].json == {"enabled": True}


def test_a_switch_that_answers_something_else_is_not_believed(api: Api, client: Client) -> None:
    api.on("GET", f"{AOP}/settings", good({"enabled": True}))
    api.on("PUT", f"{AOP}/settings", good({"enabled": True}))
    with pytest.raises(EdgeUnknown):
        client.set_zone_aop(ZONE, enabled=False)


def test_both_stores_of_certificates_are_read(api: Api, client: Client) -> None:
    api.on("GET", AOP, sample("list_zone_aop_certs"))
    api.on("GET", CERTIFICATES, sample("list_hostname_aop_certs"))
    (of_zone,) = client.zone_certificates(ZONE)
    of_name = client.hostname_certificates(ZONE)[0]
    assert of_zone.id == of_name.id == CERT
    assert of_zone.sha256 == of_name.sha256 != ""
    assert of_name.serial == "6743787633689793699141714808227354901"
    assert of_name.uploaded_on == "2019-10-28T18:11:23.37411Z"
    assert of_zone.is_active
    assert of_zone.is_live


def test_a_zone_without_certificates_answers_null(api: Api, client: Client) -> None:
    api.on("GET", AOP, sample("list_zone_aop_certs_empty_composed"))
    assert client.zone_certificates(ZONE) == []


def test_an_unknown_status_means_not_active_yet(api: Api, client: Client, leaf: Leaf) -> None:
    one = {"id": CERT, "certificate": leaf.pem, "status": "contemplating"}
    api.on("GET", AOP, good([one]))
    (found,) = client.zone_certificates(ZONE)
    assert not found.is_active
    assert found.is_live


def test_a_tombstone_is_not_live(api: Api, client: Client) -> None:
    api.on("GET", AOP, good([{"id": CERT, "status": "pending_deletion"}]))
    assert not client.zone_certificates(ZONE)[0].is_live


def test_an_upload_sends_certificate_and_key_and_gives_what_came(
    api: Api, client: Client, leaf: Leaf
) -> None:
    came = {"id": CERT, "certificate": leaf.pem + "\n\n", "status": "pending_deployment"}
    api.on("POST", AOP, good(came))
    found = client.upload_zone_certificate(ZONE, leaf.pem, leaf.key)
    assert (found.id, found.sha256, found.is_active) == (CERT, leaf.sha256, False)
    assert api.calls[0].json == {
        "certificate": leaf.pem,
        "private_key": leaf.key.reveal().decode(),
    }


def test_a_certificate_for_names_goes_to_the_other_store(
    api: Api, client: Client, leaf: Leaf
) -> None:
    api.on("POST", CERTIFICATES, good({"id": CERT, "certificate": leaf.pem, "status": "active"}))
    assert client.upload_hostname_certificate(ZONE, leaf.pem, leaf.key).is_active


@pytest.mark.parametrize("name", ["delete_zone_aop_cert", "delete_hostname_aop_cert"])
def test_a_certificate_is_deleted(api: Api, client: Client, name: str) -> None:
    store = AOP if "zone" in name else CERTIFICATES
    api.on("DELETE", f"{store}/{CERT}", sample(name))
    delete = client.delete_zone_certificate
    if store == CERTIFICATES:
        delete = client.delete_hostname_certificate
    delete(ZONE, CERT)
    assert api.made() == [f"DELETE {store}/{CERT}"]


@pytest.mark.parametrize(
    "reply",
    [
        bad(400, 1414, "This certificate is pending deletion."),
        bad(404, 1551, "certificate not found"),
        bad(400, 1552, "gone"),
        bad(404, 0, ""),
        bad(400, 0, "Certificate is already deleted."),
    ],
)
def test_a_certificate_that_is_gone_already_counts_as_deleted(
    api: Api, client: Client, reply: Reply
) -> None:
    api.on("DELETE", f"{AOP}/{CERT}", reply)
    client.delete_zone_certificate(ZONE, CERT)


def test_deleting_in_a_zone_that_is_not_there_is_no_success(api: Api, client: Client) -> None:
    api.on("DELETE", f"{AOP}/{CERT}", sample("err_7003_bad_identifier", 404))
    with pytest.raises(EdgeRefused, match="no zone of this id"):
        client.delete_zone_certificate(ZONE, CERT)


def test_an_association_is_read(api: Api, client: Client) -> None:
    api.on("GET", f"{AOP}/hostnames/app.example.com", sample("get_hostname_aop"))
    found = client.association(ZONE, "app.example.com")
    assert found == Association("app.example.com", CERT, True, "active", "active")
    assert found.is_active


@pytest.mark.parametrize(
    "reply",
    [
        bad(404, 1553, "setting for this hostname not found"),
        good({"hostname": "app.example.com", "cert_id": CERT, "enabled": None}),
        good({"hostname": "app.example.com", "cert_id": CERT}),
        good(None),
    ],
)
def test_no_association_reads_as_none_in_every_form(api: Api, client: Client, reply: Reply) -> None:
    api.on("GET", f"{AOP}/hostnames/app.example.com", reply)
    assert client.association(ZONE, "app.example.com") is None


def test_an_association_that_presents_nothing_is_not_taken_for_none(
    api: Api, client: Client
) -> None:
    entry = {"hostname": "app.example.com", "cert_id": CERT, "enabled": False, "status": "active"}
    api.on("GET", f"{AOP}/hostnames/app.example.com", good(entry))
    found = client.association(ZONE, "app.example.com")
    assert found is not None
    assert found.enabled is False
    assert not found.is_active


def test_all_associations_are_listed_whatever_their_status(api: Api, client: Client) -> None:
    entries = [
        {"hostname": "a.example.com", "cert_id": CERT, "enabled": False, "status": "active"},
        {"hostname": "b.example.com", "cert_id": CERT, "enabled": True, "status": "deleted"},
        {"hostname": "c.example.com", "cert_id": CERT, "enabled": None, "status": "active"},
    ]
    api.on("GET", f"{AOP}/hostnames", good(entries))
    assert [one.hostname for one in client.associations(ZONE)] == ["a.example.com"]
    assert "status=all" in api.calls[0].query


def test_names_are_asked_one_by_one_where_there_is_no_list(api: Api, client: Client) -> None:
    api.on("GET", f"{AOP}/hostnames", bad(405, 0, "Method not allowed"))
    api.on("GET", f"{AOP}/hostnames/app.example.com", sample("get_hostname_aop"))
    api.on("GET", f"{AOP}/hostnames/b.example.com", bad(404, 1553, "not found"))
    found = client.associations(ZONE, ["app.example.com", "b.example.com"])
    assert [one.hostname for one in found] == ["app.example.com"]


@pytest.mark.parametrize("enabled", [True, None])
def test_associating_and_voiding_are_sent_as_cloudflare_wants_them(
    api: Api, client: Client, enabled: bool | None
) -> None:
    api.on("PUT", f"{AOP}/hostnames", sample("put_hostname_aop"))
    client.associate(ZONE, [("app.example.com", CERT, enabled)])
    name = "req_put_hostname_aop_enable" if enabled else "req_put_hostname_aop_void"
    assert api.calls[0].json == json.loads(sample(name).body)


def test_a_void_of_a_certificate_that_is_gone_is_done(api: Api, client: Client) -> None:
    api.on("PUT", f"{AOP}/hostnames", bad(400, 1415, "Invalid Certificate ID"))
    assert client.associate(ZONE, [("app.example.com", CERT, None)]) == []


def test_an_association_with_a_wrong_certificate_is_refused(api: Api, client: Client) -> None:
    api.on("PUT", f"{AOP}/hostnames", bad(400, 1415, "Invalid Certificate ID"))
    with pytest.raises(EdgeRefused, match="no such certificate"):
        client.associate(ZONE, [("app.example.com", CERT, True)])


def test_cloudflares_networks_come_as_they_are(api: Api, client: Client) -> None:
    api.on("GET", "/ips", sample("get_ips"))
    assert json.loads(client.networks())["result"]["ipv4_cidrs"] == ["198.51.100.0/24"]


def test_what_stands_in_a_path_cannot_leave_it(api: Api, client: Client) -> None:
    with pytest.raises(EdgeRefused):
        client.zone("../user/tokens?x=1#")
    assert api.calls[0].path == "/zones/..%2Fuser%2Ftokens%3Fx%3D1%23"


def test_plain_http_is_for_this_machine_alone(api: Api) -> None:
    for url in ("http://api.cloudflare.com", "http://localhost:1", "ftp://127.0.0.1", "https://"):
        with pytest.raises(Exception, match="https://"):
            Client(url, Secret(b"x"))
