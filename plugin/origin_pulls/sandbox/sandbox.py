"""A sandbox from its birth to its end: up, reset, down, and what it is in between."""

from __future__ import annotations

import fcntl
import json
import os
import random
import shutil
import socket
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from origin_pulls.errors import OriginPullsError, Refused, Restored
from origin_pulls.sandbox import (
    accounts,
    apache,
    certificates,
    domain_lists,
    files,
    fleet,
    rebuild,
    server_files,
    wrappers,
)
from origin_pulls.sandbox.layout import ADDRESS, DEDICATED_ADDRESS, Layout

REAL_CPANEL = Path("/usr/local/cpanel/cpanel")
PORTS = range(20000, 32000)  # below those that the kernel gives to outgoing connections
LONGEST_SOCKET_PATH = 100
KIND = "origin-pulls sandbox"


@dataclass(frozen=True, slots=True)
class _State:
    """What ``sandbox.json`` says."""

    https_port: int
    http_port: int
    asked_vhosts: int
    is_complete: bool
    kind: str = KIND


class Sandbox:
    """A cPanel server's files and programs below one directory, around a running Apache."""

    address = ADDRESS
    dedicated_address = DEDICATED_ADDRESS

    def __init__(self, directory: Path, state: _State) -> None:
        self.directory = directory
        self.layout = Layout(directory)
        self.https_port = state.https_port
        self.http_port = state.http_port
        self._state = state

    @classmethod
    def up(cls, directory: Path, vhosts: int = 0) -> Sandbox:
        """Lay the files, start Apache, wait until it answers; up already: the same again.

        At least ``vhosts`` SSL vhosts; a sandbox that has fewer is made anew, on its ports. One
        that was killed while it was built is built again.
        """
        _check_machine()
        layout = _checked_layout(directory)
        with _held(layout.directory):
            state = _read(layout)
            ports = (state.https_port, state.http_port) if state else None
            if state is None or not state.is_complete or state.asked_vhosts < vhosts:
                wanted = max(vhosts, state.asked_vhosts if state else 0)
                return cls._built(layout, wanted, ports)
            sandbox = cls(layout.directory, state)
            if not sandbox.is_running:
                sandbox._start_again()
            return sandbox

    @classmethod
    def load(cls, directory: Path) -> Sandbox:
        """The sandbox in ``directory``, running or not; ``Refused`` where there is none."""
        layout = Layout(directory.resolve())
        state = _read(layout)
        if state is None or not state.is_complete:
            raise Refused(
                f"There is no sandbox in {directory}",
                hint=f"origin-pulls sandbox up --dir {directory}",
            )
        return cls(layout.directory, state)

    def down(self) -> None:
        """Stop Apache and delete the directory with everything in it."""
        take_down(self.directory)

    def reset(self) -> None:
        """Fresh files in the same directory, on the same ports, as many vhosts; Apache runs."""
        _check_machine()
        with _held(self.directory):
            self._built(self.layout, self._state.asked_vhosts, (self.https_port, self.http_port))

    @property
    def is_running(self) -> bool:
        """Whether its Apache lives."""
        return self.pid is not None

    @property
    def pid(self) -> int | None:
        """Apache's parent process, ``None`` when it is stopped."""
        return apache.parent(self.layout)

    @property
    def server_ca(self) -> Path:
        """The certificate authority that visitors of the sandbox's sites must trust."""
        return self.layout.server_ca

    @property
    def accounts(self) -> dict[str, dict[str, object]]:
        """The accounts by name: domain, owner, uid, suspended, address, domains."""
        return domain_lists.accounts(self.layout)

    @property
    def vhosts(self) -> int:
        """How many SSL vhosts the accounts have."""
        hosts = self.layout.userdata.glob("*/*_SSL")
        return sum(1 for path in hosts if path.parent.name != "nobody")

    def path(self, name: str) -> Path:
        """Where a path of a cPanel server lies here."""
        return self.layout.at(name)

    def run(self, program: str, *words: str) -> subprocess.CompletedProcess[str]:
        """Run one of the server's programs, named by cPanel's path; output and errors together."""
        return subprocess.run(
            [str(self.path(program)), *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )

    def summary(self) -> Mapping[str, object]:
        """Everything that a program wants to know of this sandbox, as plain values."""
        return {
            "directory": str(self.directory),
            "running": self.is_running,
            "pid": self.pid,
            "address": self.address,
            "dedicated_address": self.dedicated_address,
            "https_port": self.https_port,
            "http_port": self.http_port,
            "server_ca": str(self.server_ca),
            "accounts": self.accounts,
            "vhosts": self.vhosts,
        }

    @classmethod
    def _built(cls, layout: Layout, vhosts: int, ports: tuple[int, int] | None) -> Sandbox:
        apache.stop(layout)
        chosen = ports if ports and all(map(_is_free, ports)) else _free_ports()
        state = _State(*chosen, asked_vhosts=vhosts, is_complete=False)
        _write(layout, state)
        _clear(layout)
        # Apache's children run as nobody and must be able to come by.
        layout.directory.chmod(0o711)
        authority = certificates.new_authority(layout)
        server_files.lay(layout, state.http_port, state.https_port, authority)
        accounts.lay_fleet(layout, fleet.of(vhosts), authority)
        wrappers.lay(layout)
        built = rebuild.rebuild(layout)
        problem = built.output if built.code else apache.start(layout)
        if problem:
            raise Restored(f"The sandbox's Apache does not start: {problem}")
        state = _State(*chosen, asked_vhosts=vhosts, is_complete=True)
        _write(layout, state)
        return cls(layout.directory, state)

    def _start_again(self) -> None:
        """Start a stopped sandbox; its files name its ports, so those must be free."""
        apache.stop(self.layout)
        problem = apache.start(self.layout)
        if problem:
            raise Refused(
                f"The sandbox in {self.directory} does not start: {problem}",
                hint=f"origin-pulls sandbox reset --dir {self.directory} makes it anew.",
            )


def take_down(directory: Path) -> bool:
    """Stop and delete the sandbox in ``directory``, half-built ones too; whether there was one.

    Raises ``Refused`` where something lies that no sandbox made.
    """
    _check_root()
    layout = Layout(directory.resolve())
    if not layout.directory.exists():
        return False
    with _held(layout.directory):
        if _read(layout) is None:
            raise Refused(
                f"{directory} holds no sandbox (no {layout.marker.name}): it is left alone",
                hint="Name the sandbox's directory with --dir.",
            )
        apache.stop(layout)
        # The marker goes last: killed on the way, the next call still knows the directory as ours.
        _clear(layout)
        layout.marker.unlink()
        layout.directory.rmdir()
    return True


def _check_root() -> None:
    if os.geteuid() != 0:
        raise Refused("The sandbox needs root: its files have owners", hint="Use sudo.")


def _check_machine() -> None:
    _check_root()
    if REAL_CPANEL.exists():
        raise Refused(
            f"This is a real cPanel server ({REAL_CPANEL} exists): no sandbox here",
            hint="Use the plugin itself, without --root.",
        )
    apache.require_program()


def _checked_layout(directory: Path) -> Layout:
    """The layout of a directory that is a sandbox's already or may become one."""
    layout = Layout(directory.resolve())
    if len(bytes(layout.directory / "run/apache2/cgisock.1234567")) > LONGEST_SOCKET_PATH:
        raise Refused(
            f"{layout.directory} is too long a path for Apache's socket",
            hint="Choose a shorter one with --dir.",
        )
    if any(sign in str(layout.directory) for sign in " \"'\\$\n#%"):
        raise Refused(f"{layout.directory}: Apache's files cannot name this path safely")
    if layout.directory.exists() and not layout.directory.is_dir():
        raise Refused(f"{directory} is no directory", hint="Choose another one with --dir.")
    if closed := [path for path in layout.directory.parents if _is_closed(path)]:
        raise Refused(
            f"Apache's user nobody cannot come by {closed[0]}",
            hint=f"Choose another directory with --dir, or: chmod o+x {closed[0]}",
        )
    if not layout.directory.exists():
        files.folder(layout.directory, mode=0o711)
    begun = layout.marker.with_suffix(".new")
    found = {entry.name for entry in layout.directory.iterdir()} - {begun.name}
    if found and _read(layout) is None:
        raise Refused(
            f"{directory} is not empty and holds no sandbox: it is left alone",
            hint="Choose a new or empty directory with --dir.",
        )
    return layout


def _is_closed(path: Path) -> bool:
    return path.exists() and not path.stat().st_mode & 0o001


@contextmanager
def _held(directory: Path) -> Iterator[None]:
    """One builder at a time; the lock is the directory itself and vanishes with it."""
    number = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(number, fcntl.LOCK_EX)
        yield
    finally:
        os.close(number)


def _read(layout: Layout) -> _State | None:
    """The state, ``None`` where no sandbox is; ``Refused`` where a file of that name is foreign."""
    try:
        given: Any = json.loads(layout.marker.read_text())
        state = _State(**given)
    except FileNotFoundError:
        return None
    except (ValueError, TypeError):
        state = None
    if state is None or state.kind != KIND:
        raise Refused(
            f"{layout.marker} is not a sandbox's own file: nothing is touched",
            hint="Choose another directory with --dir.",
        )
    return state


def _write(layout: Layout, state: _State) -> None:
    begun = layout.marker.with_suffix(".new")
    files.lay(begun, json.dumps(asdict(state), indent=1) + "\n", mode=0o600)
    begun.rename(layout.marker)


def _clear(layout: Layout) -> None:
    """Delete everything but the marker."""
    for entry in layout.directory.iterdir():
        if entry == layout.marker:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def _free_ports() -> tuple[int, int]:
    candidates = random.sample(PORTS, 200)
    found = [port for port in candidates if _is_free(port)]
    if len(found) < 2:
        raise OriginPullsError("No free port was found on 127.0.0.1 and 127.0.0.2")
    return found[0], found[1]


def _is_free(port: int) -> bool:
    for address in (ADDRESS, DEDICATED_ADDRESS):
        with socket.socket() as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                tried.bind((address, port))
            except OSError:
                return False
    return True
