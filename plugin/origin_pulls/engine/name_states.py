"""Which names Cloudflare stands before: kept for the lists, and looked at when somebody asks.

By the records of the zone where a token reaches it, else by DNS against Cloudflare's networks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta

from origin_pulls.engine import looking, notifying
from origin_pulls.engine.reaching import Reaching
from origin_pulls.engine.server import Server
from origin_pulls.model.inventory import Proxied, Vhost
from origin_pulls.model.zones import Known
from origin_pulls.store.marks import Marks

BACKGROUND = 2  # times as long as a look that somebody waits for


def refresh(server: Server, *, is_wanted: Callable[[], bool] = lambda: False) -> int:
    """Look at the names of the vhosts that were looked at longest ago; how many vhosts.

    Bounded in number and time. A vhost that cannot be looked at takes its turn all the same, so
    that no account's token or name server keeps others from theirs; what was known of it
    stays. It ends when something else is wanted at Cloudflare.
    """
    config, marks = server.config, Marks(server.store)
    if not _is_possible(server):
        return 0
    looked_at = marks.name_state_times()
    latest = _before(server, config.name_states_age)
    due = [
        vhost
        for vhost in looking.look(server).vhosts
        if looked_at.get((vhost.user, vhost.server_name), "") < latest
    ]
    due.sort(key=lambda vhost: looked_at.get((vhost.user, vhost.server_name), ""))
    done = 0
    with _Look(server, config.names_patience * BACKGROUND) as look:
        for vhost in due[: config.name_states_at_once]:
            if is_wanted():
                break
            known = marks.name_states(vhost.user, vhost.server_name)
            states, _ = look.at(vhost, known.states)
            _keep(server, vhost, states, server.stamp())
            done += 1
            if look.is_over:
                break
    return done


def now(server: Server, vhosts: Sequence[Vhost]) -> Mapping[str, Known]:
    """What is known of the names of these vhosts by their keys, looked at now where it is old.

    Bounded in number and time over all of them: what is not reached is given as it was known. A
    dry server keeps nothing of it.
    """
    marks = Marks(server.store)
    found = {one.key: marks.name_states(one.user, one.server_name) for one in vhosts}
    latest = _before(server, server.config.names_fresh)
    due = [one for one in vhosts if found[one.key].at < latest]
    if not due or not _is_possible(server):
        return found
    with _Look(server, server.config.names_patience) as look:
        for vhost in due:
            if look.is_over:
                break
            states, is_whole = look.at(vhost, found[vhost.key].states)
            at = server.stamp() if is_whole else found[vhost.key].at
            found[vhost.key] = Known(states, at)
            if is_whole and not server.is_dry:
                _keep(server, vhost, states, at)
    return found


class _Look:
    """One look, at no more names and for no longer than the configuration allows."""

    def __init__(self, server: Server, patience: float) -> None:
        self._reaching = Reaching(server.config, patience=patience)
        self._left = server.config.names_most

    def __enter__(self) -> _Look:
        return self

    def __exit__(self, *_: object) -> None:
        self._reaching.close()

    @property
    def is_over(self) -> bool:
        """Whether nothing more will be found out."""
        return self._left <= 0 or self._reaching.is_over

    def at(self, vhost: Vhost, known: Mapping[str, Proxied]) -> tuple[dict[str, Proxied], bool]:
        """The states of a vhost's names, and whether each was answered; else what was known."""
        states = {name: known.get(name, Proxied.UNKNOWN) for name in vhost.host_names}
        # Of more names than are asked at once those come first of which nothing is known.
        names = sorted(states, key=lambda name: states[name] is not Proxied.UNKNOWN)
        asked = names[: self._left]
        self._left -= len(asked)
        found = self._reaching.states(vhost.user, vhost.incarnation, asked)
        states |= {one.name: one.proxied for one in found if one.is_answered}
        return states, all(one.is_answered for one in found) and len(asked) == len(names)


def _keep(server: Server, vhost: Vhost, states: Mapping[str, Proxied], at: str) -> None:
    amiss = Marks(server.store).keep_name_states(vhost, states, at=at)
    if amiss:
        notifying.tell(server, vhost.key, amiss)


def _is_possible(server: Server) -> bool:
    return server.reach.is_possible() or bool(server.config.dns_over_https)


def _before(server: Server, seconds: float) -> str:
    moment = server.clock() - timedelta(seconds=seconds)
    return moment.isoformat(timespec="milliseconds")
