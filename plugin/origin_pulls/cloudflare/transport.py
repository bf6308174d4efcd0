"""Carries one call to Cloudflare's API: the token, its pace, JSON both ways."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import requests

from origin_pulls.cloudflare.exchange import (
    Bearer,
    NoReply,
    Reply,
    exchange,
    new_session,
)
from origin_pulls.cloudflare.pace import Pace, pace_of
from origin_pulls.config import safe_address
from origin_pulls.errors import EdgeLater
from origin_pulls.secret import Secret

BACKOFF = (0.5, 2.0, 8.0)  # when there was no connection
THROTTLED_TRIES = 2
THROTTLED_WAIT = 300.0  # when a 429 does not say how long
LONGEST_WAIT = 600.0
SILENCE = 30.0  # for how long a token that got no answer is left alone by who may not wait
WORTH_SAYING = 5.0
LONGEST_TEXT = 300
SECRETS = re.compile(r"cf[a-z]*_[A-Za-z0-9_-]{16,}|-----BEGIN[^-]*PRIVATE KEY.*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer of the API; ``errors`` are its codes with their words, nested ones too."""

    status: int
    body: Mapping[str, object] = field(default_factory=dict)
    errors: tuple[tuple[int, str], ...] = ()

    @property
    def is_success(self) -> bool:
        """Whether the call did what it was for."""
        return 200 <= self.status < 300 and self.body.get("success") is not False

    @property
    def result(self) -> object:
        """What stands in ``result``; ``None`` also for a list that is empty."""
        return self.body.get("result")

    @property
    def code(self) -> int:
        """The first code that is one, or 0."""
        return next((code for code, _ in self.errors if code), 0)

    @property
    def said(self) -> str:
        """What Cloudflare says, in its own words."""
        return "; ".join(dict.fromkeys(text for _, text in self.errors if text))


class Transport:
    """One session with one token. 429 and missing connections are waited for here.

    No wait is longer than ``longest`` seconds; what would be is told as ``EdgeLater`` at once.
    """

    def __init__(
        self,
        api: str,
        token: Secret,
        *,
        sleep: Callable[[float], None],
        connect_timeout: float,
        read_timeout: float,
        say: Callable[[str], None],
        longest: float = LONGEST_WAIT,
        pace: Pace | None = None,
    ) -> None:
        self._api = safe_address(api)
        self._token = token
        self._sleep = sleep
        self._timeouts = connect_timeout, read_timeout
        self._say = say
        self._longest = longest
        self._pace = pace or pace_of(self._api, token)
        self._session = new_session()

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Callable[[], Mapping[str, object]] | None = None,
    ) -> Answer | NoReply:
        """One call, sent again only while it certainly was not heard.

        ``body`` is called where it is sent, so that a key in it lives no longer than that.
        Raises ``EdgeLater`` when Cloudflare throttles the token for longer than it is waited, or
        was silent a moment ago to one who may not wait.
        """
        refused = throttled = 0
        while True:
            self._wait()
            request = requests.Request(
                method,
                self._api + path,
                params=query,
                json=body() if body else None,
                auth=Bearer(self._token),
                headers={"Accept": "application/json", "User-Agent": "origin-pulls"},
            )
            connect, read = self._timeouts
            began = time.monotonic()
            came = exchange(self._session, request, connect_timeout=connect, read_timeout=read)
            if isinstance(came, NoReply):
                if self._longest < SILENCE and time.monotonic() - began >= min(connect, read):
                    self._pace.block(SILENCE, is_silent=True)
                    return came
                backoff = BACKOFF[: refused + 1]
                if came.is_sent or refused >= len(BACKOFF) or sum(backoff) > self._longest:
                    return came
                self._sleep(BACKOFF[refused])
                refused += 1
            elif came.status == 429:
                throttled += 1
                self._pace.block(_retry_after(came))
                if throttled > THROTTLED_TRIES:
                    raise self._throttled(self._pace.blocked())
            else:
                return self._read(came)

    def clean(self, text: str) -> str:
        """A text of Cloudflare's as it may be shown: short, printable, without any secret."""
        token = self._token.reveal().decode("ascii", "replace")
        text = SECRETS.sub("***", text.replace(token, "***") if token else text)
        text = "".join(sign if sign.isprintable() else " " for sign in text)
        return text if len(text) <= LONGEST_TEXT else text[:LONGEST_TEXT] + "…"

    def _wait(self) -> None:
        seconds = self._pace.take(self._longest)
        if seconds > self._longest:
            raise self._throttled(seconds)
        if seconds >= WORTH_SAYING:
            self._say(f"Cloudflare asks for a pause: waiting {seconds:.0f} seconds")
        if seconds:
            self._sleep(seconds)

    def _throttled(self, seconds: float) -> EdgeLater:
        if self._pace.is_silent:
            return EdgeLater(
                "Cloudflare's API gave no answer a moment ago",
                hint="It is asked again in some seconds; see https://www.cloudflarestatus.com/.",
                seconds=seconds,
            )
        # A time of day, since that stays the same while it is waited for.
        until = datetime.now(UTC) + timedelta(seconds=seconds)
        return EdgeLater(
            f"Cloudflare throttles this token until {until:%H:%M} UTC",
            hint="Everything that uses the token counts together. Wait, then try again.",
            seconds=seconds,
        )

    def _read(self, came: Reply) -> Answer | NoReply:
        if came.status >= 500 or 300 <= came.status < 400 or came.status < 200:
            return NoReply(f"HTTP {came.status}")
        try:
            body = json.loads(came.body)
        except (ValueError, RecursionError):
            return NoReply(f"HTTP {came.status} without JSON")
        if not isinstance(body, dict):
            return NoReply(f"HTTP {came.status} with JSON of another form")
        errors = [(code, self.clean(text)) for code, text in _errors(body.get("errors"))]
        return Answer(came.status, body, tuple(errors))


def _errors(found: object, depth: int = 0) -> list[tuple[int, str]]:
    """Codes and words of an ``errors`` list, those of its chains behind each."""
    if not isinstance(found, list) or depth > 3:
        return []
    errors: list[tuple[int, str]] = []
    for entry in found[:20]:
        if not isinstance(entry, dict):
            continue
        code, text = entry.get("code"), entry.get("message")
        is_code = isinstance(code, int) and not isinstance(code, bool)
        errors.append((code if is_code else 0, text if isinstance(text, str) else ""))  # type: ignore[arg-type]
        errors += _errors(entry.get("error_chain"), depth + 1)
    return errors


def _retry_after(came: Reply) -> float:
    seconds = came.headers.get("retry-after", "").strip()
    # Not float(): "nan" is a number to it. A date, which HTTP allows too, was never seen here.
    if not (seconds.isascii() and seconds.isdigit() and len(seconds) < 7):
        return THROTTLED_WAIT
    return max(float(seconds), 1.0)
