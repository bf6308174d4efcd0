"""Who asks: tokens, what each may do, and how often."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from origin_pulls.sandbox.cloudflare.refusals import ApiRefusal, missing_permission
from origin_pulls.sandbox.cloudflare.state import Token, World, Zone

ZONE_READ = "Zone Read"
DNS_READ = "DNS Read"
SETTINGS_READ = "Zone Settings Read"
SETTINGS_EDIT = "Zone Settings Edit"
SSL_READ = "SSL and Certificates Read"
SSL_EDIT = "SSL and Certificates Edit"
TOKENS_READ = "API Tokens Read"  # of the user, not of a zone: few tokens have it
ALL = (ZONE_READ, DNS_READ, SETTINGS_READ, SETTINGS_EDIT, SSL_READ, SSL_EDIT)
WELL_FORMED = re.compile(r"Bearer [A-Za-z0-9_-]{20,100}")
IMPLIED = {SETTINGS_READ: SETTINGS_EDIT, SSL_READ: SSL_EDIT}


def identified(world: World, headers: Mapping[str, str], address: str) -> Token:
    """The token of a request, counted; or the refusal that the real API has for it."""
    if headers.get("X-Auth-Key"):
        chain = (6103, "Invalid format for X-Auth-Key header")
        raise ApiRefusal(400, 6003, "Invalid request headers", chain=chain)
    given = headers.get("Authorization")
    if given is None:
        raise ApiRefusal(400, 1001, 'Missing "Authorization" header')
    if not WELL_FORMED.fullmatch(given):
        chain = (6111, "Invalid format for Authorization header")
        raise ApiRefusal(400, 6003, "Invalid request headers", chain=chain)
    secret = given.partition(" ")[2]
    token = next((one for one in world.tokens if one.secret == secret), None)
    if token is None:
        raise ApiRefusal(401, 1000, "Invalid API Token")
    _count(world, token)
    if token.fresh_calls:
        token.fresh_calls -= 1
        raise ApiRefusal(403, 10001, "Unable to authenticate request")
    if token.addresses is not None and address not in token.addresses:
        text = f"Cannot use the access token from location: {address}"
        raise ApiRefusal(403, 9109, text)
    return token


def require(token: Token, permission: str, zone: Zone | None = None) -> None:
    """Refuse a token that lacks the permission, or the zone."""
    if token.status != "active":
        raise missing_permission()
    if zone and token.zones is not None and zone.id not in token.zones:
        raise ApiRefusal(403, 9109, "Unauthorized to access requested resource")
    if permission not in token.permissions and IMPLIED.get(permission) not in token.permissions:
        raise missing_permission()


def _count(world: World, token: Token) -> None:
    """Count a call; over the limit every call is refused until the window ends."""
    now, switches = world.now(), world.switches
    if now >= token.window_began + switches.window:
        token.window_began, token.calls = now, 0
    token.calls += 1
    if token.calls <= switches.calls:
        return
    text = f"More than {switches.calls} requests per {switches.window:g} seconds reached."
    refusal = ApiRefusal(
        429, 10100, f"{text} Please wait and consider throttling your request speed"
    )
    left = (token.window_began + switches.window - now) / (world.speed or 1.0)
    refusal.headers["Retry-After"] = str(max(1, math.ceil(left)))
    raise refusal
