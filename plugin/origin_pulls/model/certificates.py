"""Judges certificates that are given as PEM text: what they are, and why they cannot be used.

Apache accepts a CA file that holds garbage at ``httpd -t`` and dies of it at the next graceful
restart; so nothing is named in a configuration before it went through ``anchors``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from origin_pulls.errors import Unusable

MOST = 20
SHORTEST_RSA = 2048  # what OpenSSL's security level 2 takes; RHEL 9 and Debian are set to it
LONGEST_COMMENT = 200
MARKERS = re.compile("-{2,}|BEGIN|PRIVATE")  # of which PEM, and our own check, make something

Extension = TypeVar("Extension", bound=x509.ExtensionType)

CLOUDFLARE_SHA256 = "9a1ac2b4be15f9f27eee20a734cba4e9898f61001b3bd7c84b69b56a3e25a2b9"


@dataclass(frozen=True, slots=True)
class Anchor:
    """One certificate that a vhost trusts: PEM, and what a person wants to know of it."""

    pem: str
    sha256: str
    subject: str
    expires: datetime
    is_authority: bool
    is_self_signed: bool


def anchors(pem: str | bytes, *, now: datetime, where: str = "The CA file") -> list[Anchor]:
    """The certificates of a PEM text that Apache may be given to trust.

    Raises ``Unusable`` for text without certificates, with damaged ones, with a private key, with
    one that is expired or not yet valid, and with a leaf that is not its own issuer: such a file
    loads and then refuses everybody.
    """
    text = pem.encode("utf-8", "replace") if isinstance(pem, str) else pem
    if b"PRIVATE KEY" in text:
        raise Unusable(
            f"{where} holds a private key", hint="Give the certificates alone, and keep the key."
        )
    try:
        found = x509.load_pem_x509_certificates(text)
        judged = [_anchor(certificate) for certificate in found]
    except (ValueError, TypeError, x509.InvalidVersion) as error:
        raise Unusable(
            f"{where} holds no readable certificate",
            hint="It must be PEM: -----BEGIN CERTIFICATE----- and so on.",
        ) from error
    if text.count(b"BEGIN CERTIFICATE") != len(found):
        raise Unusable(f"{where} holds a damaged certificate", hint="Export it anew as PEM.")
    if len(found) > MOST:
        raise Unusable(f"{where} holds {len(found)} certificates", hint=f"At most {MOST}.")
    for certificate, anchor in zip(found, judged, strict=True):
        _check(certificate, anchor, now, where)
    return list({anchor.sha256: anchor for anchor in judged}.values())


def _check(certificate: x509.Certificate, anchor: Anchor, now: datetime, where: str) -> None:
    if certificate.not_valid_after_utc <= now:
        raise Unusable(
            f"{where}: {anchor.subject} expired on {anchor.expires:%Y-%m-%d}",
            hint="Apache would refuse every visitor. Bring the successor.",
        )
    if certificate.not_valid_before_utc > now:
        raise Unusable(
            f"{where}: {anchor.subject} is not valid before "
            f"{certificate.not_valid_before_utc:%Y-%m-%d %H:%M} UTC",
            hint="Check the clocks, or wait.",
        )
    if not anchor.is_authority and not anchor.is_self_signed:
        raise Unusable(
            f"{where}: {anchor.subject} is neither a CA nor self-signed",
            hint="Apache trusts issuers: give the CA that signed this certificate.",
        )
    problem = unfit(certificate, is_issuer=anchor.is_authority)
    if problem:
        raise Unusable(
            f"{where}: {anchor.subject} {problem}",
            hint="OpenSSL, and so Apache, would refuse every visitor. Give another one.",
        )


def unfit(certificate: x509.Certificate, *, is_issuer: bool) -> str:
    """Why OpenSSL takes no client by this certificate, as an issuer or a leaf; empty: it does.

    What ``openssl verify -purpose sslclient`` refuses, at security level 2, of key, key usage and
    extended key usage (OpenSSL, doc/man1/openssl-verification-options, "Certificate Extensions").
    """
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey) and key.key_size < SHORTEST_RSA:
        return f"has an RSA key of {key.key_size} bits: it must be {SHORTEST_RSA} or more"
    usage = _extension(certificate, x509.KeyUsage)
    if usage is not None and is_issuer and not usage.key_cert_sign:
        return "may sign no certificates (its key usage lacks keyCertSign)"
    if usage is not None and not is_issuer and not usage.digital_signature:
        return "may not sign a handshake (its key usage lacks digitalSignature)"
    purposes = _extension(certificate, x509.ExtendedKeyUsage)
    if purposes is not None and ExtendedKeyUsageOID.CLIENT_AUTH not in purposes:
        return "is not for clients (its extended key usage lacks clientAuth)"
    return ""


def _extension(certificate: x509.Certificate, kind: type[Extension]) -> Extension | None:
    try:
        return certificate.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None


def depth(trusted: Sequence[Anchor]) -> int:
    """The ``SSLVerifyDepth`` that lets a leaf of any of these through: 1 for roots alone."""
    return 1 if all(anchor.is_self_signed for anchor in trusted) else min(len(trusted) + 1, 10)


def bundle(trusted: Sequence[Anchor]) -> bytes:
    """The CA file for these anchors, each with a line that says what it is."""
    parts = [f"# {as_comment(anchor.subject)}\n{anchor.pem}" for anchor in trusted]
    return "".join(parts).encode("ascii")


def check_bundle(trusted: Sequence[Anchor]) -> None:
    """``Unusable`` where their CA file would not be read as these and nothing else.

    What they say of themselves stands in that file, and a file that cannot be read forbids every
    reload of the server.
    """
    if fingerprints(bundle(trusted)) != [anchor.sha256 for anchor in trusted]:
        raise Unusable(
            "The CA file would not be read as it was meant",
            hint="One of its certificates is damaged. Export it anew as PEM.",
        )


def fingerprints(pem: bytes) -> list[str]:
    """The SHA-256 of each certificate in a PEM text; empty when it cannot be read."""
    try:
        found = x509.load_pem_x509_certificates(pem)
    except ValueError:
        return []
    return [one.fingerprint(hashes.SHA256()).hex() for one in found]


def _anchor(certificate: x509.Certificate) -> Anchor:
    constraints = _extension(certificate, x509.BasicConstraints)
    return Anchor(
        pem=certificate.public_bytes(Encoding.PEM).decode("ascii"),
        sha256=certificate.fingerprint(hashes.SHA256()).hex(),
        subject=certificate.subject.rfc4514_string() or "(no subject)",
        expires=certificate.not_valid_after_utc,
        is_authority=constraints is not None and constraints.ca,
        is_self_signed=_is_self_signed(certificate),
    )


def _is_self_signed(certificate: x509.Certificate) -> bool:
    if certificate.subject != certificate.issuer:
        return False
    try:
        certificate.verify_directly_issued_by(certificate)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def in_one_line(text: str) -> str:
    """A name in a certificate as one line that a person takes for no more.

    Whoever made the certificate chose its words.
    """
    shown = "".join(sign if sign.isprintable() and sign.isascii() else "?" for sign in text)
    return shown[:LONGEST_COMMENT]


def as_comment(text: str) -> str:
    """The same for a PEM file, which is searched for ``-----BEGIN``."""
    return MARKERS.sub("?", in_one_line(text))
