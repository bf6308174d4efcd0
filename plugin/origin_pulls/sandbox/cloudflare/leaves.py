"""Certificates at Cloudflare: which uploads it takes, and the sandbox's shared CA with its leaf."""

from __future__ import annotations

import datetime
import hashlib
from dataclasses import dataclass

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from origin_pulls.sandbox.cloudflare.refusals import ApiRefusal

DAY = datetime.timedelta(days=1)
# Codes that Cloudflare surely has and nobody wrote down: no client may key on these numbers.
INVENTED_EXPIRED, INVENTED_MISMATCH = 1490, 1491


@dataclass(frozen=True, slots=True)
class Leaf:
    """A leaf in PEM with its key, and the CA that signed it."""

    certificate: str
    key: str
    authority: str


def accepted(pem: str, key: str) -> str:
    """The SHA-256 (of the DER) of an upload that Cloudflare would take; else its refusal."""
    try:
        found = x509.load_pem_x509_certificates(pem.encode())
        private = serialization.load_pem_private_key(key.encode(), None)
    except (ValueError, TypeError) as error:
        raise ApiRefusal(400, 1408, "Unable to parse certificate") from error
    certificate = found[0]
    if len(found) != 1 or not _is_leaf(certificate):
        raise ApiRefusal(400, 1412, "Only leaf certificate is allowed.")
    if certificate.public_key() != private.public_key():
        raise ApiRefusal(400, INVENTED_MISMATCH, "The certificate and private key do not match.")
    if certificate.not_valid_after_utc < datetime.datetime.now(datetime.UTC):
        raise ApiRefusal(400, INVENTED_EXPIRED, "The certificate has expired.")
    return hashlib.sha256(certificate.public_bytes(Encoding.DER)).hexdigest()


def described(pem: str) -> dict[str, str]:
    """What Cloudflare tells of a certificate beside its text: issuer, signature, serial, expiry."""
    certificate = x509.load_pem_x509_certificate(pem.encode())
    names = certificate.issuer.get_attributes_for_oid(NameOID.COMMON_NAME)
    algorithm = certificate.signature_hash_algorithm
    kind = "ECDSA" if "ecdsa" in certificate.signature_algorithm_oid._name.lower() else "RSA"
    return {
        "issuer": str(names[0].value) if names else "",
        "signature": f"{algorithm.name.upper() if algorithm else ''}With{kind}",
        "serial_number": str(certificate.serial_number),
        "expires_on": f"{certificate.not_valid_after_utc:%Y-%m-%dT%H:%M:%SZ}",
    }


def shared() -> Leaf:
    """A stand-in for Cloudflare's shared CA and the leaf that every customer's pulls carry."""
    key, leaf_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    subject = _name("origin-pull.sandbox.example")
    ca = (
        _begun(subject, subject, key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    leaf = (
        _begun(subject, _name("pulls.origin-pull.sandbox.example"), leaf_key)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    text = leaf_key.private_bytes(
        Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    return Leaf(_text(leaf), text, _text(ca))


def _begun(
    issuer: x509.Name, subject: x509.Name, key: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - DAY)
        .not_valid_after(now + 3650 * DAY)
    )


def _is_leaf(certificate: x509.Certificate) -> bool:
    """Whether it states that it is no CA; one that states nothing is refused as well."""
    try:
        return not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, ValueError):
        return False


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _text(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()
