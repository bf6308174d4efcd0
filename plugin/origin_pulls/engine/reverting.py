"""Takes back by itself what was to be confirmed in time and was not."""

from __future__ import annotations

import logging
from collections.abc import Callable

from origin_pulls.engine import notifying, working
from origin_pulls.engine.server import Server
from origin_pulls.errors import Refused
from origin_pulls.model.caller import AGENT
from origin_pulls.model.job import State
from origin_pulls.model.wish import Undo
from origin_pulls.store.marks import Awaited, Marks

logger = logging.getLogger(__name__)


def revert(server: Server, wake: Callable[[], None]) -> None:
    """Let every job go back whose time is over; ``wake`` has what waits carried out.

    What cannot go back now (Apache's configuration is broken, say) is tried again each minute,
    until it does or a person has changed it.
    """
    for one in Marks(server.store).awaited(by=server.stamp()):
        if one.undo:
            _look_after(server, one)
        else:
            _go_back(server, one, wake)


def _go_back(server: Server, one: Awaited, wake: Callable[[], None]) -> None:
    marks = Marks(server.store)
    try:
        # Whoever lets something be so for minutes means what was before by "back".
        undo = Undo(one.job, AGENT.user, is_partial=True, is_edge_ready=True)
        number = working.accept(server, undo, AGENT)
    except Refused as error:
        # Undone by hand, or set anew since: somebody has decided otherwise.
        logger.info("job %d does not go back by itself: %s", one.job, error)
        server.store.note([one.job], f"stays: {error.message}", at=server.stamp())
        marks.is_back(one.job)
        return
    marks.is_going_back(one.job, number)
    text = f"nobody confirmed it in time: job {number} takes it back"
    server.store.note([one.job], text, at=server.stamp())
    notifying.tell(server, f"job {one.job}", f"{text[:1].upper()}{text[1:]}.")
    wake()


def _look_after(server: Server, one: Awaited) -> None:
    marks = Marks(server.store)
    undo = server.store.job(one.undo)
    if undo is None or undo.state in (State.REFUSED, State.RESTORED, State.NOT_RESTORED):
        why = undo.message if undo else "its job is gone"
        text = f"could not be taken back, tried again in a minute: {why}"
        server.store.note([one.job], text, at=server.stamp())
        logger.error("job %d %s", one.job, text)
        marks.try_later(one, now=server.stamp())
    elif undo.state is State.DONE:
        marks.is_back(one.job)
