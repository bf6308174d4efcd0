"""What goes wrong between here and Cloudflare: waited for, read back, or said in words."""

from __future__ import annotations

import json
import logging
import re
import traceback
import zlib
from collections.abc import Callable

import pytest

from origin_pulls.cloudflare import faults
from origin_pulls.cloudflare.client import Client
from origin_pulls.cloudflare.exchange import LARGEST
from origin_pulls.cloudflare.pace import BURST, Pace
from origin_pulls.errors import EdgeLater, EdgeRefused, EdgeUnknown
from origin_pulls.secret import Secret
from tests.cloudflare.conftest import TOKEN, sample
from tests.cloudflare.material import Leaf
from tests.cloudflare.scripted import CUT, HTML, SILENT, Api, Reply, bad, good, serving

ZONE = "023e105f4ecef8ad9ca31a8372d0c353"
CERT = "2458ce5a-0c35-4c7f-82c7-8e9487d3ff60"
AOP = f"/zones/{ZONE}/origin_tls_client_auth"
VERIFY = "/user/tokens/verify"
GOOD = good({"id": "t", "status": "active"})
BUSY = bad(409, 0, "")


def uploaded(leaf: Leaf, status: str = "pending_deployment", cert: str = CERT) -> dict[str, str]:
    """A certificate as Cloudflare gives it back."""
    return {"id": cert, "certificate": leaf.pem.strip(), "status": status}


# -- reading --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "first",
    [CUT, HTML, Reply(200, b"<html>"), Reply(200, b"[1]"), Reply(200, b"[" * 100_000)],
    ids=["cut", "html 502", "html 200", "a list", "deep"],
)
def test_a_question_without_a_usable_answer_is_asked_again(
    api: Api, client: Client, slept: list[float], first: Reply
) -> None:
    api.on("GET", VERIFY, first, GOOD)
    assert client.verify().is_good
    assert slept == [0.5]


def test_after_three_repetitions_it_is_unknown(api: Api, client: Client) -> None:
    api.on("GET", VERIFY, HTML)
    with pytest.raises(EdgeUnknown) as raised:
        client.verify()
    assert "HTTP 502" in raised.value.message
    assert raised.value.hint
    assert len(api.calls) == 4


def test_a_redirect_is_not_followed(api: Api, client: Client) -> None:
    api.on("GET", VERIFY, Reply(302, b"", (("Location", f"{api.url}/elsewhere"),)))
    with pytest.raises(EdgeUnknown, match="HTTP 302"):
        client.verify()
    assert set(api.made()) == {f"GET {VERIFY}"}


def test_an_oversized_body_is_not_read_to_its_end(api: Api, client: Client) -> None:
    api.on("GET", VERIFY, Reply(200, b" " * (LARGEST + 1)))
    with pytest.raises(EdgeUnknown, match="larger than"):
        client.verify()


def test_a_packed_body_that_unpacks_without_end_is_not_followed(api: Api, client: Client) -> None:
    bomb = zlib.compress(b" " * (LARGEST + 1000))
    api.on("GET", VERIFY, Reply(200, bomb, (("Content-Encoding", "deflate"),)))
    with pytest.raises(EdgeUnknown, match="larger than"):
        client.verify()


def test_a_server_that_says_nothing_is_not_waited_for_without_end(api: Api) -> None:
    api.on("GET", VERIFY, SILENT)
    with (
        Client(api.url, Secret(b"x"), sleep=lambda _: None, read_timeout=0.2) as client,
        pytest.raises(EdgeUnknown, match="no usable answer"),
    ):
        client.verify()


def test_no_connection_is_tried_three_times_more(slept: list[float]) -> None:
    with serving() as gone:
        pass
    with (
        Client(gone.url, Secret(b"x"), sleep=slept.append) as client,
        pytest.raises(EdgeUnknown, match="cannot be reached"),
    ):
        client.set_zone_aop(ZONE, enabled=True)
    assert slept[:3] == [0.5, 2.0, 8.0]


def test_a_fresh_token_is_given_time(api: Api, client: Client, slept: list[float]) -> None:
    refusal = bad(403, 0, "Unable to authenticate request")
    api.on("GET", VERIFY, refusal, refusal, refusal, GOOD)
    assert client.verify().is_good
    assert slept == [0.5, 1.0, 2.0]


def test_a_token_that_stays_unknown_is_called_so(api: Api, client: Client) -> None:
    api.on("GET", f"/zones/{ZONE}", bad(403, 0, "Unable to authenticate request"))
    with pytest.raises(EdgeRefused, match="does not know the token"):
        client.zone(ZONE)
    assert len(api.calls) == 9


