"""Takes a certificate that was made elsewhere, judged as Cloudflare and Apache will judge it."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from origin_pulls.errors import Unusable
from origin_pulls.model.certificates import unfit
from origin_pulls.secret import Secret
from origin_pulls.server import files, handshaking
from origin_pulls.server.certificates import Material, keep

LARGEST = 1024 * 1024
MARK = "imported-for"
SHORTEST_RSA, LONGEST_RSA = 2048, 4096
SHORTEST_LIFE = timedelta(days=1)  # what ends sooner is brought nowhere (engine/edge/choosing)
HASHES = (hashes.SHA256, hashes.SHA384, hashes.SHA512)


def material(leaf: bytes, key: bytes, authority: bytes | None, *, now: datetime) -> Material:
    """The material of a leaf with its key, and the CA that signed it.

    Without a CA the leaf must be self-signed, and is its own anchor. Raises ``Unusable`` with the
    first thing that Cloudflare or Apache would not take (facts: §2.6, §3).
    """
    certificate = _one(leaf, "The certificate file")
    signer = _one(authority, "The CA file") if authority is not None else certificate
    _check_leaf(certificate, now)
    secret = _checked_key(key, certificate)
    _check_signer(signer, certificate, now, is_given=authority is not None)
    made = Material(
        signer.public_bytes(Encoding.PEM), certificate.public_bytes(Encoding.PEM), secret
    )
    refusal = handshaking.refusal(made)
    if refusal:
        raise Unusable(
            f"This server's OpenSSL, and so Apache, refuses the certificate: {refusal}",
            hint="`openssl verify -purpose sslclient -CAfile CA LEAF` tells more.",
        )
    return made


def read(path: Path) -> bytes:
    """A file that somebody named; ``Unusable`` when it cannot be read."""
    try:
        text = files.read(path, limit=LARGEST)
    except OSError as error:
        raise Unusable(f"{path} cannot be read: {error.strerror}", hint="Check it.") from error
    if text is None:
        raise Unusable(f"There is no file {path}", hint="Check the name.")
    return text


def keep_for(made: Material, folder: Path, vhost: str) -> None:
    """Keep imported material, with the mark that says for which vhost a person brought it."""
    keep(made, folder)
    files.replace(folder / MARK, vhost.encode(), mode=files.PRIVATE)


def imported_for(folder: Path) -> str:
    """For which vhost this material was imported; empty when it was made here."""
    try:
        return (files.read(folder / MARK, limit=4096) or b"").decode("utf-8", "replace")
    except OSError:
        return ""


def _one(pem: bytes, what: str) -> x509.Certificate:
    try:
        found = x509.load_pem_x509_certificates(pem)
    except (ValueError, TypeError) as error:
        raise Unusable(f"{what} holds no readable certificate", hint="It must be PEM.") from error
    if len(found) != 1:
        raise Unusable(
            f"{what} holds {len(found)} certificates",
            hint="Cloudflare has no place for a chain: give the leaf alone, and with `--ca` the "
            "one root that signed it.",
        )
    return found[0]


def _check_leaf(leaf: x509.Certificate, now: datetime) -> None:
    try:
        is_authority = leaf.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        is_authority = None
    if is_authority is not False:
        said = "is a CA" if is_authority else "does not say that it is no CA (CA:FALSE)"
        raise Unusable(
            f"The certificate {said}; Cloudflare takes only leaves (its error 1412)",
            hint="Issue a leaf with basicConstraints CA:FALSE.",
        )
    problem = unfit(leaf, is_issuer=False)
    if problem:
        raise Unusable(
            f"The certificate {problem}: Apache would refuse it in the handshake",
            hint="Issue it with the key usage digitalSignature and the extended key usage "
            "clientAuth, or with none.",
        )
    _check_dates(leaf, "The certificate", now)
    if not isinstance(leaf.signature_hash_algorithm, HASHES):
        raise Unusable("The certificate is not signed with SHA-256", hint="Issue it with SHA-256.")


def _check_dates(certificate: x509.Certificate, what: str, now: datetime) -> None:
    if certificate.not_valid_after_utc <= now:
        raise Unusable(
            f"{what} expired on {certificate.not_valid_after_utc:%Y-%m-%d}",
            hint="Apache refuses it in every mode. Bring its successor.",
        )
    if certificate.not_valid_after_utc <= now + SHORTEST_LIFE:
        raise Unusable(
            f"{what} ends on {certificate.not_valid_after_utc:%Y-%m-%d %H:%M} UTC, too soon to be "
            "brought to Cloudflare",
            hint="Bring its successor.",
        )
    if certificate.not_valid_before_utc > now:
        raise Unusable(
            f"{what} is not valid before {certificate.not_valid_before_utc:%Y-%m-%d %H:%M} UTC",
            hint="Check the clocks, or wait.",
        )


def _checked_key(text: bytes, leaf: x509.Certificate) -> Secret:
    try:
        key = load_pem_private_key(text, password=None)
    except TypeError:
        raise Unusable("The key is encrypted", hint="Give it without a passphrase.") from None
    except (ValueError, UnsupportedAlgorithm):
        # Not chained: what cannot be parsed may be quoted in the error.
        raise Unusable("The key file holds no readable key", hint="It must be PEM.") from None
    if isinstance(key, rsa.RSAPrivateKey):
        is_safe = SHORTEST_RSA <= key.key_size <= LONGEST_RSA
    else:
        is_safe = isinstance(key, ec.EllipticCurvePrivateKey) and key.curve.name == "secp256r1"
    if not is_safe:
        raise Unusable(
            "The key is of a kind that Cloudflare is not known to take",
            hint="RSA with 2048 to 4096 bits, or ECDSA with P-256.",
        )
    form = Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    if key.public_key().public_bytes(*form) != leaf.public_key().public_bytes(*form):
        raise Unusable("The key is not that of the certificate", hint="Give the two that match.")
    return Secret(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def _check_signer(
    signer: x509.Certificate, leaf: x509.Certificate, now: datetime, *, is_given: bool
) -> None:
    if is_given:
        _check_authority(signer)
    _check_dates(signer, "The CA", now)
    for one, by, what in (
        (leaf, signer, "The CA did not sign the certificate"),
        (signer, signer, "The CA is not a root, and Apache trusts no part of a chain"),
    ):
        try:
            one.verify_directly_issued_by(by)
        except (ValueError, TypeError, InvalidSignature) as error:
            hint = (
                "Give the root that signed it directly."
                if is_given
                else "It is not self-signed: give its CA with `--ca`."
            )
            raise Unusable(what, hint=hint) from error


def _check_authority(signer: x509.Certificate) -> None:
    """Whether OpenSSL takes this certificate as an issuer (``openssl verify``, invalid CA)."""
    try:
        is_authority = signer.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except x509.ExtensionNotFound:
        is_authority = False
    if not is_authority:
        raise Unusable(
            "The CA file holds a certificate that does not say that it is a CA (CA:TRUE): Apache "
            "would take nothing that it signed",
            hint="Give the root; or leave `--ca` away for a leaf that is self-signed.",
        )
    problem = unfit(signer, is_issuer=True)
    if problem:
        raise Unusable(f"The CA {problem}", hint="Apache would refuse every visitor.")
