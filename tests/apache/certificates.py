"""Client certificates as visitors may have them: good ones, foreign ones, forged ones."""

from __future__ import annotations

import datetime
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

from tests.apache.client import Shown

CLIENT = ExtendedKeyUsageOID.CLIENT_AUTH
SERVER = ExtendedKeyUsageOID.SERVER_AUTH
DAY = datetime.timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Signer:
    """A certificate with its key, whether it may sign others or not."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey

    @classmethod
    def authority(cls, name: str) -> Self:
        """A fresh CA; two of one name are two."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = _subject(name)
        constraints = x509.BasicConstraints(ca=True, path_length=None)
        builder = _builder(subject, subject, key).add_extension(constraints, critical=True)
        return cls(builder.sign(key, hashes.SHA256()), key)

    @classmethod
    def alone(cls, name: str) -> Self:
        """A self-signed certificate that is no CA."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = _subject(name)
        builder = _leaf_extensions(_builder(subject, subject, key), CLIENT)
        return cls(builder.sign(key, hashes.SHA256()), key)

    @classmethod
    def load(cls, shown: Shown) -> Self:
        """The certificate and key in two files."""
        certificate, key = (path.read_bytes() for path in shown)
        signer = load_pem_private_key(key, None)
        assert isinstance(signer, ec.EllipticCurvePrivateKey)
        return cls(x509.load_pem_x509_certificate(certificate), signer)

    def leaf(
        self, name: str, *, usage: ObjectIdentifier = CLIENT, is_expired: bool = False
    ) -> Signer:
        """A certificate that this one signs, allowed or not."""
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(_subject(name), self.certificate.subject, key, is_expired=is_expired)
        signed = _leaf_extensions(builder, usage).sign(self.key, hashes.SHA256())
        return Signer(signed, key)

    @property
    def pem(self) -> bytes:
        """The certificate alone."""
        return self.certificate.public_bytes(Encoding.PEM)

    def kept(self, folder: Path, *chain: Signer) -> Shown:
        """Certificate (with the chain to be sent) and key in files, for a visitor to show."""
        word = re.sub(r"\W+", "-", self.certificate.subject.rfc4514_string())
        place = folder / f"{word}-{self.certificate.serial_number:x}.pem"
        place.write_bytes(self.pem + b"".join(one.pem for one in chain))
        key = place.with_suffix(".key")
        key.write_bytes(self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        return place, key


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    *,
    is_expired: bool = False,
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    end = now - DAY if is_expired else now + 30 * DAY
    return (
        x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - 10 * DAY)
        .not_valid_after(end)
    )


def _leaf_extensions(
    builder: x509.CertificateBuilder, usage: ObjectIdentifier
) -> x509.CertificateBuilder:
    return builder.add_extension(
        x509.BasicConstraints(ca=False, path_length=None), critical=True
    ).add_extension(x509.ExtendedKeyUsage([usage]), critical=False)


def _subject(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