def test_429_waits_as_long_as_it_is_told_and_the_whole_token_does(
    api: Api, client: Client, slept: list[float]
) -> None:
    limit = json.loads(sample("err_429_rate_limit").body)["errors"][0]
    api.on("GET", VERIFY, bad(429, limit["code"], limit["message"], retry_after="500"), GOOD)
    assert client.verify().is_good
    assert slept == [pytest.approx(500, abs=300)]
    with Client(api.url, Secret(TOKEN.encode()), sleep=slept.append) as other:
        other.verify()
    assert slept[1] > 1, "another client of the same token waits too"
    with Client(api.url, Secret(b"another"), sleep=slept.append) as other:
        other.verify()
    assert len(slept) == 2, "another token does not"


def test_a_throttling_that_does_not_end_is_unknown(api: Api, client: Client) -> None:
    api.on("GET", VERIFY, Reply(429, b"error code: 1015"))
    with pytest.raises(EdgeUnknown, match="throttles this token"):
        client.verify()
    assert len(api.calls) == 3


def test_who_may_not_wait_is_told_when_to_ask_again(api: Api, slept: list[float]) -> None:
    api.on("GET", VERIFY, bad(429, 10100, "", retry_after="500"))
    token = Secret(b"throttled")
    with Client(api.url, token, sleep=slept.append, longest=4.0) as one:
        for _ in range(3):
            with pytest.raises(EdgeLater, match="throttles this token until") as raised:
                one.verify()
            assert raised.value.seconds == pytest.approx(500, abs=300)
    assert slept == []
    assert len(api.calls) == 1, "it is not asked before its time"


def test_who_may_not_wait_leaves_a_silent_token_alone_and_no_other(
    api: Api, slept: list[float]
) -> None:
    api.on("GET", VERIFY, SILENT)
    api.on("GET", f"/zones/{ZONE}", sample("get_zone"))
    with Client(
        api.url, Secret(b"silent"), sleep=slept.append, read_timeout=0.2, longest=4.0
    ) as one:
        for _ in range(2):
            with pytest.raises(EdgeLater, match="no answer a moment ago"):
                one.verify()
    assert len(api.calls) == 1
    with Client(api.url, Secret(b"sound"), sleep=slept.append, longest=4.0) as other:
        assert other.zone(ZONE)


def test_who_may_not_wait_comes_again_where_cloudflare_is_busy(
    api: Api, slept: list[float]
) -> None:
    api.on("PUT", f"{AOP}/settings", bad(409, 0, "conflict"))
    api.on("GET", f"{AOP}/settings", good({"enabled": False}))
    with (
        Client(api.url, Secret(b"busy"), sleep=slept.append, pause=3.0, longest=4.0) as one,
        pytest.raises(EdgeLater, match="busy with another change"),
    ):
        one.set_zone_aop(ZONE, enabled=True)
    assert slept == [3.0]


def test_calls_keep_within_1200_in_five_minutes() -> None:
    now = 0.0
    pace = Pace(lambda: now)
    made = 0
    while now < 300:
        now += pace.take()
        made += 1
    assert BURST < made <= 1200


# -- every error of the table ---------------------------------------------------------------

TABLE = [
    (400, 1404, "Certificate ID required", "certificate's id"),
    (400, 1408, "Unable to parse certificate", "cannot read the certificate"),
    (400, 1412, "Only leaf certificate is allowed.", "leaf certificates only"),
    (400, 1415, "Invalid Certificate ID", "no such certificate"),
    (403, 10000, "Authentication error", "The token lacks"),
    (403, 0, "requires permission 'com.cloudflare.api.account.zone.list'", "The token lacks"),
    (403, 9109, "Cannot use the access token from location: 203.0.113.7", "from this server"),
    (403, 9109, "Unauthorized to access requested resource", "not for this zone"),
    (401, 1000, "Invalid API Token", "does not know this token"),
    (400, 1001, 'Missing "Authorization" header', "No token was sent"),
    (400, 6003, "Invalid request headers", "no API token"),
    (404, 7003, "Could not route to /client/v4/zones/x", "no zone of this id"),
    (404, 0, "", "no such thing"),
    (403, 0, "", "refuses the token"),
    (400, 4711, "Your {plan} does not allow it", "does not allow it"),
]


@pytest.mark.parametrize(("status", "code", "said", "message"), TABLE)
def test_every_lasting_error_has_a_sentence_a_hint_and_its_code(
    api: Api, client: Client, status: int, code: int, said: str, message: str
) -> None:
    api.on("PUT", f"{AOP}/settings", bad(status, code, said))
    with pytest.raises(EdgeRefused) as raised:
        client.set_zone_aop(ZONE, enabled=True)
    assert message in raised.value.message
    assert raised.value.hint
    assert "{" not in raised.value.hint
    assert (raised.value.code, raised.value.status) == (code, status)
    assert len(api.calls) == 1, "it is not tried again"


