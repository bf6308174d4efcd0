"""Follows the panel: renamed accounts keep their policies, removed ones leave nothing.

The spool only says "look again"; what is done follows from the store and the server as it is.
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from origin_pulls.engine import cleaning, looking, token_keeping, working
from origin_pulls.engine.cleaning import Cleaned, Ours
from origin_pulls.engine.preparing import applied_now
from origin_pulls.engine.server import Server
from origin_pulls.model import include, reconciling
from origin_pulls.model.include import State as FileState
from origin_pulls.model.inventory import Inventory, Vhost
from origin_pulls.model.policy import Policy
from origin_pulls.model.reconciling import Decision, Event, Found, LastSeen, Row
from origin_pulls.model.wish import Change, Wanted
from origin_pulls.server import cpanel, spool
from origin_pulls.store import setting
from origin_pulls.store.lives import Lives

logger = logging.getLogger(__name__)

Say = Callable[[str], None]
Ask = Callable[[Change], object]
Inherits = Callable[[Vhost], Policy]


@dataclass(frozen=True, slots=True)
class Followed:
    """What was followed: the events, what was decided, what was taken away."""

    events: tuple[Event, ...]
    decision: Decision
    cleaned: Cleaned

    @property
    def is_waiting(self) -> bool:
        """Whether something is left that a later look has to finish."""
        return self.cleaned.is_waiting


def inherited(server: Server) -> Inherits:
    """What a new vhost gets: what the administrator set for such."""
    first = setting.kept(server.store).first_policy()
    return lambda _: first


def reconcile(server: Server, ask: Ask, say: Say, *, inherits: Inherits | None = None) -> Followed:
    """Look at the server and let store, includes and policies follow it.

    ``ask`` has a change carried out as an ordinary job; it is called without the lock. Raises
    ``ConnectionError`` where nobody takes it: then all of it is done again at the next look.
    """
    spooled = spool.read(server.config)
    lives = Lives(server.store)
    with working.holding(server, say):
        found = looking.look(server, keep=True)
        memory = lives.memory()
        present = cleaning.includes(server)
        facts = _found(server, found, present)
        decision = reconciling.decide(
            server.store.policies(),
            facts,
            memory=memory,
            events=spooled.events,
            inherits=inherits or inherited(server),
            now=server.clock().timestamp(),
            under_way=lives.under_way(),
        )
        _follow(server, lives, decision, say)
        token_keeping.follow_accounts(server, decision.moves, facts.lives)
        cleaned = cleaning.clean(server, _standing(server, found), present, say)
        memory = lives.memory()
    asked = {f"{one.user}/{one.server_name}" for one in decision.asked}
    if decision.asked:
        for one in decision.asked:
            say(f"{one.server_name}: {one.policy.mode}, because {one.why}")
        items = tuple(Wanted(one.user, one.server_name, one.policy) for one in decision.asked)
        ask(Change(items, "hook", is_partial=True))
    _remember(lives, found, memory, asked, server.clock().timestamp())
    spool.forget(spooled.files)
    return Followed(spooled.events, decision, cleaned)


def _found(server: Server, found: Inventory, present: Sequence[Ours]) -> Found:
    states = {one.path: one.state for one in present}
    secure = {
        vhost.key: Path(vhost.include_directory) / include.FILE_NAME
        for vhost in found.vhosts
        if vhost.include_directory
    }
    plain = {
        vhost.key: Path(vhost.plain_include_directory) / include.FILE_NAME
        for vhost in found.vhosts
        if vhost.plain_include_directory
    }
    config = server.config
    return Found(
        lives=cpanel.read_lives(config),
        vhosts=found.vhosts,
        included={
            key
            for key, path in (*secure.items(), *plain.items())
            if states.get(path) is FileState.OURS
        },
        astray=set(_astray(server, found, secure, present)),
        traceless=lambda user, name: cpanel.is_traceless(config, user, name),
    )


def _astray(
    server: Server, found: Inventory, secure: Mapping[str, Path], present: Sequence[Ours]
) -> Iterator[str]:
    """Vhosts that have no include of ours, or one that names a CA file of another vhost."""
    known = {one.path: one for one in present}
    for vhost in found.vhosts:
        if vhost.key not in secure:
            continue
        one = known.get(secure[vhost.key])
        bundle = server.config.trust_directory / vhost.user / f"{vhost.server_name}.pem"
        if one is None or (one.state is FileState.OURS and str(bundle).encode() not in one.text):
            yield vhost.key


def _standing(server: Server, found: Inventory) -> list[Vhost]:
    """The vhosts whose files stay: those with HTTPS, and those that will have their policy again.

    A site without a certificate and without a policy keeps nothing: the day it gets one, the
    panel would bring an earlier life's include back into force.
    """
    applied = applied_now(server, found)
    return [
        vhost
        for vhost in found.vhosts
        if vhost.is_ssl or (vhost.key in applied and not applied[vhost.key].policy.is_idle)
    ]


def _follow(server: Server, lives: Lives, decision: Decision, say: Say) -> None:
    for move in decision.moves:
        say(f"{move.user} is called {move.new_user} now: its policies go along")
    for user, _, server_name in decision.forgotten:
        say(f"{server_name} of {user} is gone: its policy goes with it")
    if not decision.moves and not decision.forgotten:
        return
    lost = lives.follow(decision.moves, decision.forgotten, at=server.stamp())
    for number in lost:
        folder = server.config.keys_directory / number
        if folder.parent == server.config.keys_directory and folder.is_dir():
            shutil.rmtree(folder)


def _remember(
    lives: Lives,
    found: Inventory,
    memory: dict[Row, LastSeen],
    asked: set[str],
    now: float,
) -> None:
    """Keep how the vhosts look now; written only where something is different."""
    seen = {}
    for vhost in found.vhosts:
        row = vhost.user, vhost.incarnation, vhost.server_name
        before = memory.get(row)
        since = now if vhost.key in asked else before.asked if before else 0.0
        seen[row] = LastSeen(vhost.is_ssl, vhost.host_names, since)
    if seen != memory:
        lives.remember(seen)
