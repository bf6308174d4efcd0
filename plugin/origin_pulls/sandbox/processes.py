"""Processes that a sandbox started: found by how they were called, and ended."""

from __future__ import annotations

import os
import select
import signal
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

STOP_PATIENCE = 15.0


def called(number: int) -> list[bytes]:
    """The words that a living process was started with; none where it lives no more."""
    try:
        return Path(f"/proc/{number}/cmdline").read_bytes().split(b"\0")[:-1]
    except (FileNotFoundError, ProcessLookupError):
        return []


def with_words(words: Sequence[str]) -> Iterator[int]:
    """Every living process whose call contains these words in a row."""
    sought = [os.fsencode(word) for word in words]
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and _contains(called(int(entry.name)), sought):
            yield int(entry.name)


def end(number: int, how: signal.Signals = signal.SIGTERM) -> bool:
    """Send a signal and wait until the process has ended; whether it has."""
    try:
        watched = os.pidfd_open(number)
    except ProcessLookupError:
        return True
    try:
        with suppress(ProcessLookupError):
            signal.pidfd_send_signal(watched, how)
        has_ended = bool(select.select([watched], [], [], STOP_PATIENCE)[0])
    finally:
        os.close(watched)
    with suppress(ChildProcessError):
        os.waitpid(number, os.WNOHANG)  # a child of ours would stay in the table for ever
    return has_ended


def end_all(words: Sequence[str]) -> None:
    """End every process with these words in its call, gently where it listens."""
    for number in list(with_words(words)):
        if not end(number):
            end(number, signal.SIGKILL)


def _contains(given: list[bytes], sought: list[bytes]) -> bool:
    return any(
        given[start : start + len(sought)] == sought
        for start in range(len(given) - len(sought) + 1)
    )
