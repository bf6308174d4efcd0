"""What becomes of Cloudflare's side when vhosts are relaxed: done, or what it waits for."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from origin_pulls.agent import speaking
from origin_pulls.config import Config
from origin_pulls.engine import looking
from origin_pulls.engine.edge import by_hand, tidying
from origin_pulls.engine.edge.unused import unused
from origin_pulls.engine.server import Server
from origin_pulls.errors import OriginPullsError
from origin_pulls.model.edge import Form
from origin_pulls.model.job import Job, State
from origin_pulls.model.policy import Mode
from origin_pulls.model.wish import Change, Reviewed
from origin_pulls.store.presented import Presented
from origin_pulls.store.rollouts import EdgeStore

LONGEST = 30.0  # seconds for which somebody at the shell waits; the agent goes on after that
PAUSE = 0.2


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """The zones at which it is done, and (vhost, zone, why) of what has to wait.

    ``needed`` are (zone, vhost) of zones that go on presenting, because that vhost needs it.
    ``by_hand`` are vhosts at which a person set Cloudflare up: nothing is done for them there.
    """

    done: tuple[str, ...] = ()
    needed: tuple[tuple[str, str], ...] = ()
    waiting: tuple[tuple[str, str, str], ...] = ()
    by_hand: tuple[str, ...] = ()

    @property
    def lines(self) -> list[str]:
        """The same in sentences."""
        said = [f"At Cloudflare: done (zone {zone})." for zone in self.done]
        said += [
            f"At Cloudflare: the zone {zone} goes on presenting, {name} needs it."
            for zone, name in self.needed
        ]
        said += [
            f"At Cloudflare: not yet for {name} (zone {zone}); it is tried again. {why}"
            for name, zone, why in self.waiting
        ]
        return said + [
            f"At Cloudflare: nothing was changed for {name}, which you set up there by hand."
            for name in self.by_hand
        ]

    def as_record(self) -> dict[str, Any]:
        """The same as plain values."""
        return {
            "done": list(self.done),
            "needed": [{"zone": zone, "servername": name} for zone, name in self.needed],
            "waiting": [
                {"servername": name, "zone": zone, "why": why} for name, zone, why in self.waiting
            ],
            "by_hand": list(self.by_hand),
        }


def known(config: Config, wish: Reviewed) -> list[Presented]:
    """What is noted to lie at Cloudflare before a wish, as far as it could concern it."""
    server = Server.dry(config)
    found = EdgeStore(server.store).presented()
    if isinstance(wish, Change) and wish.removes:
        keys = {f"{one.user}/{one.server_name}" for one in wish.items}
        vhosts = [vhost for vhost in looking.look(server).vhosts if vhost.key in keys]
        found += [one for vhost in vhosts for one in unused(server, vhost, relaxing=keys)]
    return found


def after(
    config: Config, job: Job, before: Iterable[Presented], say: Callable[[str], None]
) -> Withdrawn:
    """What became of what was presented to vhosts that a job has switched off.

    Where an agent runs it is waited for, but not for long, and not where it can do nothing.
    """
    items = [
        item for item in job.items if item.state is State.DONE and item.wanted.mode is Mode.OFF
    ]
    keys = {item.key for item in items}
    if not keys:
        return Withdrawn()
    server = Server.dry(config)
    said = max((line for line, _, _ in server.store.progress(job.number)), default=0)
    end = time.monotonic() + LONGEST
    is_told = False
    while True:
        left = _left(server, keys)
        for line, _, text in server.store.progress(job.number, after=said):
            say(text)
            said = line
        waiting = [(one.server_name, one.zone_name, _why(server, one)) for one in left]
        is_stuck = any(why for _, _, why in waiting)
        if not left or is_stuck or time.monotonic() > end or not speaking.is_running(config):
            break
        if not is_told and time.monotonic() > end - LONGEST + 1:
            is_told = True
            say(f"waiting for Cloudflare's side, at most {LONGEST:.0f} seconds: the agent does it")
        time.sleep(PAUSE)
    zones = {one.zone_name for one in before if one.key in keys and one.form is not Form.SHARED}
    gone = zones - {one.zone_name for one in left}
    needed = {
        one.zone_name: one.server_name
        for one in EdgeStore(server.store).valid()
        if one.form is Form.ZONE and one.key not in keys and one.zone_name in gone
    }
    by_word = [item.server_name for item in items if item.before.policy.edge_ready]
    done = tuple(sorted(gone - set(needed)))
    return Withdrawn(done, tuple(sorted(needed.items())), tuple(waiting), tuple(by_word))


def _left(server: Server, keys: Iterable[str]) -> list[Presented]:
    wanted, left = set(keys), tidying.leftovers(server)
    return [
        one
        for one in EdgeStore(server.store).presented()
        if one.key in wanted and (one.key, one.zone) in left
    ]


def _why(server: Server, one: Presented) -> str:
    """Why it cannot be done now; empty when nothing is known to stand in the way."""
    trusting = by_hand.trusting(server, one.material, one.user)
    if trusting:
        return f"{trusting[0]} trusts the certificate by hand (`--trust custom`)."
    try:
        server.reach.client(one.user, one.incarnation, one.zone, one.zone_name)
    except OriginPullsError as error:
        return f"{error.message.rstrip('.')}. {error.hint}".strip()
    return ""
