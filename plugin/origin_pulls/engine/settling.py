"""Brings Apache to what lies on the disk: test, graceful reload (or start), alive afterwards."""

from __future__ import annotations

import time
from collections.abc import Callable

from origin_pulls.engine import giving_way
from origin_pulls.errors import NotRestored
from origin_pulls.server.apache import Apache, Parent

Say = Callable[[str], None]

DEATH_WATCH = 1.0  # a parent that dies of its configuration does so at once
START_WATCH = 5.0  # one that is dying still stands in the way of the next
PAUSE = 0.05
AS_BEFORE = "The files are as before"
GOES_ON = "   When it is mended: origin-pulls jobs"


def reload(apache: Apache) -> str:
    """Test, reload, look whether the parent lives; what went wrong, empty when nothing did."""
    error = apache.config_error()
    if error:
        return f"Apache does not accept its configuration: {error}"
    parent = apache.parent()
    if parent is None:
        return "Apache is not running"
    ran = apache.reload()
    if not ran.is_good:
        return f"Apache was not reloaded: {ran.last_words}"
    if has_died(apache, parent):
        return "Apache died at the reload; its error_log says why"
    return ""


def has_died(apache: Apache, parent: Parent | None) -> bool:
    """Whether this parent process is gone."""
    return apache.parent() != parent


def come_through(apache: Apache, say: Say) -> None:
    """Wait until Apache has come through its reload: no file may be taken from it meanwhile.

    Raises ``Overtaken`` when everything is relaxed: that takes no file from it.
    """
    patience = apache.config.proof_patience
    if apache.is_reloading(patience):
        say("waiting until Apache has come through its reload")
    while apache.is_reloading(patience):
        giving_way.check(apache.config)
        time.sleep(PAUSE)


def settle(apache: Apache, say: Say, *, files: str = AS_BEFORE, then: str = GOES_ON) -> str:
    """After files were put back: let the running Apache have them too.

    ``files`` says how they are now, ``then`` what to type when Apache is mended.

    Gives a sentence when the reload did not go through though Apache lives (the caller's proof
    decides then). Raises ``NotRestored`` when Apache is down and does not come up again.
    """
    error = apache.config_error()
    if error:
        raise NotRestored(
            f"{files}, but Apache does not accept its configuration: {error}",
            hint=_commands(apache) + then,
        )
    if apache.parent() is not None:
        problem = reload(apache)
        if apache.parent() is not None:
            return problem
    say("Apache is down: starting it")
    end = time.monotonic() + START_WATCH
    while True:
        ran = apache.start()
        if _is_up(apache):
            return ""
        if time.monotonic() >= end:
            break
    raise NotRestored(
        f"{files}, but Apache is down and does not start: {ran.last_words}",
        hint=_commands(apache) + then,
    )


def _is_up(apache: Apache) -> bool:
    """Whether Apache has a parent, or gets one in a moment."""
    end = time.monotonic() + DEATH_WATCH
    while apache.parent() is None:
        if time.monotonic() >= end:
            return False
        time.sleep(PAUSE)
    return True


def _commands(apache: Apache) -> str:
    return (
        f"Type: {apache.paths.httpd} -t   (says file and line) and then: "
        f"{apache.config.restart_program}"
    )
