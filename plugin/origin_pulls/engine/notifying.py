"""Tells the administrator what happened by itself: log, activity, and one letter for all of it."""

from __future__ import annotations

import logging
import socket
from collections.abc import Sequence
from datetime import datetime, timedelta

from origin_pulls.engine.server import Server
from origin_pulls.errors import Refused
from origin_pulls.model.caller import AGENT
from origin_pulls.server import mailing
from origin_pulls.store import letters
from origin_pulls.store.letters import Event

logger = logging.getLogger(__name__)

MOST_TOLD = 200
STALE = timedelta(days=1)  # a letter that could not be sent for so long is not sent any more


def tell(server: Server, about: str, said: str) -> None:
    """Something happened to ``about`` (a vhost, a job) by itself: once an event, not a look."""
    logger.warning("%s: %s", about, said)
    at = server.stamp()
    if letters.add(server.store, about, said, at=at):
        server.store.audit(AGENT.user, f"noticed: {said}", about, at=at)


def send(server: Server) -> None:
    """Send what waits, as one letter. ``Refused`` when it cannot be sent now: it waits on.

    Where nobody is to be written to, or there is no mail program, log and activity have it.
    """
    events = letters.waiting(server.store)
    if not events:
        return
    if mailing.is_possible(server.config):
        name = socket.gethostname()
        ran = mailing.send(server.config, _subject(events, name), _lines(events, name))
        if not ran.is_good:
            old = [one for one in events if _is_stale(server, one)]
            letters.forget(server.store, old)
            raise Refused(
                f"{len(events)} notices cannot be mailed: {ran.last_words}",
                hint=f"Look at {server.config.sendmail_program}, or set `notify` in "
                f"{server.config.settings_file}.",
            )
    letters.forget(server.store, events)


def _is_stale(server: Server, one: Event) -> bool:
    return datetime.fromisoformat(one.at) < server.clock() - STALE


def _subject(events: Sequence[Event], host: str) -> str:
    about = events[0].about if len(events) == 1 else f"{len(events)} notices"
    return f"Origin Pulls on {host}: {about}"


def _lines(events: Sequence[Event], host: str) -> list[str]:
    lines = [f"Origin Pulls on {host} noticed, and did, by itself:", ""]
    for one in events[:MOST_TOLD]:
        lines += [f"{one.about} ({one.at[:16].replace('T', ' ')} UTC)", f"  {one.said}", ""]
    if len(events) > MOST_TOLD:
        lines += [f"and {len(events) - MOST_TOLD} more: `origin-pulls activity`.", ""]
    return [
        *lines,
        "What needs a person: `origin-pulls list --attention`, then `origin-pulls show NAME`;",
        "or the page Origin Pulls in WHM.",
        "Who gets these letters: `notify` in /etc/origin-pulls/config.yaml.",
    ]
