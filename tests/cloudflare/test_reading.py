"""The parsers take whatever comes, and make nothing of what is nothing."""

from __future__ import annotations

import json
import re
from dataclasses import astuple, is_dataclass
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from origin_pulls.cloudflare import dns, reading
from origin_pulls.cloudflare.transport import _errors as read_errors
from tests.cloudflare.conftest import SAMPLES, patient, sample_result

PARSERS = [
    reading.token,
    reading.permission_groups,
    reading.zone,
    reading.zones,
    reading.records,
    reading.setting,
    reading.switch,
    reading.certificate,
    reading.certificates,
    reading.association,
    reading.associations,
]
FIELDS = (
    "id name status certificate cert_id hostname enabled paused account type content proxied "
    "value cert_status policies effect message code"
)
names = st.sampled_from(FIELDS.split())
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=8),
    max_leaves=20,
)


@pytest.mark.parametrize("parser", PARSERS, ids=lambda parser: parser.__name__)
def test_a_parser_never_fails(parser: object) -> None:
    assert callable(parser)

    @patient
    @given(values)
    def holds(value: object) -> None:
        found = parser(value)
        listed = found if isinstance(found, list) else [found]
        for one in listed:
            if is_dataclass(one) and not isinstance(one, type):
                texts = [text for text in astuple(one) if isinstance(text, str)]
                assert all(text.isprintable() or "\n" in text or "\r" in text for text in texts)

    holds()


@patient
@given(values)
def test_errors_in_any_form_are_read(value: object) -> None:
    assert all(isinstance(code, int) for code, _ in read_errors(value))


@patient
@given(st.dictionaries(st.sampled_from(["page", "per_page", "total_count", "total_pages"]), values))
def test_pages_are_counted_whatever_is_said(said: dict[str, object]) -> None:
    assert reading.total_pages({"result_info": said}) >= 1


@patient
@given(st.binary() | values.map(lambda value: json.dumps(value).encode()))
def test_an_answer_of_dns_is_read_or_is_none(body: bytes) -> None:
    found = dns.read_answer(body, "A")
    assert found is None or all(found)


@pytest.mark.parametrize(
    "place", sorted(SAMPLES.glob("*_certs.json")) + sorted(SAMPLES.glob("*_cert.json"))
)
def test_every_sample_of_a_certificate_is_read_whole(place: Path) -> None:
    for one in reading.certificates(sample_result(place.stem)):
        assert re.fullmatch(r"[0-9a-f-]{36}", one.id)
        assert len(one.sha256) == 64
        assert one.status == "active"
        assert one.expires_on == "2100-01-01T05:20:00Z"


def test_a_certificate_that_is_none_has_no_fingerprint() -> None:
    found = reading.certificate({"id": "a" * 32, "certificate": "-----BEGIN CERTIFICATE-----"})
    assert found is not None
    assert found.sha256 == ""


def test_a_private_key_that_comes_is_not_kept() -> None:
    entry = {"id": "a" * 32, "certificate": "x", "private_key": "very secret"}
    assert "very secret" not in repr(reading.certificate(entry))
