"""The edge's real nginx: its files, its process, and reloads that lose no request."""

from __future__ import annotations

import os
import pwd
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec

from origin_pulls.errors import Refused
from origin_pulls.sandbox import certificates, files
from origin_pulls.sandbox.cloudflare.access import Access
from origin_pulls.sandbox.cloudflare.edge_conf import USER, Renderer, View

PROGRAM = Path("/usr/sbin/nginx")
PATIENCE = 60.0
LOOK_AGAIN = 0.01
WORKER = "nginx: worker process"
LEAVING = "nginx: worker process is shutting down"


class Edge:
    """The nginx of one sandbox; it belongs to the process that made this object."""

    def __init__(self, access: Access) -> None:
        self.access = access
        self._process: subprocess.Popen[bytes] | None = None
        self._authority = certificates.read_authority(access.layout)
        self._key: ec.EllipticCurvePrivateKey = certificates.new_key()
        worker = pwd.getpwnam(USER)
        self._owner = (worker.pw_uid, worker.pw_gid)
        for name in ("zones", "shown", "passing"):
            files.folder(access.edge / name)

    def show(self, views: Sequence[View], shown: Mapping[str, str]) -> None:
        """Do from now on what these views say; ``shown`` holds certificates with keys by id."""
        renderer = Renderer(self.access)
        for view in views:
            for zone in view.zones:
                self._lay_zone(renderer, zone)
        for certificate, text in shown.items():
            path = renderer.shown_file(certificate)
            if not path.exists() or path.read_text() != text:
                # nginx's worker reads it when it connects.
                files.replace(path, text, mode=0o400, owner=self._owner)
        files.replace(self.access.edge / "nginx.conf", renderer.text(views))
        if self._process is None:
            self._start()
        else:
            self._reload()

    def stop(self) -> None:
        """End nginx and wait for its end."""
        if self._process:
            self._process.terminate()
            self._process.wait()
            self._process = None

    def _start(self) -> None:
        edge = self.access.edge
        words = [str(PROGRAM), "-p", f"{edge}/", "-c", f"{edge}/nginx.conf"]
        with (edge / "start.log").open("wb") as log:
            self._process = subprocess.Popen(
                [*words, "-e", f"{edge}/error.log"], cwd=edge, stdin=subprocess.DEVNULL, stderr=log
            )
        self._await_workers(frozenset())

    def _reload(self) -> None:
        if self._process is None:
            return
        before = frozenset(self._workers(self._process.pid))
        known = len(self._log())
        self._process.send_signal(signal.SIGHUP)
        self._await_workers(before, known)

    def _await_workers(self, before: frozenset[int], known: int = 0) -> None:
        """Wait until a new worker serves and the old ones take no more visitors.

        ``known`` lines of the log are from before; a new one that is an emergency ends the wait.
        """
        deadline = time.monotonic() + PATIENCE
        while self._process and self._process.poll() is None and time.monotonic() < deadline:
            serving = self._workers(self._process.pid)
            if serving and not before.intersection(serving):
                return
            if any("[emerg]" in line for line in self._log()[known:]):
                break
            # nginx tells nobody that a reload is done: its processes' titles do.
            time.sleep(LOOK_AGAIN)
        said = " | ".join(self._log()[known:][-3:])
        raise Refused(f"The sandbox's nginx does not do as told: {said}")

    def _log(self) -> list[str]:
        try:
            return (self.access.edge / "error.log").read_text(errors="replace").splitlines()
        except FileNotFoundError:
            return []

    def _workers(self, parent: int) -> list[int]:
        return [number for number, title in _children(parent) if title == WORKER]

    def _lay_zone(self, renderer: Renderer, zone: str) -> None:
        path = renderer.zone_file(zone)
        if not path.exists():
            combined = self._authority.combined([zone, f"*.{zone}"], self._key)
            files.replace(path, combined, mode=0o400, owner=self._owner)


def require_program() -> None:
    """Refuse where nginx is not installed."""
    if not PROGRAM.is_file():
        raise Refused(
            "There is no nginx on this machine (/usr/sbin/nginx is missing)",
            hint="apt-get install nginx-light, or make the sandbox with --no-cloudflare.",
        )


def leftovers(folder: Path) -> list[int]:
    """Every nginx process that works in the folder, whoever started it."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and (entry / "cwd").readlink() == folder:
                found.append(int(entry.name))
        except OSError:
            continue
    return [number for number in found if number != os.getpid()]


def _children(parent: int) -> list[tuple[int, str]]:
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            stat = (entry / "stat").read_text()
            if int(stat.rpartition(")")[2].split()[1]) == parent:
                title = (entry / "cmdline").read_bytes().rstrip(b"\0 ").decode(errors="replace")
                found.append((int(entry.name), title))
        except OSError:
            continue
    return found
