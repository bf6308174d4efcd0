"""Ctrl-C, a closed terminal, SIGTERM: a run that is stopped by hand takes itself back."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@dataclass(slots=True)
class _Stop:
    """How many blocks must not be stopped halfway, and whether a signal waits for their end."""

    held: int = 0
    has_come: bool = False

    def answer(self) -> None:
        """Stop now, or behind the block that must come to its end."""
        if self.held:
            self.has_come = True
            return
        self.has_come = False
        raise KeyboardInterrupt


_stop = _Stop()


@contextmanager
def taken_back() -> Iterator[None]:
    """Turn the first such signal into ``KeyboardInterrupt``; further ones wait for the block.

    ``Carrying`` answers it by taking back, which must not be interrupted again. What we were
    started to ignore (``nohup``, a script's background) stays ignored.
    """
    if not _is_main():
        yield
        return
    now = {number: signal.getsignal(number) for number in SIGNALS}
    before = {number: how for number, how in now.items() if how is not signal.SIG_IGN}

    def stop(number: int, frame: FrameType | None) -> None:
        del number, frame
        for one in before:
            # No SIG_IGN: programs that are started meanwhile, Apache too, would inherit it.
            signal.signal(one, _once_is_enough)
        _stop.answer()

    for number in before:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def to_its_end() -> Iterator[None]:
    """Do not stop halfway what is done in this block; the signal is answered behind it.

    A program that writes httpd.conf or tells Apache to reload must not be killed at that.
    """
    if not _is_main():
        yield
        return
    _stop.held += 1
    try:
        yield
    finally:
        _stop.held -= 1
    if _stop.has_come:
        _stop.answer()


def _is_main() -> bool:
    return threading.current_thread() is threading.main_thread()


def _once_is_enough(number: int, frame: FrameType | None) -> None:
    del number, frame
