"""Judges certificates that are given as PEM text: what they are, and why they cannot be used.

Apache accepts a CA file that holds garbage at ``httpd -t`` and dies of it at the next graceful
restart; so nothing is named in a configuration before it went through ``anchors``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding

from origin_pulls.errors import Unusable

MOST = 20
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


def depth(trusted: Sequence[Anchor]) -> int:
    """The ``SSLVerifyDepth`` that lets a leaf of any of these through: 1 for roots alone."""
    return 1 if all(anchor.is_self_signed for anchor in trusted) else min(len(trusted) + 1, 10)


def bundle(trusted: Sequence[Anchor]) -> bytes:
    """The CA file for these anchors, each with a line that says what it is."""
    parts = [f"# {_comment(anchor.subject)}\n{anchor.pem}" for anchor in trusted]
    return "".join(parts).encode("ascii")


def _anchor(certificate: x509.Certificate) -> Anchor:
    try:
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
        is_authority = constraints.value.ca
    except x509.ExtensionNotFound:
        is_authority = False
    return Anchor(
        pem=certificate.public_bytes(Encoding.PEM).decode("ascii"),
        sha256=certificate.fingerprint(hashes.SHA256()).hex(),
        subject=certificate.subject.rfc4514_string() or "(no subject)",
        expires=certificate.not_valid_after_utc,
        is_authority=is_authority,
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


def _comment(text: str) -> str:
    return "".join(sign if sign.isprintable() and sign.isascii() else "?" for sign in text)
