"""Reads what Cloudflare's API answers into values: lenient with form, strict with meaning.

What is missing or of another type is empty; an entry without its id or name is left out. An
unknown word stays as it came, and counts as "not active".
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from origin_pulls.cloudflare.values import (
    Association,
    EdgeCertificate,
    Record,
    TokenState,
    Zone,
)

# Cloudflare's reference says 32 characters, its samples have 36.
ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
DELETED = "deleted"
LONGEST = 512
LARGEST_PEM = 64 * 1024


def entries(result: object) -> Iterator[Mapping[str, Any]]:
    """The objects of a list; ``null`` is an empty one, a single object a list of itself."""
    listed = result if isinstance(result, list) else [result]
    yield from (entry for entry in listed if isinstance(entry, dict))


def token(result: object) -> TokenState | None:
    """A token's state of ``GET …/tokens/verify``."""
    for entry in entries(result):
        if status := _text(entry, "status"):
            times = _text(entry, "expires_on"), _text(entry, "not_before")
            return TokenState(_id(entry, "id"), status, *times)
    return None


def permission_groups(result: object) -> frozenset[str] | None:
    """The names of the permission groups that a token's policies allow."""
    found = [entry.get("policies") for entry in entries(result)]
    if not found or not isinstance(found[0], list):
        return None
    allowed = [policy for policy in entries(found[0]) if policy.get("effect") == "allow"]
    return frozenset(
        _text(group, "name")
        for policy in allowed
        for group in entries(policy.get("permission_groups"))
    )


def zone(entry: object) -> Zone | None:
    """One zone."""
    if not isinstance(entry, dict):
        return None
    zone_id, name = _id(entry, "id"), host_name(_text(entry, "name"))
    if not zone_id or not name:
        return None
    account = entry.get("account")
    return Zone(
        id=zone_id,
        name=name,
        status=_text(entry, "status"),
        is_paused=entry.get("paused") is True,
        kind=_text(entry, "type"),
        account_id=_id(account, "id") if isinstance(account, dict) else "",
    )


def zones(result: object) -> list[Zone]:
    """The zones of a list."""
    return [found for entry in entries(result) if (found := zone(entry))]


def records(result: object) -> list[Record]:
    """The DNS records of a list."""
    return [
        Record(
            name=name,
            kind=_text(entry, "type").upper(),
            content=_text(entry, "content"),
            is_proxied=entry.get("proxied") is True,
        )
        for entry in entries(result)
        if (name := host_name(_text(entry, "name")))
    ]


def setting(result: object) -> str:
    """The value of a zone's setting, empty when there is none."""
    return next((_text(entry, "value") for entry in entries(result)), "")


def switch(result: object) -> bool | None:
    """Whether ``enabled`` is set; ``None`` when the answer does not say."""
    for entry in entries(result):
        if isinstance(entry.get("enabled"), bool):
            return bool(entry["enabled"])
    return None


def certificate(entry: object) -> EdgeCertificate | None:
    """One uploaded certificate of either store.

    Lists of the store for names come with ``cert_id`` and ``cert_status`` in old answers; there
    ``status`` may be the association's. ``private_key``, should it come, is not looked at.
    """
    if not isinstance(entry, dict):
        return None
    cert_id = _id(entry, "cert_id") or _id(entry, "id")
    if not cert_id:
        return None
    pem = _text(entry, "certificate", LARGEST_PEM)
    return EdgeCertificate(
        id=cert_id,
        pem=pem,
        sha256=sha256(pem),
        status=_text(entry, "cert_status") or _text(entry, "status"),
        expires_on=_text(entry, "expires_on"),
        serial=_text(entry, "serial_number"),
        uploaded_on=_text(entry, "uploaded_on") or _text(entry, "cert_uploaded_on"),
    )


def certificates(result: object) -> list[EdgeCertificate]:
    """The certificates of a list, each once."""
    found = [one for entry in entries(result) if (one := certificate(entry))]
    return list({one.id: one for one in found}.values())


def association(entry: object) -> Association | None:
    """One association; ``None`` where it is void (``enabled`` null or missing, or deleted)."""
    if not isinstance(entry, dict):
        return None
    hostname, enabled = host_name(_text(entry, "hostname")), entry.get("enabled")
    if not hostname or not isinstance(enabled, bool) or _text(entry, "status") == DELETED:
        return None
    return Association(
        hostname=hostname,
        cert_id=_id(entry, "cert_id") or _id(entry, "id"),
        enabled=enabled,
        status=_text(entry, "status"),
        cert_status=_text(entry, "cert_status"),
    )


def associations(result: object) -> list[Association]:
    """The associations of a list, void ones left out."""
    return [found for entry in entries(result) if (found := association(entry))]


def total_pages(body: Mapping[str, object]) -> int:
    """How many pages a list has, as far as its ``result_info`` says; 1 when it does not."""
    said = body.get("result_info")
    if not isinstance(said, dict):
        return 1
    pages, total, size = (
        _count(said.get(name)) for name in ("total_pages", "total_count", "per_page")
    )
    if pages:
        return pages
    return -(-total // size) if total and size else 1


def host_name(text: str) -> str:
    """A name in lower case and punycode; as it came where it has no such form."""
    name = text.rstrip(".").lower()
    if name.isascii():
        return name
    try:
        return name.encode("idna").decode("ascii")
    except UnicodeError:
        return name


def sha256(pem: str) -> str:
    """SHA-256 of the certificate's DER in hex; empty for what is none."""
    try:
        found = x509.load_pem_x509_certificate(pem.encode("ascii"))
        return found.fingerprint(hashes.SHA256()).hex()
    except (ValueError, TypeError, x509.InvalidVersion):
        return ""


def same_text(one: str, other: str) -> bool:
    """Whether two PEM texts are the same but for white space."""
    return "".join(one.split()) == "".join(other.split())


def _id(entry: Mapping[str, Any], name: str) -> str:
    text = _text(entry, name)
    return text if ID.fullmatch(text) else ""


def _text(entry: Mapping[str, Any], name: str, longest: int = LONGEST) -> str:
    value = entry.get(name)
    if not isinstance(value, str) or len(value) > longest:
        return ""
    # White space is a PEM's line ends; anything else unprintable has no business in a name.
    return value if all(sign.isprintable() or sign in "\r\n" for sign in value) else ""


def _count(value: object) -> int:
    is_count = isinstance(value, int) and not isinstance(value, bool) and 0 < value < 10**9
    return value if is_count and isinstance(value, int) else 0
