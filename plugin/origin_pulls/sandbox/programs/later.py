"""Not cPanel's: what its task queue does a while after a program has ended."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from signal import SIGUSR1

from origin_pulls.sandbox import apache
from origin_pulls.sandbox.layout import Layout


def graceful(layout: Layout, seconds: float) -> None:
    """Let Apache reload after ``seconds``, untested, when the calling program is long gone."""
    words = [sys.executable, "-m", "origin_pulls.sandbox.programs", "later"]
    subprocess.Popen(
        [*words, str(layout.directory), str(seconds)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def main(layout: Layout, words: Sequence[str]) -> int:
    """Wait, then signal Apache."""
    time.sleep(float(words[0]))
    return 0 if apache.signal_parent(layout, SIGUSR1) else 1
