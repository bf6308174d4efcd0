"""Panic goes first: whoever relaxes everything says so, and who works gives way."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

from origin_pulls.config import Config
from origin_pulls.errors import Busy, Overtaken
from origin_pulls.server import lock

PATIENCE = 1.0  # who only looks whether it is said holds the lock for a moment


@contextmanager
def announced(config: Config) -> Iterator[None]:
    """Say, while the block waits for the work lock, that everything is about to be relaxed.

    The kernel takes it back when the process ends. What keeps it from being said (somebody says
    it already, a full disk) keeps nobody from relaxing.
    """
    with ExitStack() as stack:
        with suppress(Busy, OSError):
            held = lock.held(config.panic_lock, patience=PATIENCE, waiting=lambda _: None)
            stack.enter_context(held)
        yield


def check(config: Config) -> None:
    """Raise ``Overtaken`` where somebody relaxes everything.

    Who works asks this wherever it waits, and leaves its journal open: whoever relaxes sets that
    aside, and where that comes to nothing the next run takes back what is in it.
    """
    if lock.is_held(config.panic_lock):
        raise Overtaken(
            "Everything is being relaxed, so this was stopped",
            hint="When that is over, ask for it again.",
        )
