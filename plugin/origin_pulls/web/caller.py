"""Who asks: the kernel's word for the socket's other end, and what may be believed besides."""

from __future__ import annotations

import ipaddress
import socket
import struct
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

from origin_pulls.model import names
from origin_pulls.model.caller import Caller, Kind
from origin_pulls.web.refused import Forbidden

CREDENTIALS = struct.Struct("3i")  # struct ucred: pid, uid, gid (unix(7))


class Side(StrEnum):
    """Whose socket a service answers on."""

    ADMIN = "admin"
    ACCOUNT = "account"


def peer(connection: socket.socket) -> int:
    """The user id of the process at the other end."""
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, CREDENTIALS.size)
    return int(CREDENTIALS.unpack(raw)[1])


def identify(environ: Mapping[str, Any], side: Side, passwd: Path) -> Caller:
    """Who sent this request; ``Forbidden`` for everybody who has no business on this socket.

    Headers are believed on root's socket alone, where only WHM's bridge can be the other end.
    """
    uid = peer(environ["gunicorn.socket"])
    address = _address(environ)
    if side is Side.ACCOUNT:
        return Caller(Kind.ACCOUNT, _account(uid, passwd), address, "cpanel")
    if uid != 0:
        raise Forbidden("This socket answers root alone", hint="Open the page in WHM.")
    user = str(environ.get("HTTP_X_ORIGIN_PULLS_USER", ""))
    if not names.is_account(user) or environ.get("HTTP_X_ORIGIN_PULLS_ACL") != "all":
        raise Forbidden(
            "These pages are for administrators with all privileges",
            hint="Sign in to WHM as root, or ask root for the ACL `all`.",
        )
    return Caller(Kind.WHM, user, address, "whm")


def _account(uid: int, passwd: Path) -> str:
    """The account of a user id, read from the server's own list each time."""
    if uid == 0:
        raise Forbidden("Root has no account here", hint="Open the page in WHM.")
    for line in passwd.read_text(encoding="utf-8", errors="replace").splitlines():
        cells = line.split(":")
        if len(cells) > 2 and cells[2] == str(uid) and names.is_account(cells[0]):
            return cells[0]
    raise Forbidden("Nobody on this server has this user id", hint="Sign in to cPanel.")


def _address(environ: Mapping[str, Any]) -> str:
    """The visitor's address as the bridge saw it: for the log, never for a decision."""
    try:
        return str(ipaddress.ip_address(str(environ.get("HTTP_X_ORIGIN_PULLS_ADDRESS", ""))))
    except ValueError:
        return ""
