"""How Cloudflare says no: HTTP status, code and text (facts: the table of errors)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer on its way out: a status and a JSON body, or a text that is no JSON."""

    status: int
    body: Mapping[str, object]
    headers: Mapping[str, str] = field(default_factory=dict)
    text: str = ""


class ApiRefusal(Exception):
    """A refusal with Cloudflare's code and text."""

    def __init__(
        self, status: int, code: int, message: str, *, chain: tuple[int, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.chain = chain
        self.headers: dict[str, str] = {}

    @property
    def answer(self) -> Answer:
        """The refusal as it goes out; keys are missing exactly where the real API misses them."""
        error: dict[str, object] = {"code": self.code, "message": self.message}
        if self.chain:
            error["error_chain"] = [{"code": self.chain[0], "message": self.chain[1]}]
        body: dict[str, object] = {"success": False, "errors": [error]}
        if self.code != MISSING_PERMISSION:
            body["messages"] = []
        if self.code not in WITHOUT_RESULT:
            body["result"] = None
        return Answer(self.status, body, self.headers)


MISSING_PERMISSION = 10000
WITHOUT_RESULT = frozenset(
    (MISSING_PERMISSION, 1404, 1406, 1408, 1412, 1414, 1415, 1433, 1434, 1553)
)


def missing_permission() -> ApiRefusal:
    """The token is good, but not for this call or not for this zone."""
    return ApiRefusal(403, MISSING_PERMISSION, "Authentication error")


def no_route(path: str) -> ApiRefusal:
    """A path that leads nowhere, mostly for a domain name in the place of a zone's id."""
    text = f"Could not route to {path}, perhaps your object identifier is invalid?"
    return ApiRefusal(400, 7003, text, chain=None)


def invalid(message: str) -> ApiRefusal:
    """A body or a query that the call does not have."""
    return ApiRefusal(400, 1400, message)
