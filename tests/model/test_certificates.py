"""The CA file that Apache reads holds the certificates that are trusted and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from origin_pulls.errors import Unusable
from origin_pulls.model import certificates

NOW = datetime(2026, 5, 1, tzinfo=UTC)
BEGIN, END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"


def authority(name: str, key_usage: x509.KeyUsage | None = None) -> bytes:
    """A CA whose subject is this text, whatever that is."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=90))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    )
    if key_usage is not None:
        made = made.add_extension(key_usage, critical=True)
    return made.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM)


@pytest.mark.parametrize(
    "name",
    [f"x\n{BEGIN}\nAAAA", f"x{BEGIN}", END, "A PRIVATE KEY", "a\r\nb", "-" * 60, "é\u2028x"],
)
def test_a_subject_that_looks_like_pem_is_no_more_than_a_comment(name: str) -> None:
    trusted = certificates.anchors(authority(name) + authority("another"), now=NOW)
    certificates.check_bundle(trusted)
    text = certificates.bundle(trusted)
    assert [one.sha256 for one in certificates.anchors(text, now=NOW)] == [
        one.sha256 for one in trusted
    ]
    outside = [line for line in text.decode().splitlines() if line.startswith("#")]
    assert len(outside) == len(trusted)
    assert not any("--" in line for line in outside)
    assert certificates.in_one_line(name).isprintable()
    assert "--" not in certificates.as_comment(name)


def test_a_file_that_would_not_be_read_as_it_was_meant_is_never_given_out() -> None:
    (anchor,) = certificates.anchors(authority("good"), now=NOW)
    broken = certificates.Anchor(
        pem=anchor.pem.replace("MII", "XII", 1),
        sha256=anchor.sha256,
        subject=anchor.subject,
        expires=anchor.expires,
        is_authority=True,
        is_self_signed=True,
    )
    with pytest.raises(Unusable, match="would not be read"):
        certificates.check_bundle([anchor, broken])


def test_a_ca_that_may_sign_nothing_is_not_trusted() -> None:
    usage = x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=False,
        crl_sign=False,
        encipher_only=False,
        decipher_only=False,
    )
    with pytest.raises(Unusable, match="keyCertSign"):
        certificates.anchors(authority("signs nothing", usage), now=NOW)


def test_a_name_in_its_ascii_form_is_read_as_it_is() -> None:
    name = "CN=Origin Pulls CA for xn--bcher-kva.example"
    assert certificates.in_one_line(name) == name
