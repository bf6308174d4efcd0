"""Judges who asks for what, by what the server says at this moment; believes nobody's word."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping

from origin_pulls.config import Config
from origin_pulls.engine import looking
from origin_pulls.engine.server import Server
from origin_pulls.errors import Refused
from origin_pulls.model import rights
from origin_pulls.model.caller import Caller
from origin_pulls.model.desk_wish import Confirm
from origin_pulls.model.inventory import Vhost
from origin_pulls.model.job import State
from origin_pulls.model.policy import Policy
from origin_pulls.model.rights import Standing
from origin_pulls.model.settings import Settings
from origin_pulls.model.wish import Preview, Undo, Wish
from origin_pulls.server.features import Features, is_root_level
from origin_pulls.store import setting
from origin_pulls.store.marks import Marks

MINUTE = 60.0


class TooOften(Refused):
    """An account asks more often than it may; not kept in the audit, or that would be flooded."""


class Gate:
    """Lets wishes by or refuses them; remembers for a while how often each account asked."""

    def __init__(self, config: Config, clock: Callable[[], float] = time.monotonic) -> None:
        self.config = config
        self.clock = clock
        self.features = Features(config, clock)
        self.asked: dict[str, deque[float]] = {}
        self.counting = threading.Lock()

    def judge(self, server: Server, wish: Wish, caller: Caller) -> None:
        """``Refused``, with the reason, where this caller may not ask this."""
        self.judge_caller(wish, caller)
        if not caller.is_account:
            return
        settings = setting.kept(server.store)
        self._count(caller.user, settings.account_wishes)
        vhosts = {
            (vhost.user, vhost.server_name): vhost
            for vhost in looking.look(server).vhosts
            if vhost.user == caller.user
        }
        standing = Standing(
            is_known=bool(vhosts),
            is_suspended=any(vhost.is_suspended for vhost in vhosts.values()),
            has_feature=bool(vhosts) and self.features.has(caller.user),
            may=settings.accounts_may,
        )
        _raise(rights.of_account(standing, wish))
        self._judge_vhosts(server, wish, caller, vhosts, settings)

    def judge_caller(self, wish: Wish, caller: Caller) -> None:
        """``Refused`` where this kind of caller may not ask this at all."""
        level = is_root_level(self.config, caller.user)
        _raise(rights.of_caller(caller, wish, is_root_level=level))

    def _judge_vhosts(
        self,
        server: Server,
        wish: Wish,
        caller: Caller,
        vhosts: Mapping[tuple[str, str], Vhost],
        settings: Settings,
    ) -> None:
        wanted = {**rights.named(wish), **_of_job(server, wish, caller)}
        if len(wanted) > settings.account_vhosts:
            raise Refused(
                f"These are {len(wanted)} vhosts at once",
                hint=f"At most {settings.account_vhosts}; ask in parts.",
            )
        marks = Marks(server.store)
        for place, policy in wanted.items():
            # Somebody else's vhost and one that does not exist are told apart for nobody.
            vhost = looking.known(vhosts.get(place), place[1])
            if policy is not None:
                refused = rights.of_policy(
                    settings.accounts_may,
                    server.store.applied(vhost).policy,
                    policy,
                    locked=marks.locked(vhost),
                    name=vhost.server_name,
                )
                _raise(refused)

    def _count(self, user: str, most: int) -> None:
        """Note that an account asked; refuse it when it did so too often within a minute."""
        with self.counting:
            now = self.clock()
            times = self.asked.setdefault(user, deque())
            while times and times[0] <= now - MINUTE:
                times.popleft()
            if len(times) >= most:
                raise TooOften(
                    f"This account has asked {most} times within a minute",
                    hint="Wait a minute, then ask again.",
                )
            times.append(now)


def _of_job(server: Server, wish: Wish, caller: Caller) -> Mapping[tuple[str, str], Policy | None]:
    """The vhosts of the job that a wish is about, each with the policy it would get."""
    of = wish.of if isinstance(wish, Preview) else wish
    if not isinstance(of, Undo | Confirm):
        return {}
    job = server.store.job(of.job)
    if job is None or any(item.user != caller.user for item in job.items):
        raise Refused(f"There is no job {of.job} here", hint="Choose one of the list.")
    if isinstance(of, Confirm):
        if job.caller_kind != "account":
            raise Refused(f"Job {of.job} is the administrator's to confirm", hint=rights.ASK_ADMIN)
        return {(item.user, item.server_name): None for item in job.items}
    return {
        (item.user, item.server_name): item.before.policy
        for item in job.items
        if item.state is State.DONE
    }


def _raise(refused: Refused | None) -> None:
    if refused is not None:
        raise refused
