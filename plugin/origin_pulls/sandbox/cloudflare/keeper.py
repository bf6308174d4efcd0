"""Brings what the API knows to the edge: late, and later to its second place than to its first."""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass, field

from origin_pulls.errors import Refused
from origin_pulls.sandbox.cloudflare import presenting, state
from origin_pulls.sandbox.cloudflare.access import Access
from origin_pulls.sandbox.cloudflare.edge import Edge
from origin_pulls.sandbox.cloudflare.edge_conf import View
from origin_pulls.sandbox.cloudflare.leaves import Leaf
from origin_pulls.sandbox.cloudflare.state import World

SLOWEST = 30.0


@dataclass(slots=True)
class Place:
    """One place of the edge: what it does now, and what it will do (due by the virtual clock)."""

    view: View
    coming: deque[tuple[float, View]] = field(default_factory=deque)


class Keeper:
    """The world with the lock that guards it, and the thread that makes the edge follow it."""

    def __init__(self, access: Access, world: World, shared: Leaf) -> None:
        self.access = access
        self.world = world
        self.changed = threading.Condition(threading.RLock())
        self.applied = 0
        self.failure = ""
        self._shared = shared
        self._edge = Edge(access)
        self._is_ending = False
        self._latest = _view(world)
        self._places = [Place(self._latest) for _ in world.edge_addresses]
        self._shown: list[View] = []
        self._thread = threading.Thread(target=self._run, name="edge", daemon=True)

    def start(self) -> None:
        """Start nginx with what the API knows, then follow."""
        self._apply([place.view for place in self._places])
        self._thread.start()

    def stop(self) -> None:
        """Stop following, then nginx."""
        with self.changed:
            self._is_ending = True
            self.changed.notify_all()
        if self._thread.ident:
            self._thread.join(SLOWEST)
        self._edge.stop()

    def reset(self, world: World) -> None:
        """Begin anew with another world, whose edge is at once where the API is."""
        with self.changed:
            self.world = world
            self.keep()
            self._latest = _view(world)
            for place in self._places:
                place.view = self._latest
                place.coming.clear()

    def keep(self) -> None:
        """Write the world down, and wake who waits for a change."""
        state.save(self.access.state, self.world)
        self.changed.notify_all()

    def settle(self, patience: float) -> bool:
        """Wait until nothing is on its way to the edge any more; whether it came to that.

        With a clock that stands still: until what is due has arrived.
        """
        with self.changed:
            return self.changed.wait_for(self._is_settled, patience)

    def views(self) -> list[View]:
        """What each place of the edge really does."""
        with self.changed:
            return list(self._shown)

    def _is_settled(self) -> bool:
        if self.failure:
            return True
        due = self._advance()
        wanted = [place.view for place in self._places]
        return self._shown == wanted and (due is None or not self.world.speed)

    def _run(self) -> None:
        while True:
            with self.changed:
                if self._is_ending:
                    return
                due = self._advance()
                wanted = [place.view for place in self._places]
                if wanted == self._shown:
                    self.changed.notify_all()
                    self.changed.wait(self._seconds_until(due))
                    continue
            self._try(wanted)

    def _try(self, wanted: list[View]) -> None:
        try:
            self._apply(wanted)
        except (Refused, OSError) as error:
            with self.changed:
                self.failure = str(error)
                self._shown = wanted
                self.changed.notify_all()

    def _advance(self) -> float | None:
        """Let everything happen that is due, here and at the edge; when the next thing is due."""
        due = self.world.tick()
        now, latest = self.world.now(), _view(self.world)
        if latest != self._latest:
            self._latest = latest
            for place, lag in zip(self._places, self.world.switches.edge_lags, strict=True):
                place.coming.append((now + lag, latest))
        waiting = [] if due is None else [due]
        for place in self._places:
            while place.coming and place.coming[0][0] <= now:
                place.view = place.coming.popleft()[1]
            if place.coming:
                waiting.append(place.coming[0][0])
        return min(waiting, default=None)

    def _seconds_until(self, due: float | None) -> float | None:
        if due is None or not self.world.speed:
            return None
        return max(0.0, (due - self.world.now()) / self.world.speed)

    def _apply(self, wanted: list[View]) -> None:
        with self.changed:
            shown = self._certificates()
        self._edge.show(wanted, shown)
        with self.changed:
            self._shown = wanted
            self.applied += 1
            self.changed.notify_all()

    def _certificates(self) -> dict[str, str]:
        held = {
            one.id: one.key + "\n" + one.pem
            for zone in self.world.zones
            for one in (*zone.zone_certificates, *zone.hostname_certificates)
        }
        return held | {presenting.SHARED: self._shared.key + self._shared.certificate}


def _view(world: World) -> View:
    return View(tuple(presenting.ways(world)), tuple(presenting.direct(world)))
