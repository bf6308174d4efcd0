"""One request as cpsrvd takes it: path, token, cookie, body; and the answer to it as values."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from email.message import Message
from http.cookies import CookieError, SimpleCookie
from typing import IO
from urllib.parse import unquote

from origin_pulls.sandbox.front.sessions import TOKEN

HTML = ("Content-Type", "text/html; charset=utf-8")
SAFE_PATH = re.compile(r"/[A-Za-z0-9._~/@+-]*")


@dataclass(frozen=True, slots=True)
class Asked:
    """A request without its token."""

    method: str
    token: str
    path: str
    query: str
    headers: Message
    body: IO[bytes]
    length: int
    address: str
    port: int

    def cookie(self, name: str) -> str:
        """The value of a cookie, empty where it was not sent."""
        try:
            found = SimpleCookie(self.headers.get("Cookie", "")).get(name)
        except CookieError:
            return ""
        return found.value if found else ""


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer; the body may come in parts."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: Iterable[bytes]


def reply(status: int, body: bytes, *headers: tuple[str, str]) -> Reply:
    """An answer whose body is here already."""
    kinds = headers if any(name == "Content-Type" for name, _ in headers) else (HTML, *headers)
    return Reply(status, (*kinds, ("Content-Length", str(len(body)))), (body,))


def split(target: str) -> tuple[str, str, str] | None:
    """Token, path and query of a request's target; ``None`` where it is not one of this server."""
    path, _, query = target.partition("?")
    path = unquote(path)
    if not SAFE_PATH.fullmatch(path) or "/../" in path + "/" or "//" in path:
        return None
    found = TOKEN.fullmatch(path)
    if found is None:
        return "", path, query
    return found[1], found[2] or "/", query
