"""The command line in a process of its own, without the time that Python takes to load it.

A server (``multiprocessing``'s) has loaded the program once and forks for each command. That
process has its own number, signals, pipes and environment, and is killed alone; only the words in
``/proc`` are the server's. That the program starts by itself is seen to by ``tests/cli`` and
``tests/install``.
"""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Mapping, Sequence
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import IO

FORKING = get_context("forkserver")
# One server serves all that fork in one process of pytest.
FORKING.set_forkserver_preload(["__main__", "origin_pulls.cli", "tests.forked"])


class Command:
    """A running command; it is used as a ``subprocess.Popen`` with text pipes is.

    ``log`` takes its stderr, which is a pipe otherwise.
    """

    def __init__(self, arguments: Sequence[str], *, log: Path | None = None) -> None:
        self.args = list(arguments)
        self.stderr: IO[str] | None = None
        self.stdout, out = _pipe()
        if log is None:
            self.stderr, errors = _pipe()
        else:
            place = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
            errors = Connection(place, readable=False)
        environment = {**os.environ, "PYTHONWARNINGS": "error"}
        self._process = FORKING.Process(
            target=_run, args=(self.args, environment, out, errors), daemon=True
        )
        with out, errors:
            self._process.start()
        assert self._process.pid is not None
        self.pid: int = self._process.pid

    @property
    def returncode(self) -> int | None:
        """Its exit code, minus the signal that ended it, or ``None`` while it runs."""
        return self._process.exitcode

    def poll(self) -> int | None:
        """As ``returncode``."""
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Wait for its end; ``TimeoutExpired`` where that takes longer."""
        self._process.join(timeout)
        code = self.returncode
        if code is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        return code

    def send_signal(self, number: signal.Signals) -> None:
        """Send it a signal, unless it has ended."""
        if self.returncode is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """What it says from now on, and its end; ``TimeoutExpired`` where that takes longer."""
        end = None if timeout is None else time.monotonic() + timeout
        said = [_Reading(pipe) for pipe in (self.stdout, self.stderr) if pipe is not None]
        for one in said:
            one.join(None if end is None else max(0, end - time.monotonic()))
            if one.is_alive():
                raise subprocess.TimeoutExpired(self.args, timeout or 0)
        self.wait(None if end is None else max(0, end - time.monotonic()))
        self._close()
        out, err = [*(one.text for one in said), ""][:2]
        return out, err

    def __enter__(self) -> Command:
        return self

    def __exit__(self, *_: object) -> None:
        self.wait()
        self._close()

    def _close(self) -> None:
        for pipe in (self.stdout, self.stderr):
            if pipe is not None:
                pipe.close()


class _Reading(threading.Thread):
    """Reads a pipe to its end."""

    def __init__(self, pipe: IO[str]) -> None:
        super().__init__(daemon=True)
        self.pipe = pipe
        self.text = ""
        self.start()

    def run(self) -> None:
        if not self.pipe.closed:
            self.text = self.pipe.read()


def _pipe() -> tuple[IO[str], Connection]:
    """The end to read from, and the one that is handed over."""
    reading, writing = os.pipe()
    return os.fdopen(reading, encoding="utf-8"), Connection(writing, readable=False)


def _run(
    arguments: Sequence[str],
    environment: Mapping[str, str],
    out: Connection,
    errors: Connection,
) -> None:
    """In the process that was forked: be the program."""
    for place, number in ((out, 1), (errors, 2)):
        os.dup2(place.fileno(), number)
        place.close()
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["-c", *arguments]
    warnings.simplefilter("error")  # what PYTHONWARNINGS says to a Python that starts

    from origin_pulls.cli import main

    code: object = None
    try:
        main()
    except SystemExit as ended:
        code = ended.code
    gc.collect()  # a Python that ends closes what is open still; what was forked ends at once
    sys.exit(code)  # type: ignore[arg-type]
