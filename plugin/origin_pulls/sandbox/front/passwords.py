"""The passwords of root and of every account, made when they are first asked for."""

from __future__ import annotations

import fcntl
import hmac
import json
import os
import secrets

from origin_pulls.sandbox import files
from origin_pulls.sandbox.layout import Layout


def of(layout: Layout) -> dict[str, str]:
    """Everybody who may sign in, with the password; accounts that are gone are left out."""
    path = layout.directory / "sandbox-passwords.json"
    # A lock of its own: the directory itself is locked while the sandbox is built.
    lock = os.open(path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        known: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
        names = ["root", *sorted(entry.name for entry in layout.users.iterdir())]
        found = {name: known.get(name) or secrets.token_urlsafe(9) for name in names}
        if found != known:
            files.replace(path, json.dumps(found, indent=1) + "\n", mode=0o600)
        return found
    finally:
        os.close(lock)


def change(layout: Layout, user: str, password: str) -> None:
    """Give an account the password that somebody chose for it."""
    found = of(layout) | {user: password}
    path = layout.directory / "sandbox-passwords.json"
    files.replace(path, json.dumps(found, indent=1) + "\n", mode=0o600)


def is_right(layout: Layout, user: str, password: str) -> bool:
    """Whether this is the user's password."""
    known = of(layout).get(user)
    return known is not None and hmac.compare_digest(known.encode(), password.encode())
