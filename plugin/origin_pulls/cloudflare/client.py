"""Cloudflare's API as calls that are answered with values, and retried as its rules demand."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType

from origin_pulls.cloudflare.calls import Calls
from origin_pulls.cloudflare.certificate_calls import CertificateCalls
from origin_pulls.cloudflare.transport import LONGEST_WAIT, Transport
from origin_pulls.cloudflare.zone_calls import ZoneCalls
from origin_pulls.secret import Secret


class Client(ZoneCalls, CertificateCalls):
    """One token at Cloudflare's API, for one thread; a context manager that closes its connections.

    Every method raises ``EdgeRefused`` for a lasting no and ``EdgeUnknown`` when nothing that
    could be built on came, both with a hint. A write whose answer was lost is read back before
    it is repeated, so a write that returns has taken effect at the API. ``pause`` is the time
    between two tries where Cloudflare is busy with this zone, ``say`` is told of long waits.
    A ``sleep`` that raises ends every wait. Who may not wait gives ``longest``: a call that would
    have to is ``EdgeLater`` after no more than about so many seconds, and the time for an answer.
    """

    def __init__(
        self,
        api: str,
        token: Secret,
        *,
        sleep: Callable[[float], None] = time.sleep,
        connect_timeout: float = 5.0,
        read_timeout: float = 30.0,
        pause: float = 5.0,
        say: Callable[[str], None] = lambda _: None,
        longest: float | None = None,
    ) -> None:
        self._transport = Transport(
            api,
            token,
            sleep=sleep,
            connect_timeout=connect_timeout,
            read_timeout=read_timeout,
            say=say,
            longest=LONGEST_WAIT if longest is None else longest,
        )
        self._calls = Calls(
            self._transport, sleep, pause, float("inf") if longest is None else longest
        )

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()
