"""The one door for other programs: absolute path, no shell, a time limit, a plain environment."""

from __future__ import annotations

import logging
import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

logger = logging.getLogger(__name__)

# cPanel's tools want HOME and their own PATH, and cron and systemd give neither.
ENVIRONMENT = {
    "HOME": "/root",
    "LC_ALL": "C",
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
}


OWN_UNIT = ("--quiet", "--wait", "--pipe", "--collect")


@dataclass(frozen=True, slots=True)
class Ran:
    """How a program ended: its exit code (-1: it could not run or took too long) and output."""

    program: str
    code: int
    output: str

    @property
    def is_good(self) -> bool:
        """Whether it ended with exit code 0."""
        return self.code == 0

    @property
    def last_words(self) -> str:
        """The last line or two that it said, for a message of one sentence."""
        lines = [line.strip() for line in self.output.splitlines() if line.strip()]
        return " | ".join(lines[-3:])[:400] or f"exit code {self.code}, no output"


def outside(systemd_run: Path, arguments: Sequence[str | Path]) -> list[str | Path]:
    """The words that run a program outside of our service, where we are a service of systemd.

    What it starts would live in our confinement otherwise, and end with us.
    """
    if "INVOCATION_ID" in os.environ and systemd_run.exists():
        return [systemd_run, *OWN_UNIT, "--", *arguments]
    return list(arguments)


def run(
    arguments: Sequence[str | Path], *, timeout: float, text: str = "", is_apart: bool = False
) -> Ran:
    """Run a program to its end, ``text`` on its standard input; it never raises for a failure.

    ``is_apart``: in a session of its own, so that a Ctrl-C in our terminal does not end it.
    """
    program = str(arguments[0])
    if not program.startswith("/"):
        raise ValueError(f"{program} is no absolute path")
    logger.info("run %s", " ".join(map(str, arguments)))
    try:
        done = subprocess.run(
            [str(word) for word in arguments],
            input=text.encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=timeout,
            env=ENVIRONMENT,
            cwd="/",
            check=False,
            start_new_session=is_apart,
        )
    except subprocess.TimeoutExpired:
        return Ran(program, -1, f"{program} did not end within {timeout:g} seconds")
    except OSError as error:
        return Ran(program, -1, f"{program} cannot be run: {error.strerror}")
    return Ran(program, done.returncode, done.stdout.decode("utf-8", "replace"))
