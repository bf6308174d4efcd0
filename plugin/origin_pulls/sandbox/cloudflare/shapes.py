"""The shapes of Cloudflare's answers, oddities of the live API included.

Lists that hold nothing are ``null`` where the live API has them so, PEM comes back with other
trailing newlines than it went in with, times have five digits after the point.
"""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Sequence

from origin_pulls.sandbox.cloudflare import leaves
from origin_pulls.sandbox.cloudflare.refusals import Answer
from origin_pulls.sandbox.cloudflare.state import (
    Association,
    Certificate,
    Record,
    Token,
    World,
    Zone,
)

Shape = dict[str, object]
OLD = "2014-01-01T05:20:00.12345Z"


def now_text() -> str:
    """The time as Cloudflare writes it: five digits, ``Z``."""
    now = datetime.datetime.now(datetime.UTC)
    return f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 10:05}Z"


def envelope(result: object, **more: object) -> Answer:
    """A success around a result."""
    body = {"success": True, "errors": [], "messages": [], "result": result}
    return Answer(200, body | more)


def page(found: Sequence[object], page_number: int, per_page: int) -> Answer:
    """One page of a list, with its ``result_info``."""
    part = list(found[(page_number - 1) * per_page : page_number * per_page])
    about = {
        "page": page_number,
        "per_page": per_page,
        "count": len(part),
        "total_count": len(found),
        "total_pages": -(-len(found) // per_page),
    }
    return envelope(part, result_info=about)


def token(one: Token) -> Shape:
    """A token as its owner reads it: what the dashboard calls Edit is Write here."""
    groups = [
        {
            "id": hashlib.sha256(name.encode()).hexdigest()[:32],
            "name": name.replace("Edit", "Write"),
        }
        for name in one.permissions
    ]
    resources = {
        f"com.cloudflare.api.account.zone.{zone_id}": "*"
        for zone_id in (["*"] if one.zones is None else one.zones)
    }
    policy = {
        "id": one.id[::-1],
        "effect": "allow",
        "permission_groups": groups,
        "resources": resources,
    }
    return {"id": one.id, "name": "sandbox", "status": one.status, "policies": [policy]}


def zone(world: World, one: Zone) -> Shape:
    """A zone."""
    return {
        "id": one.id,
        "name": one.name,
        "status": one.status,
        "paused": one.paused,
        "type": one.type,
        "development_mode": 0,
        "name_servers": ["bob.ns.cloudflare.com", "lola.ns.cloudflare.com"],
        "original_name_servers": ["ns1.sandbox.example"],
        "created_on": OLD,
        "modified_on": OLD,
        "activated_on": OLD,
        "owner": {"id": None, "type": "user", "email": None},
        "account": {"id": one.account_id, "name": world.accounts.get(one.account_id, "")},
        "permissions": ["#zone:read"],
        "plan": {"id": "0feeeeee", "name": "Free Website", "legacy_id": "free"},
        "meta": {"step": 2, "page_rule_quota": 3, "phishing_detected": False},
    }


def record(one: Record) -> Shape:
    """A DNS record."""
    return {
        "id": one.id,
        "type": one.type,
        "name": one.name,
        "content": one.content,
        "proxiable": one.type in ("A", "AAAA", "CNAME"),
        "proxied": one.proxied,
        "ttl": 1,
        "created_on": OLD,
        "modified_on": OLD,
        "data": {},
        "meta": {"auto_added": False, "source": "primary"},
    }


def setting(name: str, value: str, *, editable: bool) -> Answer:
    """A zone setting; one call's ``id`` is not its own name."""
    shown = "ssl_tls_configuration_mode" if name == "ssl_automatic_mode" else name
    return envelope({"id": shown, "value": value, "editable": editable, "modified_on": OLD})


def certificate(one: Certificate, *, store: str) -> Shape:
    """A certificate of either store; the zone's has no serial number."""
    about = leaves.described(one.pem)
    if store == "zone":
        del about["serial_number"]
    shape = {"id": one.id, "certificate": _returned(one.pem), **about}
    return {**shape, "status": one.status, "uploaded_on": one.uploaded_on}


def association(one: Association, held: Certificate | None) -> Shape:
    """A host name's association, with what is told of its certificate."""
    shape: Shape = {
        "hostname": one.hostname,
        "cert_id": one.cert_id,
        "enabled": one.enabled,
        "status": one.status,
        "created_at": one.created_at,
        "updated_at": one.updated_at,
    }
    if held is None:
        return shape
    told = {
        "cert_status": held.status,
        "cert_uploaded_on": held.uploaded_on,
        "cert_updated_at": held.uploaded_on,
        "certificate": _returned(held.pem),
    }
    return shape | told | leaves.described(held.pem)


def nullable(found: Sequence[object]) -> Answer:
    """A list of the certificate calls: ``null`` when there is nothing in it."""
    return envelope(list(found) or None)


def _returned(pem: str) -> str:
    """The PEM with another end than it came with: two newlines, one or none, by its content."""
    stripped = pem.strip()
    return stripped + "\n" * (hashlib.sha256(stripped.encode()).digest()[0] % 3)
