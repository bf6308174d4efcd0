"""Asks the services whether they answer: ``answers.py UNIT=SOCKET…``; 0 when all do.

The agent must take a connection; a web service must answer a request, and not with an error of
its own. A unit that systemd gave up is not waited for.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time

# A first start on a busy server takes its time.
PATIENCE = float(os.environ.get("ORIGIN_PULLS_PATIENCE", "60"))
PAUSE = 0.2
REQUEST = b"GET /?r=/ HTTP/1.0\r\nHost: localhost\r\n\r\n"


def main() -> int:
    """Ask each; say which one is silent."""
    code = 0
    for word in sys.argv[1:]:
        name, _, path = word.partition("=")
        problem = asked(name, path)
        sys.stdout.write(f"  {name}: {problem or 'answers'}\n")
        code = code or int(bool(problem))
    return code


def asked(unit: str, path: str) -> str:
    """Why a socket does not answer, after waiting for it; empty when it does."""
    end = time.monotonic() + PATIENCE
    while True:
        problem = once(unit, path)
        if not problem or time.monotonic() > end:
            return problem
        if has_failed(unit):
            return f"has failed; see: journalctl -u {unit}"
        time.sleep(PAUSE)


def has_failed(unit: str) -> bool:
    """Whether systemd has given the unit up."""
    words = ["systemctl", "is-failed", "--quiet", unit]
    return subprocess.run(words, check=False).returncode == 0


def once(unit: str, path: str) -> str:
    """Why a socket does not answer now; empty when it does."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(PATIENCE)
            connection.connect(path)
            if "agent" in unit:
                return ""
            connection.sendall(REQUEST)
            head = connection.makefile("rb").readline(200)
    except OSError as error:
        return f"does not answer at {path}: {error}"
    version, _, status = head.decode("latin-1").strip().partition(" ")
    if not version.startswith("HTTP/") or status[:3] >= "500":
        return f"answers {head!r} at {path}"
    return ""


if __name__ == "__main__":
    sys.exit(main())
