"""Asks the services whether they answer: ``answers.py UNIT=SOCKET…``; 0 when all do.

The agent must take a connection; a web service must answer a request, and not with an error of
its own. All are asked at once, and a unit that systemd gave up is not waited for.
"""

from __future__ import annotations

import os
import select
import shutil
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, wait

# A first start on a busy server takes its time.
PATIENCE = float(os.environ.get("ORIGIN_PULLS_PATIENCE", "60"))
PAUSE = 0.2
SOON = 3.0  # who waits longer is told
LOG_TIME = 10.0
LOOK_EACH = 1.0  # seconds: asking systemd costs a process
REQUEST = b"GET /?r=/ HTTP/1.0\r\nHost: localhost\r\n\r\n"


def main() -> int:
    """Ask each; say which one is silent, and what its log says last."""
    pairs = [word.partition("=")[::2] for word in sys.argv[1:]]
    end = time.monotonic() + PATIENCE
    with ThreadPoolExecutor(max(len(pairs), 1)) as threads:
        asking = [threads.submit(asked, unit, path, end) for unit, path in pairs]
        if wait(asking, SOON).not_done:
            sys.stdout.write(f"  waiting until the services answer, at most {PATIENCE:g} seconds\n")
            sys.stdout.flush()
        problems = [one.result() for one in asking]
    for (unit, _), problem in zip(pairs, problems, strict=True):
        sys.stdout.write(f"  {unit}: {problem or 'answers'}\n")
        if problem:
            sys.stdout.writelines(f"    {line}\n" for line in last_words(unit))
    return int(any(problems))


def last_words(unit: str) -> list[str]:
    """The last lines of a unit's log; none where they cannot be had."""
    program = shutil.which("journalctl")
    if program is None:
        return []
    words = [program, "--unit", unit, "--lines", "5", "--output", "cat", "--no-pager", "--quiet"]
    try:
        ran = subprocess.run(words, capture_output=True, text=True, check=False, timeout=LOG_TIME)
    except (OSError, subprocess.TimeoutExpired):
        return []
    return ran.stdout.splitlines()[-5:]


def asked(unit: str, path: str, end: float) -> str:
    """Why a socket does not answer by then; empty when it does."""
    while True:
        problem = once(unit, path, end)
        if not problem:
            return ""
        if has_failed(unit):
            return f"has failed; see: journalctl -u {unit}"
        if time.monotonic() > end:
            return problem
        time.sleep(PAUSE)


def has_failed(unit: str) -> bool:
    """Whether systemd has given the unit up."""
    words = ["systemctl", "is-failed", "--quiet", unit]
    return subprocess.run(words, check=False).returncode == 0


def once(unit: str, path: str, end: float) -> str:
    """Why a socket does not answer now; empty when it does."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(max(end - time.monotonic(), PAUSE))
            connection.connect(path)
            if "agent" in unit:
                return ""
            connection.sendall(REQUEST)
            # The socket is systemd's: it takes a request also while no service comes up for it.
            while not select.select([connection], [], [], LOOK_EACH)[0]:
                if has_failed(unit) or time.monotonic() > end:
                    return f"says nothing at {path}"
            head = connection.makefile("rb").readline(200)
    except OSError as error:
        return f"does not answer at {path}: {error}"
    version, _, status = head.decode("latin-1").strip().partition(" ")
    if not version.startswith("HTTP/") or status[:3] >= "500":
        return f"answers {head!r} at {path}"
    return ""


if __name__ == "__main__":
    sys.exit(main())
