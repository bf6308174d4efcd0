"""Lets wishes in: who asks is settled, judged and written down before anything is done."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from origin_pulls.config import Config
from origin_pulls.engine.rights import Gate, TooOften
from origin_pulls.engine.server import Seen, Server
from origin_pulls.errors import Damaged, Refused
from origin_pulls.model import deeds, rights
from origin_pulls.model.caller import Caller, Kind
from origin_pulls.model.desk_wish import ChangeSettings, Enter
from origin_pulls.model.wish import Asked, Cancel, JobWish, Wish
from origin_pulls.store import auditing, setting
from origin_pulls.store.parts import Reading

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Admitted:
    """A wish that was let in, who asks, and the server it is about."""

    server: Server
    wish: Wish
    caller: Caller

    def note(self, *, job: int = 0, subject: str = "") -> None:
        """Write down in the audit what was asked; ``subject`` where that is known by now."""
        if not deeds.is_audited(self.wish):
            return
        if isinstance(self.wish, ChangeSettings) and not self.wish.values:
            return  # it was all so already
        said = deeds.words(self.wish)
        auditing.note(
            self.server.store,
            self.caller,
            said.done,
            subject=subject or said.subject,
            job=job or said.job,
            at=self.server.stamp(),
        )


class Door:
    """The way in for every wish."""

    def __init__(self, config: Config, seen: Seen) -> None:
        self.config = config
        self.seen = seen
        self.gate = Gate(config)

    @contextmanager
    def admitted(self, asked: Asked, *, is_root: bool) -> Iterator[Admitted]:
        """The wish, let in; ``Refused`` where who asks may not. ``is_root`` says the kernel."""
        caller = _believed(asked, is_root=is_root)
        wish = rights.with_who(asked.wish, caller)
        server = Server.of(self.config, self.seen)
        try:
            try:
                self.gate.judge(server, wish, caller)
            except TooOften:
                raise
            except Refused as error:
                if isinstance(wish, Enter):  # asked for every page: it would flood the audit
                    raise
                said, subject = deeds.refused(wish, error.message), deeds.words(wish).subject
                auditing.note(server.store, caller, said, subject=subject, at=server.stamp())
                raise
            if isinstance(wish, ChangeSettings):
                wish = narrowed(wish, server.store)
            yield Admitted(server, wish, caller)
        finally:
            server.store.close()

    def note(self, wish: Wish, caller: Caller) -> None:
        """Write down what was done without the store, if there is a sound one."""
        try:
            server = Server.of(self.config, self.seen)
            try:
                Admitted(server, wish, caller).note()
            finally:
                server.store.close()
        except Damaged as error:
            logger.warning("not in the audit: %s", error)

    def admitted_in_panic(self, asked: Asked, *, is_root: bool) -> Caller:
        """Who asks for everything to be relaxed; judged without the store, which may be broken."""
        caller = _believed(asked, is_root=is_root)
        self.gate.judge_caller(asked.wish, caller)
        return caller


def narrowed(wish: ChangeSettings, store: Reading) -> ChangeSettings:
    """Of what is to be set, what is not so already: a form sends all of it."""
    kept = setting.kept(store).as_record()
    return ChangeSettings(tuple(one for one in wish.values if kept.get(one[0]) != one[1]))


def _believed(asked: Asked, *, is_root: bool) -> Caller:
    """Who asks. The web services may speak for WHM's users and for accounts, never as root."""
    if is_root and asked.caller is None:
        who = asked.wish.who if isinstance(asked.wish, JobWish | Cancel) else "root"
        return Caller(Kind.ROOT, who, via="cli")
    if asked.caller is None or (asked.caller.kind is Kind.ROOT and not is_root):
        raise Refused("The wish does not say who asks", hint="Only root may leave that out.")
    return asked.caller
