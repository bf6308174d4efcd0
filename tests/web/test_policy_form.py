"""The form of a policy: a CA as a file or pasted, what happens on drift, and whose CA it may be."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from origin_pulls.server import certificates
from tests.web.browsing import Answer, Visitor
from tests.web.conftest import Served
from tests.web.test_changes import applied, followed

pytestmark = pytest.mark.apache

HERE = "r=/vhosts/dedi/dedi.example"
POLICY = {"mode": "observe", "trust": "custom", "port80": "leave", "on_drift": "tell"}
MADE = certificates.make("a CA of ours", now=datetime.now(UTC), years=1)


def sent(visitor: Visitor, values: dict[str, str], ca: bytes, name: str = "ca.pem") -> Answer:
    """The form as a browser sends it with a file."""
    edge = "a-line-between-the-parts"
    given = {"token": visitor.get("r=/").token, **values}
    parts = [
        f'--{edge}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{value}\r\n'.encode()
        for key, value in given.items()
    ]
    head = f'--{edge}\r\nContent-Disposition: form-data; name="ca_file"; filename="{name}"\r\n'
    parts.append(f"{head}Content-Type: application/octet-stream\r\n\r\n".encode() + ca + b"\r\n")
    body = b"".join(parts) + f"--{edge}--\r\n".encode()
    kind = {"Content-Type": f"multipart/form-data; boundary={edge}"}
    return visitor.send("POST", f"{HERE}/policy", body, kind)


@pytest.fixture(autouse=True)
def nothing_is_staged(served: Served) -> None:
    served.whm.post("r=/discard", {})


def test_a_ca_comes_as_a_file_and_its_policy_is_carried_out(served: Served) -> None:
    whm, dedi = served.whm, served.account("dedi")
    answer = sent(whm, POLICY, MADE.authority)
    assert "Origin Pulls CA for a CA of ours" not in answer.text
    assert followed(whm, answer).status == 200
    page = whm.get(applied(whm)).text
    assert "Done and proven" in page
    try:
        form = whm.get(HERE).text
        assert 'value="custom" checked' in form
        assert 'value="tell" checked' in form
        assert "Origin Pulls CA for a CA of ours" in form
        # The account holder keeps it, changes something else, and reads no form for another.
        own = dedi.get(HERE).text
        assert "that the administrator brought" in own
        assert "ca_file" not in own
        answer = dedi.post(f"{HERE}/policy", {**POLICY, "exempt_paths": "/hooks"})
        assert "Nothing would be done" not in followed(dedi, answer).text
        assert "nothing that Apache reads is changed" in dedi.get(applied(dedi)).text
        kept = served.under.json("show", "dedi.example")["policy"]
        assert (kept["trust"], kept["exempt_paths"]) == ("custom", ["/hooks"])
        # Another kind of trust leaves no CA over.
        answer = dedi.post(f"{HERE}/policy", {**POLICY, "trust": "own"})
        assert "Refused" not in followed(dedi, answer).text
        assert "Done and proven" in dedi.get(applied(dedi)).text
        assert served.under.json("show", "dedi.example")["policy"]["ca"] == ""
    finally:
        dedi.post("r=/discard", {})
        served.under.json("off", "dedi.example")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "There is no certificate authority"),
        (b"\x30\x82\x01\x0a binary", "no readable certificate"),
        (MADE.leaf, "neither a CA nor self-signed"),
        (MADE.authority + MADE.leaf_key.reveal(), "holds a private key"),
        (MADE.authority + b"-----BEGIN CERTIFICATE-----\nAAAA\n", "certificate"),
        (MADE.authority + b"#" * 200_000, "larger than 200,000 bytes"),
    ],
    ids=["empty", "binary", "leaf", "key", "damaged", "large"],
)
def test_a_bad_file_is_answered_with_what_is_wrong(served: Served, text: bytes, said: str) -> None:
    for is_file in (True, False):
        if is_file:
            answer = sent(served.whm, POLICY, text)
        else:
            answer = served.whm.post(f"{HERE}/policy", {**POLICY, "ca": text.decode("latin-1")})
        assert said in answer.text, answer.text
        assert "PRIVATE KEY" not in answer.text
        assert "Nothing is staged" in served.whm.get("r=/review").text


def test_a_file_of_more_than_the_page_takes_is_refused(served: Served) -> None:
    assert sent(served.whm, POLICY, b"x" * 1_100_000).status == 413


def test_an_account_holder_brings_no_ca_whatever_is_sent(served: Served) -> None:
    dedi = served.account("dedi")
    try:
        answer = sent(dedi, POLICY, MADE.authority)
        assert answer.status == 303
        review = followed(dedi, answer).text
        assert "a CA of ours" not in review
        record = {**POLICY, "ca": MADE.authority.decode()}
        assert dedi.post(f"{HERE}/policy", record).status == 303
        assert "a CA of ours" not in dedi.get("r=/review").text
    finally:
        dedi.post("r=/discard", {})


def test_the_kept_certificate_is_told_with_issuer_end_and_fingerprint(served: Served) -> None:
    page = served.account("blog").get("r=/vhosts/blog/blog.example").text
    assert "CN=Origin Pulls CA for blog.example" in page
    assert "not there, as far as this server knows" in page
    assert "/keys/" not in page
    assert "certificate import blog.example" in served.whm.get("r=/vhosts/blog/blog.example").text
