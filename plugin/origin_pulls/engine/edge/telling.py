"""Tells people what the watch found: at the vhost, where lists and pages show it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from origin_pulls.engine import notifying
from origin_pulls.engine.server import Server
from origin_pulls.model.caller import AGENT
from origin_pulls.model.inventory import Vhost
from origin_pulls.model.job import Item, Job, State
from origin_pulls.store.marks import CERTIFICATE, EDGE, LONGEST, WATCH, Marks
from origin_pulls.store.rollouts import Drift


def tell_drift(
    server: Server, vhosts: Mapping[str, Vhost], now: Sequence[Drift], fresh: Iterable[Drift]
) -> None:
    """Note at each vhost what is amiss at Cloudflare, and tell what is newly so.

    What is in order again is forgotten.
    """
    _tell(server, vhosts, EDGE, _by_vhost(now))
    for drift in fresh:
        notifying.tell(server, drift.key, _sentence(drift.what))


def tell_expiry(server: Server, vhosts: Mapping[str, Vhost], now: Mapping[str, str]) -> None:
    """Note at each vhost that its certificate ends and a person is needed, or that none is."""
    for key, said in _tell(server, vhosts, CERTIFICATE, now).items():
        notifying.tell(server, key, said)


def tell_unwatched(server: Server, vhosts: Iterable[Vhost], said: str) -> None:
    """Nobody sees any more whether these are presented to: a token went, or lost a permission."""
    noted = _told(server, WATCH)
    for vhost in vhosts:
        if vhost.key not in noted:
            Marks(server.store).notice(vhost, WATCH, said, at=server.stamp())
            notifying.tell(server, vhost.key, said)


def watched(server: Server, vhosts: Iterable[Vhost]) -> None:
    """It is seen again whether these are presented to."""
    noted = _told(server, WATCH)
    for vhost in vhosts:
        if vhost.key in noted:
            Marks(server.store).forget(vhost, WATCH)


def watch_only(server: Server, vhosts: Mapping[str, Vhost], keys: Collection[str]) -> None:
    """Nothing is presented any more to any but these: nobody need watch the others."""
    watched(server, [vhosts[key] for key in _told(server, WATCH) if key in vhosts.keys() - keys])


def tell_step_back(server: Server, item: Item) -> None:
    """What became of a step back to observe that nobody asked for."""
    if item.state is State.DONE:
        said = "It stepped back to observe by itself: nobody is refused any more."
    else:
        said = f"It should step back to observe and could not: {item.message} {item.hint}".strip()
    notifying.tell(server, item.key, said)


def tell_outcome(server: Server, job: Job) -> None:
    """A job at the edge ended badly, with nobody before it: it takes its time, or was our own."""
    is_own = job.who == AGENT.user
    for item in job.items:
        is_bad = item.state in (State.RESTORED, State.NOT_RESTORED)
        if is_bad or (is_own and item.state is State.REFUSED):
            said = f"{job.kind} to {item.wanted.mode} (job {job.number}): {item.state}."
            notifying.tell(server, item.key, f"{said} {item.message} {item.hint}".strip())


def _sentence(what: str) -> str:
    """A capital first, but where it begins with a host name."""
    return f"{what if '.' in what.partition(' ')[0] else what[:1].upper() + what[1:]}."


def _tell(
    server: Server, vhosts: Mapping[str, Vhost], kind: str, are: Mapping[str, str]
) -> dict[str, str]:
    """Bring the notices of a kind up to date; gives those that are new.

    It is compared with what was told, not with what was seen last: others mend things as well.
    """
    marks = Marks(server.store)
    was = _told(server, kind)
    for key in was.keys() - are.keys():
        if key in vhosts:
            marks.forget(vhosts[key], kind)
    fresh = {
        key: said for key, said in are.items() if key in vhosts and said[:LONGEST] != was.get(key)
    }
    for key, said in fresh.items():
        marks.notice(vhosts[key], kind, said, at=server.stamp())
    return fresh


def _told(server: Server, kind: str) -> dict[str, str]:
    rows = server.store.rows("SELECT user, server_name, said FROM attention WHERE kind=?", (kind,))
    return {f"{row['user']}/{row['server_name']}": str(row["said"]) for row in rows}


def _by_vhost(drifts: Iterable[Drift]) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    for drift in drifts:
        found.setdefault(drift.key, []).append(drift.what)
    return {key: "; ".join(what) for key, what in found.items()}
