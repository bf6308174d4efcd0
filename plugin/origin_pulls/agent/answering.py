"""Answers the wishes that make no job: to preview, show, prove, look after, lock, set, confirm."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from origin_pulls.agent.admitting import Admitted
from origin_pulls.agent.lingering import Lingering
from origin_pulls.config import Config
from origin_pulls.engine import (
    doctor,
    looking,
    name_states,
    preparing,
    previewing,
    relaxing,
    showing,
    token_checking,
)
from origin_pulls.engine.edge import seeing
from origin_pulls.engine.server import Seen, Server, utc_now
from origin_pulls.errors import Busy, Refused
from origin_pulls.model import desk_wish, preview, rights
from origin_pulls.model import wish as wishes
from origin_pulls.model.caller import Caller
from origin_pulls.model.job import Applied
from origin_pulls.model.token_wish import CheckTokens
from origin_pulls.model.wish import Change, Preview, Wish
from origin_pulls.store import setting
from origin_pulls.store.marks import Marks

logger = logging.getLogger(__name__)

Answer = Mapping[str, object]
AT_ONCE = 4
AT_ONCE_FOR_ACCOUNTS = 2
AT_ONCE_AT_CLOUDFLARE = 2
PATIENCE = 60.0  # seconds to wait for others who look at the same time
HOST = re.compile(r"https?://([^/\s:]+)")


class Answering:
    """Answers by subject; few at a time, and one at a time for each account."""

    def __init__(self, config: Config, seen: Seen) -> None:
        self.config = config
        self.seen = seen
        # Places of their own: account holders who look a lot never keep the administrator waiting.
        self.slots = threading.BoundedSemaphore(AT_ONCE)
        self.slots_for_accounts = threading.BoundedSemaphore(AT_ONCE_FOR_ACCOUNTS)
        # Nobody who looks at the server waits because Cloudflare is slow.
        self.slots_at_cloudflare = threading.BoundedSemaphore(AT_ONCE_AT_CLOUDFLARE)
        self.lingering = Lingering()
        self.busy: set[str] = set()
        self.marking = threading.Lock()

    def answer(self, admitted: Admitted) -> Answer:
        """The answer to a wish that was let in."""
        server, wish, caller = admitted.server, admitted.wish, admitted.caller
        match wish:
            case Preview():
                return self._previewed(wish, caller)
            case desk_wish.Show() | desk_wish.Prove() | desk_wish.Doctor():
                slots = self.slots_for_accounts if caller.is_account else self.slots
                with self._slot(caller, slots):
                    return self._looked(server, wish, caller)
            case desk_wish.Edge():
                with self._slot(caller, self.slots_at_cloudflare), self._dry() as dry:
                    return {"edge": _at_edge(dry, wish, is_account=caller.is_account)}
            case CheckTokens():
                return self._checked(wish, caller)
            case desk_wish.Enter():
                return {"done": True}
            case desk_wish.Lock():
                vhost = looking.vhost_of(looking.look(server), wish.user, wish.server_name)
                Marks(server.store).lock(vhost, wish.reason, who=caller.user, at=server.stamp())
                return {"done": True}
            case desk_wish.Unlock():
                vhost = looking.vhost_of(looking.look(server), wish.user, wish.server_name)
                return {"done": Marks(server.store).unlock(vhost)}
            case desk_wish.ChangeSettings():
                kept = setting.keep(server.store, dict(wish.values))
                return {"settings": kept.as_record()}
            case desk_wish.Confirm():
                return _confirmed(server, wish.job)
        raise Refused("Nobody here answers such a wish", hint="Is it the same version?")

    def _checked(self, wish: CheckTokens, caller: Caller) -> Answer:
        def look() -> Answer:
            with self._slot(caller, self.slots_at_cloudflare), self._dry() as dry:
                found = token_checking.check(dry, logger.info, wish.account)
                return {"checked": [asdict(token_checking.in_short(one)) for one in found]}

        who = f"tokens of {caller.kind} {caller.user}"
        patience = self.config.page_answer
        found = self.lingering.answer(who, wishes.write(wish), look, patience=patience)
        return {"looking": True} if found is None else found

    def _previewed(self, wish: Preview, caller: Caller) -> Answer:
        is_account = caller.is_account

        def look() -> Answer:
            slots = self.slots_for_accounts if is_account else self.slots
            with self._slot(caller, slots):
                if isinstance(wish.of, Change):
                    self._learn_names(wish.of, wish.after)
                # A dry one: a preview makes no certificate and keeps no probe.
                with self._dry() as dry:
                    found = previewing.preview(
                        dry, wish.of, after=wish.after, is_account=is_account
                    )
            record = preview.as_record(found)
            return {"preview": _preview_for_account(record) if is_account else record}

        who = f"{caller.kind} {caller.user}"
        question = wishes.write(wish)
        found = self.lingering.answer(who, question, look, patience=self.config.page_answer)
        return {"looking": True} if found is None else found

    def _learn_names(self, change: Change, after: int) -> None:
        # A server of its own: who asked may be gone before this is over.
        server = Server.of(self.config, self.seen)
        try:
            _learn_names(server, [(one.user, one.server_name) for one in change.items[after:]])
        finally:
            server.store.close()

    def _looked(self, server: Server, wish: Wish, caller: Caller) -> Answer:
        is_account = caller.is_account
        match wish:
            case desk_wish.Show():
                _learn_names(server, [(wish.user, wish.server_name)])
                with self._dry() as dry:
                    inventory = looking.look(dry)
                    vhost = looking.vhost_of(inventory, wish.user, wish.server_name)
                    shown = showing.shown_record(showing.look_at(dry, inventory, vhost))
                return {"shown": _shown_for_account(shown) if is_account else shown}
            case desk_wish.Prove():
                return _proven(server, wish)
            case _:
                return {"checks": [one.as_record() for one in doctor.examine(server)]}

    def relax(self, caller: Caller) -> Answer:
        """Panic, without store or inventory; what is wrong with them stands in the answer."""
        stamp = utc_now().isoformat(timespec="milliseconds")
        done = relaxing.relax(self.config, caller.user, stamp, logger.info)
        return {
            "relaxed": {
                "emptied": len(done.files),
                "kept": [str(path) for path in done.kept],
                "problems": list(done.problems),
                "job": done.job,
            }
        }

    @contextmanager
    def _dry(self) -> Iterator[Server]:
        server = Server.dry(self.config, self.seen)
        try:
            yield server
        finally:
            server.store.close()

    @contextmanager
    def _slot(self, caller: Caller, slots: threading.BoundedSemaphore) -> Iterator[None]:
        """One of few places; an account that is being answered has to wait for that."""
        name = caller.user if caller.is_account else ""
        with self.marking:
            if name and name in self.busy:
                raise Busy(
                    "Another question of this account is being answered",
                    hint="Wait for its answer, then ask again.",
                )
            self.busy |= {name} - {""}
        try:
            if not slots.acquire(timeout=PATIENCE):
                raise Busy("Too much is being looked at", hint="Try again in a minute.")
            try:
                yield
            finally:
                slots.release()
        finally:
            with self.marking:
                self.busy.discard(name)


def _learn_names(server: Server, places: Sequence[tuple[str, str]]) -> None:
    """Look at the names of these vhosts where that is old, and keep it for who asks next."""
    wanted = set(places[: previewing.MOST_VHOSTS])
    vhosts = looking.look(server).vhosts
    name_states.now(server, [one for one in vhosts if (one.user, one.server_name) in wanted])


def _proven(server: Server, wish: desk_wish.Prove) -> Answer:
    found = looking.look(server)
    vhost = looking.vhost_of(found, wish.user, wish.server_name)
    applied = preparing.applied_now(server, found).get(vhost.key, Applied())
    proof = showing.prove(server, vhost, applied)
    return {"proof": {"held": not proof.problem, "lines": proof.lines, "failed": proof.failed}}


def _at_edge(server: Server, wish: desk_wish.Edge, *, is_account: bool) -> dict[str, Any]:
    inventory = looking.look(server)
    vhost = looking.vhost_of(inventory, wish.user, wish.server_name)
    record = seeing.as_record(seeing.edge_of(server, inventory, vhost))
    if is_account:
        record["problems"] = list(map(_told, record["problems"]))
        for zone in record["zones"]:
            zone["amiss"] = list(map(_told, zone["amiss"]))
            for one in zone["obstacles"]:
                one["message"], one["hint"] = rights.as_told_to_accounts(
                    one["message"], one["hint"]
                )
    return record


def _told(text: str) -> str:
    return rights.as_told_to_accounts(text, "")[0]


def _confirmed(server: Server, job: int) -> Answer:
    if not Marks(server.store).confirm(job):
        raise Refused(
            f"Job {job} does not wait for a confirmation",
            hint="It was confirmed or undone already, or it is going back: look at the job.",
        )
    server.store.note([job], "confirmed: it stays", at=server.stamp())
    return {"done": True}


def _preview_for_account(record: dict[str, Any]) -> dict[str, Any]:
    for one in record["vhosts"]:
        one["refused"], one["hint"] = rights.as_told_to_accounts(one["refused"], one["hint"])
    return record


def _shown_for_account(record: dict[str, Any]) -> dict[str, Any]:
    """A vhost as its account holder may see it: no root's file, no other site of the server."""
    own = {name["name"] for name in record["names"]}
    record["certificate"] = {}
    record["include"] = {"state": record["include"]["state"]}
    record["port80_include"] = {"state": record["port80_include"]["state"]}
    record["attention"] = [one for one in record["attention"] if not rights.PATH.search(one)]
    if record["drift"]:
        record["drift"] = "what is on the disk is not what was set"
    record["ways_round"] = [
        way
        for way in record["ways_round"]
        if set(HOST.findall(way["what"])) <= own and not rights.PATH.search(way["what"])
    ]
    return record
