"""Reads and writes with Cloudflare's rules of retrying: a lost write is read back, not repeated."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar
from urllib.parse import quote

from origin_pulls.cloudflare import faults, reading
from origin_pulls.cloudflare.exchange import NoReply
from origin_pulls.cloudflare.faults import Fault, Means
from origin_pulls.cloudflare.transport import Answer, Transport
from origin_pulls.errors import EdgeLater, EdgeRefused, EdgeTooMuch, EdgeUnknown

T = TypeVar("T")
Query = Mapping[str, str]
Body = Callable[[], Mapping[str, object]]

LOST = (0.5, 2.0, 8.0)
# A token needs some seconds until all of Cloudflare knows it: about forty in all.
FRESH = (0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0, 8.0)


@dataclass(slots=True)
class Tries:
    """How often one call was tried again, by reason, and the pauses between.

    In all no more than ``left`` seconds are slept.
    """

    sleep: Callable[[float], None]
    pause: float
    left: float
    count: Counter[str] = field(default_factory=Counter)

    def wait(self, reason: str, pauses: Sequence[float]) -> bool:
        """Wait for the next try; false, at once, when there were enough of them."""
        done = self.count[reason]
        if done >= len(pauses) or pauses[done] > self.left:
            return False
        self.count[reason] += 1
        self.left -= pauses[done]
        self.sleep(pauses[done])
        return True

    def wait_for(self, fault: Fault, error: EdgeRefused) -> bool:
        """Wait as this fault asks for; false when it is for good or was waited for enough.

        Who has no time to wait longer is told by ``EdgeLater``: it may go through yet.
        """
        is_fresh = fault.means is Means.FRESH
        if not is_fresh and fault.means not in (Means.BUSY, Means.EXISTS):
            return False
        reason = "fresh" if is_fresh else "busy"
        pauses: Sequence[float] = FRESH if is_fresh else (self.pause,) * fault.tries
        following = pauses[self.count[reason] :][:1]
        is_in_a_hurry = self.left < float("inf")
        if is_in_a_hurry and not (following and following[0] <= self.left):
            raise EdgeLater(error.message, hint=error.hint, seconds=pauses[-1]) from error
        return self.wait(reason, pauses)


class Calls:
    """Calls over one transport. ``needs`` names the permission that a call needs."""

    def __init__(
        self,
        transport: Transport,
        sleep: Callable[[float], None],
        pause: float,
        longest: float = float("inf"),
    ) -> None:
        self._transport = transport
        self._sleep = sleep
        self._pause = pause
        self._longest = longest

    def read(self, path: str, query: Query | None = None, *, needs: str) -> Answer:
        """The answer to a GET, repeated while none comes."""
        tries = self._tries()
        while True:
            answer = self._transport.send("GET", path, query=query)
            if isinstance(answer, NoReply):
                if not tries.wait("lost", LOST):
                    raise unknown(answer)
            elif answer.is_success:
                return answer
            elif not tries.wait_for(_fault(answer), error := _error(answer, needs)):
                raise error

    def pages(
        self, path: str, query: Query, *, needs: str, size: int, most: int
    ) -> Iterator[Answer]:
        """The answers of a list, page by page; ``EdgeTooMuch`` when there are more than ``most``.

        Half a list must never be taken for the whole.
        """
        page = 1
        while True:
            asked = {**query, "per_page": str(size), "page": str(page)}
            answer = self.read(path, asked, needs=needs)
            yield answer
            if page >= reading.total_pages(answer.body) or not answer.result:
                return
            page += 1
            if page > most:
                raise EdgeTooMuch(
                    f"A list at Cloudflare has more than {most * size} entries",
                    hint="That is more than Origin Pulls reads; please report it.",
                )

    def write(
        self,
        method: str,
        path: str,
        body: Body | None = None,
        *,
        needs: str,
        taken: Callable[[Answer], T | None],
        read_back: Callable[[], T | None],
        gone: T | None = None,
    ) -> T:
        """Send a write until it is known to have taken effect.

        ``taken`` makes a value of a good answer; ``read_back`` asks whether the effect is there
        already, and gives the value if so. It is asked after every try whose outcome is open,
        and before every repetition. ``gone`` is the value when Cloudflare says that there is no
        such thing: for a delete, that is what was wanted.
        """
        tries = self._tries()
        while True:
            answer = self._transport.send(method, path, body=body)
            if not isinstance(answer, NoReply) and answer.is_success:
                done = taken(answer)
                if done is not None:
                    return done
                answer = NoReply("an answer that does not say what was done")
            if isinstance(answer, NoReply):
                may_repeat = tries.wait("lost", LOST)
                failure: EdgeUnknown | EdgeRefused = unknown(answer)
            else:
                fault, error = _fault(answer), _error(answer, needs)
                failure = error
                if gone is not None and error.is_absent:
                    return gone
                if fault.means is Means.EXISTS and (done := read_back()) is not None:
                    return done
                may_repeat = tries.wait_for(fault, error)
                if not may_repeat:
                    raise error
            if (done := read_back()) is not None:
                return done
            if not may_repeat:
                raise failure

    def _tries(self) -> Tries:
        return Tries(self._sleep, self._pause, self._longest)


def unknown(came: NoReply) -> EdgeUnknown:
    """No answer: what a person is told."""
    if not came.is_sent:
        return EdgeUnknown(
            f"Cloudflare's API cannot be reached: {came.reason}",
            hint="Check this server's way out (DNS, firewall, clock); then try again.",
        )
    return EdgeUnknown(
        f"Cloudflare's API gave no usable answer: {came.reason}",
        hint="Try again in some minutes; see https://www.cloudflarestatus.com/.",
    )


def zone_path(zone_id: str) -> str:
    """The path of a zone, whatever its id holds."""
    return f"/zones/{quote(zone_id, safe='')}"


def certain(value: T | None, what: str) -> T:
    """The value, or ``EdgeUnknown``: a good answer that does not hold it cannot be built on."""
    if value is None:
        raise EdgeUnknown(
            f"Cloudflare's answer does not hold {what}",
            hint="Try again in some minutes; if it stays so, please report it.",
        )
    return value


def _fault(answer: Answer) -> Fault:
    return faults.find(answer.status, [code for code, _ in answer.errors], answer.said)


def _error(answer: Answer, needs: str) -> EdgeRefused:
    return _fault(answer).error(
        status=answer.status, code=answer.code, said=answer.said, needs=needs
    )
