"""Makes and keeps certificates: a CA with one client leaf for a vhost, and the server's probe.

A vhost's CA signs one leaf and its key is thrown away at once: nobody can ever make a second
certificate that this vhost accepts. The probe CA keeps its key (root's, 0600), because monitors
are given certificates later on.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from origin_pulls.errors import Damaged
from origin_pulls.model import certificates as judged
from origin_pulls.model.certificates import Anchor
from origin_pulls.secret import Secret
from origin_pulls.server import files

# Clocks differ a little between us, the edge and Apache.
BACK_DATED = timedelta(days=1)
LONGEST_NAME = 64  # of a common name, RFC 5280


@dataclass(frozen=True, slots=True)
class Material:
    """A CA certificate with the one client leaf below it: PEM texts and the leaf's key."""

    authority: bytes
    leaf: bytes
    leaf_key: Secret

    def anchor(self, now: datetime) -> Anchor:
        """The CA as Apache is given it to trust."""
        return judged.anchors(self.authority, now=now, where="The made CA")[0]

    @property
    def number(self) -> str:
        """A short name for this material, made of its leaf's fingerprint."""
        return number_of(fingerprint(self.leaf))

    @property
    def leaf_sha256(self) -> str:
        """The SHA-256 of the leaf's DER, by which Cloudflare's lists are searched."""
        return fingerprint(self.leaf)

    @property
    def serial(self) -> int:
        """The leaf's serial number, as the request log shows it."""
        return x509.load_pem_x509_certificate(self.leaf).serial_number

    @property
    def expires(self) -> datetime:
        """When the leaf or its CA expires, whichever comes first."""
        found = [x509.load_pem_x509_certificate(pem) for pem in (self.authority, self.leaf)]
        return min(one.not_valid_after_utc for one in found)


@dataclass(frozen=True, slots=True)
class Probe:
    """This server's probe: its CA (with key), and the files of the leaf that proofs carry."""

    authority: bytes
    authority_key: Secret
    leaf_file: Path
    leaf_key_file: Path
    stranger_file: Path
    stranger_key_file: Path

    def anchor(self, now: datetime) -> Anchor:
        """The probe CA as every bundle holds it."""
        return judged.anchors(self.authority, now=now, where="The probe CA")[0]

    def issue(self, common_name: str, *, now: datetime, days: int) -> tuple[bytes, Secret]:
        """A further client certificate below the probe CA, and its key."""
        key = ec.generate_private_key(ec.SECP256R1())
        authority = x509.load_pem_x509_certificate(self.authority)
        signer = load_pem_private_key(self.authority_key.reveal(), password=None)
        if not isinstance(signer, ec.EllipticCurvePrivateKey):
            raise Damaged("The probe CA's key is of another kind", hint="Remove the probe folder.")
        leaf = _leaf(common_name, key, authority, signer, now, timedelta(days=days))
        return leaf.public_bytes(Encoding.PEM), _key_text(key)


def make(name: str, *, now: datetime, years: int) -> Material:
    """A new CA and leaf for one vhost: P-256, the leaf for client authentication alone."""
    authority, signer = _authority(f"Origin Pulls CA for {name}", now, _years(years))
    key = ec.generate_private_key(ec.SECP256R1())
    leaf = _leaf(f"Origin Pulls for {name}", key, authority, signer, now, _years(years))
    return Material(
        authority.public_bytes(Encoding.PEM), leaf.public_bytes(Encoding.PEM), _key_text(key)
    )


def number_of(leaf_sha256: str) -> str:
    """The number under which the material of a leaf is kept."""
    return leaf_sha256[:16]


def fingerprint(pem: bytes) -> str:
    """The SHA-256 of a certificate's DER, in hex."""
    return x509.load_pem_x509_certificate(pem).fingerprint(hashes.SHA256()).hex()