def test_a_lacking_permission_is_named(api: Api, client: Client) -> None:
    api.on("GET", f"/zones/{ZONE}/dns_records", sample("err_10000_missing_permission", 403))
    with pytest.raises(EdgeRefused) as raised:
        client.records(ZONE)
    assert "DNS: Read" in raised.value.hint
    assert raised.value.is_about_permission


def test_codes_in_a_chain_are_found(api: Api, client: Client) -> None:
    api.on("GET", VERIFY, sample("err_6003_bad_token_format", 400))
    with pytest.raises(EdgeRefused, match="Invalid format for Authorization header"):
        client.verify()


def test_every_row_of_the_table_can_be_reached() -> None:
    for fault in faults.TABLE:
        status = fault.statuses[0] if fault.statuses else 400
        found = faults.find(status, fault.codes, fault.texts[0] if fault.texts else "")
        assert found is fault


# -- writing --------------------------------------------------------------------------------


@pytest.mark.parametrize("lost", [CUT, HTML, SILENT], ids=["cut", "502", "timeout"])
def test_an_upload_that_took_effect_is_adopted_not_doubled(
    api: Api, leaf: Leaf, lost: Reply
) -> None:
    api.on("POST", AOP, lost)
    api.on("GET", AOP, good([uploaded(leaf)]))
    with Client(api.url, Secret(b"x"), sleep=lambda _: None, read_timeout=2.0) as client:
        found = client.upload_zone_certificate(ZONE, leaf.pem, leaf.key)
    assert found.id == CERT
    assert api.made("POST") == [f"POST {AOP}"]


def test_an_upload_that_took_no_effect_is_sent_again(api: Api, client: Client, leaf: Leaf) -> None:
    api.on("POST", AOP, CUT, good(uploaded(leaf)))
    api.on("GET", AOP, good(None))
    assert client.upload_zone_certificate(ZONE, leaf.pem, leaf.key).id == CERT
    assert api.made() == [f"POST {AOP}", f"GET {AOP}", f"POST {AOP}"]


def test_an_upload_that_stays_unknown_says_so(api: Api, client: Client, leaf: Leaf) -> None:
    api.on("POST", AOP, CUT)
    api.on("GET", AOP, good(None))
    with pytest.raises(EdgeUnknown):
        client.upload_zone_certificate(ZONE, leaf.pem, leaf.key)
    assert len(api.made("POST")) == 4
    assert api.made()[-1] == f"GET {AOP}", "the last try is read back, too"


def test_the_same_certificate_is_adopted_by_its_der(
    api: Api, client: Client, slept: list[float], leaf: Leaf
) -> None:
    api.on("POST", AOP, sample("err_1406_already_exists", 400))
    other = {"id": "0" * 32, "certificate": "no certificate", "status": "active"}
    api.on("GET", AOP, good([other, uploaded(leaf, "active")]))
    assert client.upload_zone_certificate(ZONE, leaf.pem, leaf.key).id == CERT
    assert slept == []


def test_a_certificate_that_is_being_deleted_is_waited_for(
    api: Api, client: Client, slept: list[float], leaf: Leaf
) -> None:
    exists = sample("err_1406_already_exists", 400)
    api.on("POST", AOP, exists, exists, good(uploaded(leaf)))
    api.on("GET", AOP, good([uploaded(leaf, "pending_deletion")]))
    assert client.upload_zone_certificate(ZONE, leaf.pem, leaf.key).id == CERT
    assert slept == [5.0, 5.0]


def test_a_file_that_is_no_certificate_is_not_sent(api: Api, client: Client, leaf: Leaf) -> None:
    with pytest.raises(Exception, match="no PEM certificate"):
        client.upload_zone_certificate(ZONE, "x", leaf.key)
    assert api.calls == []


def test_a_busy_zone_is_waited_for_and_read_before_each_try(
    api: Api, client: Client, slept: list[float]
) -> None:
    api.on("PUT", f"{AOP}/settings", BUSY, BUSY, good({"enabled": True}))
    api.on("GET", f"{AOP}/settings", good({"enabled": False}))
    client.set_zone_aop(ZONE, enabled=True)
    assert slept == [5.0, 5.0]
    assert [call.split()[0] for call in api.made()] == ["PUT", "GET", "PUT", "GET", "PUT"]


def test_a_zone_that_stays_busy_is_given_up(api: Api, client: Client, slept: list[float]) -> None:
    api.on("PUT", f"{AOP}/settings", BUSY)
    api.on("GET", f"{AOP}/settings", good({"enabled": False}))
    with pytest.raises(EdgeRefused, match="busy with another change"):
        client.set_zone_aop(ZONE, enabled=True)
    assert slept == [5.0] * 10


