"""Runs a change in a process of its own and kills it, with SIGKILL, before its N-th effect.

Python's audit hooks tell of every file that is opened for writing, renamed, removed, every folder
made and every program started, without a line in the product for it.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Sequence
from pathlib import Path

from tests.forked import FORKING

EFFECTS = frozenset(("os.rename", "os.remove", "os.mkdir", "os.rmdir", "subprocess.Popen"))
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
FINISHED = 0
RECOVER = "recover"  # instead of a mode: what a start does after such a death


def run_until(
    root: Path, names: Sequence[str], mode: str, *, effect: int, during: bool = False
) -> int | None:
    """Change these vhosts in another process that dies before effect number ``effect``.

    ``during`` counts programs alone, and lets the one that is started run for a moment, so that
    the death comes in its middle. Gives ``None`` when the process died, else the exit code.
    """
    process = FORKING.Process(target=_change, args=(root, tuple(names), mode, effect, during))
    process.start()
    process.join(120)
    code = process.exitcode
    process.close()
    assert code is not None, "the change hangs"
    return None if code == -signal.SIGKILL else code


def _change(root: Path, names: tuple[str, ...], mode: str, effect: int, during: bool) -> None:
    import sys

    from origin_pulls.actions import changing
    from origin_pulls.config import Config
    from origin_pulls.engine import working
    from origin_pulls.engine.server import Server
    from origin_pulls.model.job import EXIT_CODES
    from origin_pulls.model.policy import Policy, read_policy

    count = 0

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal count
        is_effect = event in EFFECTS or (event == "open" and _is_for_writing(arguments))
        if not is_effect or (during and event != "subprocess.Popen"):
            return
        count += 1
        if count != effect:
            return
        if during:
            threading.Timer(0.04, os.kill, (os.getpid(), signal.SIGKILL)).start()
        else:
            os.kill(os.getpid(), signal.SIGKILL)

    def policy(name: str, now: Policy) -> Policy:
        del name, now
        return read_policy({"mode": mode, "edge_ready": mode == "enforce"})

    config = Config.at(root)
    sys.addaudithook(hook)
    if mode == RECOVER:
        with working.holding(Server.of(config), lambda text: None):
            os._exit(FINISHED)
    wish = changing.wish_for(config, names, policy)
    job = changing.carry_out(config, wish, lambda text: None)
    os._exit(EXIT_CODES[job.state])


def _is_for_writing(arguments: tuple[object, ...]) -> bool:
    flags = arguments[2]
    path = str(arguments[0])
    if path.startswith(("/dev/", "/proc/")):
        return False
    return isinstance(flags, int) and bool(flags & WRITING)
