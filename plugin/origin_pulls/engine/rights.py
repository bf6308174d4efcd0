"""Judges who asks for what, by what the server says at this moment; believes nobody's word."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Collection, Mapping

from origin_pulls.config import Config
from origin_pulls.engine import looking
from origin_pulls.engine.edge import wishing
from origin_pulls.engine.edge.entering import at_edge
from origin_pulls.engine.server import Server
from origin_pulls.errors import Refused
from origin_pulls.model import rights
from origin_pulls.model.caller import Caller, Kind
from origin_pulls.model.desk_wish import Confirm, Edge, Enter
from origin_pulls.model.inventory import Vhost
from origin_pulls.model.job import Job, State
from origin_pulls.model.policy import Policy
from origin_pulls.model.rights import Standing
from origin_pulls.model.settings import Settings
from origin_pulls.model.token_wish import CheckTokens
from origin_pulls.model.wish import Cancel, Change, Preview, Rotate, Undo, Wish
from origin_pulls.server.features import Features, is_root_level
from origin_pulls.store import setting
from origin_pulls.store.marks import Marks

MINUTE = 60.0
# As how many wishes a question to Cloudflare counts: it takes several of the calls that all of
# the server's accounts share.
AT_CLOUDFLARE = 3
Place = tuple[str, str]  # account and ServerName


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
        if not isinstance(wish, Enter):  # asked for every page: nobody's turn at anything
            count = AT_CLOUDFLARE if isinstance(wish, Edge | CheckTokens) else 1
            self._count(caller.user, setting.kept(server.store).account_wishes, count)
        self.judge_account(server, wish, caller)

    def judge_account(self, server: Server, wish: Wish, caller: Caller) -> None:
        """``Refused`` where the account may not ask this of its vhosts, as all of it is now."""
        settings = setting.kept(server.store)
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
        vhosts: Mapping[Place, Vhost],
        settings: Settings,
    ) -> None:
        wanted = {**rights.named(wish), **_put_back(server, wish, caller, vhosts)}
        touched = _touched(server, wish, caller, vhosts)
        places = list(dict.fromkeys((*wanted, *touched)))
        if len(places) > settings.account_vhosts:
            raise Refused(
                f"These are {len(places)} vhosts at once",
                hint=f"At most {settings.account_vhosts}; ask in parts.",
            )
        marks, may = Marks(server.store), settings.accounts_may
        for place in places:
            # Somebody else's vhost and one that does not exist are told apart for nobody.
            vhost = looking.known(vhosts.get(place), place[1])
            now, policy = server.store.applied(vhost).policy, wanted.get(place)
            at = {"locked": marks.locked(vhost), "name": vhost.server_name}
            if policy is not None:
                _raise(rights.of_policy(may, now, policy, **at))
            if place in touched:
                _raise(rights.of_touching(may, (now, *touched[place]), **at))

    def _count(self, user: str, most: int, count: int) -> None:
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
            times.extend([now] * count)


def _put_back(
    server: Server, wish: Wish, caller: Caller, vhosts: Mapping[Place, Vhost]
) -> Mapping[Place, Policy | None]:
    """The vhosts that an undo is about, each with the policy it would get back."""
    of = wish.of if isinstance(wish, Preview) else wish
    if not isinstance(of, Undo):
        return {}
    job = _job(server, of.job, caller, vhosts)
    return {
        (item.user, item.server_name): item.before.policy
        for item in job.items
        if item.state is State.DONE
    }


def _touched(
    server: Server, wish: Wish, caller: Caller, vhosts: Mapping[Place, Vhost]
) -> Mapping[Place, tuple[Policy, ...]]:
    """The vhosts that a wish lays hands on without naming a policy, each with those meant."""
    match wish:
        case Confirm() | Cancel():
            job = _job(server, wish.job, caller, vhosts)
            if job.caller_kind != Kind.ACCOUNT:
                what = "confirm" if isinstance(wish, Confirm) else "cancel"
                raise Refused(
                    f"Job {wish.job} is the administrator's to {what}", hint=rights.ASK_ADMIN
                )
            return _policies_of(job)
        case Rotate():
            return _rotated(server, wish, caller)
        case Change():
            places = [(one.user, one.server_name) for one in wish.items]
            asked = dict.fromkeys(places, ()) if wish.removes else {}
            return {**asked, **_given_way(server, places, caller)}
        case Undo():
            job = _job(server, wish.job, caller, vhosts)
            return _given_way(server, list(_policies_of(job)), caller)
    return {}


def _given_way(
    server: Server, places: Collection[Place], caller: Caller
) -> Mapping[Place, tuple[Policy, ...]]:
    """What is at Cloudflare with one of these vhosts, and would be cancelled by relaxing it.

    What is not the account's own is refused when the job is accepted, whatever stands here.
    """
    found: dict[Place, tuple[Policy, ...]] = {}
    for job in at_edge(server):
        policies = _policies_of(job)
        if not policies.keys().isdisjoint(places) and wishing.is_accounts_own(job, caller.user):
            found |= policies
    return found


def _rotated(server: Server, wish: Rotate, caller: Caller) -> Mapping[Place, tuple[Policy, ...]]:
    if wish.material or wish.is_made_here:
        raise Refused("Only the administrator can bring a certificate", hint=rights.ASK_ADMIN)
    vhosts = {vhost.key: vhost for vhost in looking.look(server).vhosts}
    places = {(wish.user, wish.server_name)}
    for key in wishing.rotated_with(server, vhosts, f"{wish.user}/{wish.server_name}"):
        places.add((vhosts[key].user, vhosts[key].server_name))
    if wish.user == caller.user and any(user != caller.user for user, _ in places):
        raise Refused(
            "The certificate of this zone serves vhosts of others as well",
            hint="The administrator can rotate it.",
        )
    return dict.fromkeys(places, ())


def _policies_of(job: Job) -> dict[Place, tuple[Policy, ...]]:
    return {(item.user, item.server_name): (item.before.policy, item.wanted) for item in job.items}


def _job(server: Server, number: int, caller: Caller, vhosts: Mapping[Place, Vhost]) -> Job:
    """A job about nothing but vhosts of this account, in the life that it has now."""
    job = server.store.job(number)
    lives = {vhost.incarnation for vhost in vhosts.values()}
    if job is None or any(
        item.user != caller.user or item.incarnation not in lives for item in job.items
    ):
        raise Refused(f"There is no job {number} here", hint="Choose one of the list.")
    return job


def _raise(refused: Refused | None) -> None:
    if refused is not None:
        raise refused
