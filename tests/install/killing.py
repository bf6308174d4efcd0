"""Kills an installer: when it says a line, after some seconds, or at its Nth command."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
from pathlib import Path

import pytest

from tests.install.machine import Machine
from tests.server_under_test import Ran

# bash tells each command before it runs it, in every bash that this one starts as well.
TRACED = {"SHELLOPTS": "xtrace"}


def chance() -> random.Random:
    """Random points, other ones each time; ``ORIGIN_PULLS_SEED`` brings some again."""
    seed = os.environ.get("ORIGIN_PULLS_SEED") or str(random.SystemRandom().randrange(10**9))
    print("ORIGIN_PULLS_SEED", seed)  # noqa: T201 - shown when it fails
    return random.Random(seed)


def killed_at(machine: Machine, line: str, *words: str | Path) -> None:
    """Run a command and kill it with all that it started, when it says a line."""
    with started(machine, *words) as process:
        assert process.stdout is not None
        said = []
        for text in process.stdout:
            said.append(text)
            if line in text:
                os.killpg(process.pid, signal.SIGKILL)
                break
        else:
            pytest.fail(f"it never said {line!r}:\n{''.join(said)}")


def killed_after(machine: Machine, seconds: float, *words: str | Path) -> None:
    """Run a command and kill it after so many seconds, if it is not through by then."""
    with started(machine, *words) as process:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(seconds)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def killed_at_step(machine: Machine, step: int, *words: str | Path) -> None:
    """Run a command and kill it at the Nth command of its shell, or let it end before."""
    with started(machine, *words, is_traced=True) as process:
        assert process.stdout is not None
        count = 0
        for text in process.stdout:
            count += text.startswith("+")
            if count == step:
                os.killpg(process.pid, signal.SIGKILL)
                return


def steps_of(machine: Machine, *words: str | Path) -> int:
    """Run a command to its good end; how many commands its shell ran."""
    with started(machine, *words, is_traced=True) as process:
        assert process.stdout is not None
        said = process.stdout.readlines()
    assert process.returncode == 0, "".join(said[-200:])
    return sum(text.startswith("+") for text in said)


def started(machine: Machine, *words: str | Path, is_traced: bool = False) -> subprocess.Popen[str]:
    """Start a command as the leader of a group of its own; traced, its errors come as well."""
    return subprocess.Popen(
        machine.words(*words),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT if is_traced else subprocess.DEVNULL,
        stdin=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
        env={**os.environ, **(TRACED if is_traced else {})},
    )


def interrupted_at(machine: Machine, line: str, *words: str | Path) -> Ran:
    """Run a command and press Ctrl-C when it says a line; what it says to that."""
    with subprocess.Popen(
        machine.words(*words),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        said = []
        for text in process.stdout:
            said.append(text)
            if line in text:
                os.killpg(process.pid, signal.SIGINT)
    return Ran(process.returncode, "".join(said), "")
