"""To change: from names to a wish, its preview, and having it carried out; undo; panic."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

from origin_pulls.agent import speaking
from origin_pulls.config import Config
from origin_pulls.engine import looking, preparing, previewing, relaxing, stopping, working
from origin_pulls.engine.edge import entering, foreseeing, going, replacing, tidying, wishing
from origin_pulls.engine.edge.foreseeing import Foreseen
from origin_pulls.engine.edge.replacing import Rotated
from origin_pulls.engine.preparing import Prepared
from origin_pulls.engine.relaxing import Relaxed
from origin_pulls.engine.server import Server, utc_now
from origin_pulls.errors import Refused, Unusable
from origin_pulls.model.job import Applied, Job, State
from origin_pulls.model.policy import Policy
from origin_pulls.model.wish import Cancel, Change, JobWish, Reviewed, Rotate, Wanted
from origin_pulls.server import lock
from origin_pulls.store.rollouts import EdgeStore

Say = Callable[[str], None]
FOLLOW_PAUSE = 0.1
LONGEST_SLEEP = 5.0  # so that a job that was cancelled meanwhile is seen
LOOK_EACH = 10  # pauses, to look whether the agent is still there


def wish_for(
    config: Config,
    names: Sequence[str],
    policy_of: Callable[[str, Policy], Policy],
    *,
    who: str = "root",
    is_partial: bool = False,
) -> Change:
    """The wish to change the vhosts that serve these names.

    ``policy_of`` makes of a name and the policy in force the one that is wanted. Raises
    ``Refused`` for a name that nobody serves, ``Unusable`` when two names mean one vhost and
    want different things of it.
    """
    server = Server.dry(config)
    found = looking.look(server)
    applied = preparing.applied_now(server, found)
    vhosts = looking.Names(found)
    wanted: dict[str, Wanted] = {}
    for name in names:
        vhost = vhosts.find(name)
        policy = policy_of(name, applied.get(vhost.key, Applied()).policy)
        one = wanted.setdefault(vhost.key, Wanted(vhost.user, vhost.server_name, policy))
        if one.policy != policy:
            raise Unusable(
                f"{vhost.server_name} is named twice (once as {name}) with different wishes",
                hint="Name each vhost once; `show` tells which names share one.",
            )
    return Change(tuple(wanted.values()), who, is_partial)


def preview(config: Config, wish: Reviewed) -> tuple[Prepared, Foreseen]:
    """What a wish would do here and at Cloudflare, which is asked; it touches nothing."""
    server = Server.dry(config)
    prepared, job = previewing.prepared_for(server, wish)
    if not prepared.edge_first:
        return prepared, Foreseen()
    foreseen = foreseeing.foresee(server, job)
    left = tuple(item for item in job.items if item.key not in foreseen.refused)
    if len(left) == len(job.items):
        return prepared, foreseen
    again = preparing.prepare(
        server, [replace(job, items=entering.as_presented(server, left))] if left else []
    )
    first = [key for key in prepared.edge_first if key not in foreseen.refused]
    refused = {**again.refused, **prepared.refused, **foreseen.refused}
    return replace(again, refused=refused, edge_first=tuple(first)), foreseen


def carry_out(config: Config, wish: JobWish, say: Say) -> Job:
    """Have a wish carried out and wait for its outcome.

    The running agent does it; where none runs, it is done here, under the same lock.
    """
    try:
        number = speaking.ask(config, wish)
    except ConnectionError:
        return _do_it_here(config, wish, say)
    return follow(config, number, say)


def follow(config: Config, number: int, say: Say, *, said: int = 0) -> Job:
    """Wait for the outcome of a job, saying its progress behind line ``said``.

    When the agent ends in the middle, what it left is brought to an end here.
    """
    server = Server.of(config)
    try:
        return _followed(config, server, number, say, said)
    except KeyboardInterrupt:
        _say_who_goes_on(config, server, number, say)
        raise


def _followed(config: Config, server: Server, number: int, say: Say, said: int) -> Job:
    looked = 0
    while True:
        for line, _, text in server.store.progress(number, after=said):
            say(text)
            said = line
        job = server.store.job(number)
        if job is None:
            raise Refused(f"There is no job {number}", hint="See `origin-pulls jobs`.")
        if job.state.is_over:
            return job
        looked += 1
        if looked % LOOK_EACH == 0 and _is_abandoned(config):
            say("no agent runs: going on here")
            with stopping.taken_back(), working.holding(server, say):
                working.work(server, say)
            _go_on_here(server, number, say)
            said = _last_line(server, number)  # the others were said as they came
            continue
        time.sleep(FOLLOW_PAUSE)


def relax(config: Config, who: str, say: Say) -> Relaxed:
    """Everything back to no demand, by the shortest way."""
    return relaxing.relax(config, who, utc_now().isoformat(timespec="milliseconds"), say)


def _say_who_goes_on(config: Config, server: Server, number: int, say: Say) -> None:
    """What becomes of a job whose asker has stopped waiting for it."""
    job = server.store.job(number)
    if job is None or job.state.is_over or not speaking.is_running(config):
        return
    back = f"`origin-pulls undo {number}` takes it back when it is done"
    if job.state is State.AT_EDGE:
        back = f"`origin-pulls cancel {number}` takes it back"
    say(f"job {number} goes on in the agent: `origin-pulls wait {number}` follows it, {back}")


def _say_what_is_done(server: Server, number: int, say: Say) -> None:
    """That a stop came too late to take a job back: it had ended."""
    job = server.store.job(number) if number else None
    if job is not None and job.state.is_over:
        back = f": `origin-pulls undo {number}` takes it back" if job.state is State.DONE else ""
        say(f"job {number} had ended before it could be stopped: it is {job.state}{back}")


def _last_line(server: Server, number: int) -> int:
    return max((line for line, _, _ in server.store.progress(number)), default=0)


def _is_abandoned(config: Config) -> bool:
    is_idle = not lock.is_held(config.work_lock) and not lock.is_held(config.edge_lock)
    return is_idle and not speaking.is_running(config)


def _go_on_here(server: Server, number: int, say: Say) -> None:
    """Where no agent runs: what is at Cloudflare is gone on with until this job is over.

    So is what this job cancelled there: nobody else would take it back.
    """
    if not tidying.leftovers(server) and not _awaited(server, number):
        return
    try:
        while True:
            with stopping.taken_back():
                due = going.go_on(server, say)
            if due is None or not _awaited(server, number):
                return
            time.sleep(min(due, LONGEST_SLEEP))
    except KeyboardInterrupt:
        for left in _awaited(server, number):
            say(
                f"job {left} stays where it is: `origin-pulls wait {left}` goes on with it, "
                f"`origin-pulls cancel {left}` takes it back"
            )
        raise


def _awaited(server: Server, number: int) -> list[int]:
    """The job itself, if it is at Cloudflare, and those there that gave way to it."""
    job = server.store.job(number)
    keys = {item.key for item in job.items} if job is not None else set()
    store = EdgeStore(server.store)
    return [
        other.number
        for other in entering.at_edge(server)
        if other.number == number
        or (store.cancelled_by(other.number) and keys & {item.key for item in other.items})
    ]


def wish_to_rotate(config: Config, name: str, *, who: str, is_made_here: bool = False) -> Rotate:
    """The wish for a new certificate of the vhost that serves this name."""
    vhost = looking.Names(looking.look(Server.dry(config))).find(name)
    return Rotate(vhost.user, vhost.server_name, who, is_made_here=is_made_here)


def rotated(config: Config, wish: Rotate) -> list[Rotated]:
    """At which zones a wish would replace the certificate, and for which vhosts; asks nobody."""
    server = Server.dry(config)
    return replacing.foreseen(server, wishing.rotation(server, wish, looking.look(server)))


def cancel(config: Config, number: int, who: str, say: Say) -> Job:
    """Cancel a job that is at Cloudflare, and wait until it is taken back."""
    wish = Cancel(number, who)
    try:
        speaking.hand_over(config, wish)
    except ConnectionError:
        server = Server.of(config)
        wishing.cancel(server, wish)
        _go_on_here(server, number, say)
        return follow(config, number, say, said=_last_line(server, number))
    return follow(config, number, say)


def _do_it_here(config: Config, wish: JobWish, say: Say) -> Job:
    server = Server.of(config)
    number = 0
    try:
        with stopping.taken_back(), working.holding(server, say):
            number = working.accept(server, wish)
            for _, _, text in server.store.progress(number):
                say(text)  # what gives way to it
            working.work(server, say)
    except KeyboardInterrupt:
        _say_what_is_done(server, number, say)
        raise
    _go_on_here(server, number, say)
    done = server.store.job(number)
    if done is None:
        raise Refused(f"Job {number} is gone from the store", hint="See `origin-pulls jobs`.")
    return done
