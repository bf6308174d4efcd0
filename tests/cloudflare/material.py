"""Client certificates for the tests."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from origin_pulls.secret import Secret


@dataclass(frozen=True)
class Leaf:
    """A certificate, its key and its fingerprint."""

    pem: str
    key: Secret
    sha256: str


def make_leaf(name: str, now: datetime) -> Leaf:
    """A self-signed leaf that says CA:FALSE."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=30))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    text = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return Leaf(
        made.public_bytes(serialization.Encoding.PEM).decode(),
        Secret(text),
        made.fingerprint(hashes.SHA256()).hex(),
    )