def keep(material: Material, folder: Path) -> None:
    """Write the material below ``folder``; the key is root's alone from its first byte on."""
    files.make_directory(folder, mode=0o700)
    files.replace(folder / "ca.pem", material.authority, mode=files.PRIVATE)
    files.replace(folder / "leaf.key", material.leaf_key.reveal(), mode=files.PRIVATE)
    files.replace(folder / "leaf.pem", material.leaf, mode=files.PRIVATE)


def kept(folder: Path) -> Material | None:
    """The material kept below ``folder``; ``None`` when there is none or not all of it."""
    texts = [files.read(folder / name) for name in ("ca.pem", "leaf.pem", "leaf.key")]
    authority, leaf, key = texts
    if authority is None or leaf is None or key is None:
        return None
    return Material(authority, leaf, Secret(key))


def probe(folder: Path, *, now: datetime, years: int) -> Probe:
    """This server's probe; it is made at the first use, and anew when it is not whole."""
    found = kept_probe(folder)
    if found is not None:
        return found
    authority, signer = _authority("Origin Pulls probe CA", now, _years(years))
    _keep_leaf(folder, "leaf", "Origin Pulls probe", authority, signer, now, _years(years))
    foreign, foreign_signer = _authority("Nobody's CA", now, _years(years))
    _keep_leaf(folder, "stranger", "A stranger", foreign, foreign_signer, now, _years(years))
    files.replace(folder / "ca.key", _key_text(signer).reveal(), mode=files.PRIVATE)
    # The CA last: what has it has all.
    files.replace(folder / "ca.pem", authority.public_bytes(Encoding.PEM), mode=files.PRIVATE)
    again = kept_probe(folder)
    if again is None:
        raise Damaged(f"The probe in {folder} cannot be kept", hint="Look at that folder.")
    return again


def kept_probe(folder: Path) -> Probe | None:
    """The probe kept below ``folder``; ``None`` when there is none or not all of it."""
    authority, key = files.read(folder / "ca.pem"), files.read(folder / "ca.key")
    places = [folder / name for name in ("leaf.pem", "leaf.key", "stranger.pem", "stranger.key")]
    if authority is None or key is None or not all(place.is_file() for place in places):
        return None
    return Probe(authority, Secret(key), *places)


def _keep_leaf(
    folder: Path,
    name: str,
    common_name: str,
    authority: x509.Certificate,
    signer: ec.EllipticCurvePrivateKey,
    now: datetime,
    life: timedelta,
) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    leaf = _leaf(common_name, key, authority, signer, now, life)
    files.make_directory(folder, mode=0o700)
    files.replace(folder / f"{name}.key", _key_text(key).reveal(), mode=files.PRIVATE)
    files.replace(folder / f"{name}.pem", leaf.public_bytes(Encoding.PEM), mode=files.PRIVATE)


def _authority(
    name: str, now: datetime, life: timedelta
) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _subject(name)
    builder = (
        _builder(subject, subject, key, now, life)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
    )
    return builder.sign(key, hashes.SHA256()), key


def _leaf(
    name: str,
    key: ec.EllipticCurvePrivateKey,
    authority: x509.Certificate,
    signer: ec.EllipticCurvePrivateKey,
    now: datetime,
    life: timedelta,
) -> x509.Certificate:
    life = min(life, authority.not_valid_after_utc - now)
    issuer_key = x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key())
    builder = (
        _builder(_subject(name), authority.subject, key, now, life)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .add_extension(issuer_key, critical=False)
    )
    return builder.sign(signer, hashes.SHA256())


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    now: datetime,
    life: timedelta,
) -> x509.CertificateBuilder:
    key_identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACK_DATED)
        .not_valid_after(now + life)
        .add_extension(key_identifier, critical=False)
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _subject(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:LONGEST_NAME])])


def _key_text(key: ec.EllipticCurvePrivateKey) -> Secret:
    return Secret(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def _years(years: int) -> timedelta:
    return timedelta(days=years * 365 + years // 4)
