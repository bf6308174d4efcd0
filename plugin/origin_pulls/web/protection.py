"""Against forms that were not ours: a signed token in each, and where the browser came from."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from origin_pulls.errors import Refused
from origin_pulls.secret import Secret
from origin_pulls.web.refused import Forbidden

KEY_BYTES = 32
AGAIN = "Open the page anew and send it once more; nothing was changed."


def form_key(directory: Path, side: str) -> Secret:
    """The key that signs this side's forms, made at the first start.

    It lies in a file, so that a restarted service still knows the pages that people have open.
    """
    path = directory / f"{side}.key"
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
        # A link never replaces: whoever comes second uses the first one's key.
        os.link(fresh, path)
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
    key = path.read_bytes()
    if len(key) != KEY_BYTES:
        raise Refused(f"{path} is no key", hint="Delete it; the service makes a new one.")
    return Secret(key)


def make_token(key: Secret, who: str, now: float) -> str:
    """A token for this person's forms, good for some hours from ``now``."""
    stamp = str(int(now))
    return f"{stamp}.{_signature(key, who, stamp)}"


def check_token(key: Secret, who: str, token: str, now: float, hours: float) -> None:
    """Pass a form whose token we made for this person not long ago; ``Forbidden`` for others."""
    stamp, _, signature = token.partition(".")
    if not hmac.compare_digest(signature.encode(), _signature(key, who, stamp).encode()):
        raise Forbidden("This form does not come from a page of ours", hint=AGAIN)
    # A stamp of ours that lies ahead is no forgery: this machine's clock was set back.
    if not stamp.isdecimal() or abs(now - int(stamp)) > hours * 3600:
        raise Forbidden("This page was open for too long", hint=AGAIN)


def check_origin(headers: Mapping[str, str]) -> None:
    """Pass what the browser says comes from this very site, or says nothing about."""
    if headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        raise Forbidden("This form was sent from another site", hint=AGAIN)
    origin = headers.get("Origin", "")
    if origin and _host(origin) != headers.get("Host", "").lower():
        raise Forbidden("This form was sent from another site", hint=AGAIN)


def _host(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:  # brackets without an address in them
        return None


def _signature(key: Secret, who: str, stamp: str) -> str:
    said = f"{who}\n{stamp}".encode("utf-8", "replace")
    return hmac.new(key.reveal(), said, hashlib.sha256).hexdigest()