@pytest.mark.parametrize("code", [1433, 1434])
def test_a_certificate_in_use_or_deploying_is_deleted_when_it_is_free(
    api: Api, client: Client, leaf: Leaf, code: int
) -> None:
    place = f"{AOP}/hostnames/certificates/{CERT}"
    api.on("DELETE", place, bad(400, code, "in use"), good({"id": CERT}))
    api.on("GET", place, good(uploaded(leaf, "active")))
    client.delete_hostname_certificate(ZONE, CERT)
    assert len(api.made("DELETE")) == 2


@pytest.mark.parametrize(
    "after",
    [good({"id": CERT, "status": "pending_deletion"}), bad(404, 1551, "not found")],
    ids=["a tombstone", "absent"],
)
def test_a_delete_whose_answer_was_lost_is_read_back(
    api: Api, client: Client, after: Reply
) -> None:
    api.on("DELETE", f"{AOP}/{CERT}", CUT)
    api.on("GET", f"{AOP}/{CERT}", after)
    client.delete_zone_certificate(ZONE, CERT)
    assert len(api.made("DELETE")) == 1


def test_associations_whose_answer_was_lost_are_read_back_by_name(api: Api, client: Client) -> None:
    def entry(name: str, **more: object) -> Reply:
        return good({"hostname": name, "cert_id": CERT, "enabled": True, **more})

    api.on("PUT", f"{AOP}/hostnames", CUT, good([]))
    api.on("GET", f"{AOP}/hostnames/a.example.com", entry("a.example.com"))
    api.on("GET", f"{AOP}/hostnames/b.example.com", bad(404, 1553, ""), entry("b.example.com"))
    client.associate(ZONE, [("a.example.com", CERT, True), ("b.example.com", CERT, True)])
    assert len(api.made("PUT")) == 2, "one of the two was not there yet"
    api.calls.clear()
    api.on("PUT", f"{AOP}/hostnames", CUT)
    client.associate(ZONE, [("a.example.com", CERT, True), ("b.example.com", CERT, True)])


# -- secrets --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "reply",
    [
        CUT,
        HTML,
        bad(400, 99, f"You sent {TOKEN} and -----BEGIN PRIVATE KEY-----\nabc"),
        bad(403, 10000, f"cfut_{'z' * 40}"),
        bad(429, 10100, "", retry_after="99999"),
    ],
    ids=["cut", "html", "echo", "another token", "throttled"],
)
def test_nothing_secret_shows_in_errors_traces_logs_or_reprs(
    api: Api, client: Client, leaf: Leaf, caplog: pytest.LogCaptureFixture, reply: Reply
) -> None:
    caplog.set_level(logging.DEBUG)
    api.on("POST", AOP, reply)
    api.on("GET", AOP, reply)
    with pytest.raises((EdgeRefused, EdgeUnknown)) as raised:
        client.upload_zone_certificate(ZONE, leaf.pem, leaf.key)
    shown = "".join(
        (
            *traceback.format_exception(raised.value, chain=True),
            raised.value.message + raised.value.hint,
            repr(vars(raised.value)) + repr(client) + repr(vars(client)),
            caplog.text,
        )
    )
    for frame in _frames(raised.value):
        shown += repr(frame)
    key = leaf.key.reveal().decode().splitlines()[1]
    assert TOKEN not in shown
    assert key not in shown
    assert not re.search(r"cf[a-z]+_\w{16}", shown)
    assert "PRIVATE KEY" not in shown


def _frames(error: BaseException) -> list[dict[str, object]]:
    """What an error's chain carries as attributes: a library's would hold the request."""
    found: list[dict[str, object]] = []
    one: BaseException | None = error
    while one is not None:
        found.append(dict(getattr(one, "__dict__", {})))
        one = one.__cause__ or one.__context__
    return found


def test_cloudflares_words_are_cut_and_made_printable(
    api: Api, client: Client, slept: list[float]
) -> None:
    api.on("GET", VERIFY, bad(400, 99, "\x1b[31m" + "a" * 5000))
    with pytest.raises(EdgeRefused) as raised:
        client.verify()
    assert raised.value.message.isprintable()
    assert len(raised.value.message) < 500


def test_a_wait_can_be_broken_off(api: Api, leaf: Leaf) -> None:
    def stop(_: float) -> None:
        raise KeyboardInterrupt

    api.on("PUT", f"{AOP}/settings", BUSY)
    breaking: Callable[[float], None] = stop
    with (
        Client(api.url, Secret(b"x"), sleep=breaking) as client,
        pytest.raises(KeyboardInterrupt),
    ):
        client.set_zone_aop(ZONE, enabled=True)
