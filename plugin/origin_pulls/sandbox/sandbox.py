"""A sandbox from its birth to its end: up, reset, down, and what it is in between."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from signal import SIGUSR1

from origin_pulls.errors import Refused
from origin_pulls.sandbox import (
    accounts,
    apache,
    certificates,
    domain_lists,
    fleet,
    machine,
    rebuild,
    server_files,
    state,
    wrappers,
)
from origin_pulls.sandbox.cloudflare import access, running
from origin_pulls.sandbox.cloudflare.access import Access
from origin_pulls.sandbox.layout import ADDRESS, DEDICATED_ADDRESS, Layout
from origin_pulls.sandbox.state import State


class Sandbox:
    """A cPanel server's files and programs below one directory, around a running Apache."""

    address = ADDRESS
    dedicated_address = DEDICATED_ADDRESS

    def __init__(self, directory: Path, known: State) -> None:
        self.directory = directory
        self.layout = Layout(directory)
        self.https_port = known.https_port
        self.http_port = known.http_port
        self._known = known
        self.cloudflare = running.access(self.layout, known)

    @classmethod
    def up(cls, directory: Path, vhosts: int = 0, *, cloudflare: bool = False) -> Sandbox:
        """Lay the files, start Apache, wait until it answers; up already: the same again.

        At least ``vhosts`` SSL vhosts; a standing sandbox that has fewer gets the missing ones.
        With ``cloudflare`` an API and an edge stand before it; a standing one without gets them.
        One that was killed while it was made is made anew.
        """
        machine.require_fit()
        layout = machine.claim(directory)
        with state.held(layout.directory):
            known = state.read(layout)
            if known is None or not known.is_complete:
                return cls._made(layout, known, vhosts, cloudflare=cloudflare)
            if cloudflare and not known.cloudflare:
                known = replace(known, cloudflare=running.free_ports())
                running.lay(running.require_access(layout, known), fleet.of(known.asked_vhosts))
                state.write(layout, known)
                apache.signal_parent(layout, SIGUSR1)
            sandbox = cls(layout.directory, known)
            sandbox._grow(vhosts)
            sandbox._start()
            return sandbox

    @classmethod
    def load(cls, directory: Path) -> Sandbox:
        """The sandbox in ``directory``, running or not; ``Refused`` where there is none."""
        machine.require_root()
        layout = Layout(directory.resolve())
        known = state.read(layout)
        again = f"origin-pulls sandbox up --dir {directory}"
        if known is None:
            raise Refused(f"There is no sandbox in {directory}", hint=again)
        if not known.is_complete:
            raise Refused(
                f"The sandbox in {directory} is half made: what made it was interrupted",
                hint=f"{again} makes it anew.",
            )
        return cls(layout.directory, known)

    def down(self) -> None:
        """Stop everything that runs and delete the directory with everything in it."""
        take_down(self.directory)

    def reset(self) -> None:
        """Fresh files in the same directory, on the same ports, as many vhosts; Apache runs."""
        machine.require_fit()
        with state.held(self.directory):
            self._made(self.layout, self._known)

    @property
    def is_running(self) -> bool:
        """Whether its Apache lives."""
        return self.pid is not None

    @property
    def pid(self) -> int | None:
        """Apache's parent process, ``None`` when it is stopped."""
        return apache.parent(self.layout)

    @property
    def cloudflare_pid(self) -> int | None:
        """The process of its Cloudflare, ``None`` when that is stopped or there is none."""
        return running.pid(self.cloudflare) if self.cloudflare else None

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
            **(running.summary(self.cloudflare) if self.cloudflare else {}),
        }

    @classmethod
    def _made(
        cls, layout: Layout, known: State | None, vhosts: int = 0, *, cloudflare: bool = False
    ) -> Sandbox:
        """Make everything anew; what is known of before stays, its ports where they are free."""
        _stop(layout)
        begun = _begun(known, vhosts, cloudflare=cloudflare)
        state.write(layout, begun)
        state.clear(layout)
        # Apache's children run as nobody and must be able to come by.
        layout.directory.chmod(0o711)
        authority = certificates.new_authority(layout)
        server_files.lay(layout, begun.http_port, begun.https_port, authority)
        accounts.lay_many(layout, fleet.of(begun.asked_vhosts), authority)
        wrappers.lay(layout)
        sandbox = cls(layout.directory, begun)
        if sandbox.cloudflare:
            running.lay(sandbox.cloudflare, fleet.of(begun.asked_vhosts))
        sandbox._rebuild()
        sandbox._start()
        state.write(layout, replace(begun, is_complete=True))
        return sandbox

    def _grow(self, vhosts: int) -> None:
        """Add generated accounts until there are so many vhosts; none are taken away."""
        missing = vhosts - self.vhosts
        if missing <= 0:
            return
        new = fleet.generated(missing, taken=frozenset(self.accounts))
        accounts.lay_many(self.layout, new, certificates.read_authority(self.layout))
        if self.cloudflare:
            running.stop(self.cloudflare)
            running.add(self.cloudflare, new)
        self._rebuild()
        self._known = replace(self._known, asked_vhosts=vhosts)
        state.write(self.layout, self._known)
        apache.signal_parent(self.layout, SIGUSR1)

    def _rebuild(self) -> None:
        built = rebuild.rebuild(self.layout)
        if built.code:
            raise Refused(
                f"The sandbox's httpd.conf is refused: {built.output}",
                hint=f"origin-pulls sandbox reset --dir {self.directory} makes it anew.",
            )

    def _start(self) -> None:
        """Start what does not run; the files name the ports, so those must be free."""
        # Both at once: neither needs the other in order to start.
        starting = running.start(self.cloudflare) if self.cloudflare else None
        if not self.is_running:
            apache.stop(self.layout)  # children whose parent has died
            if problem := apache.start(self.layout):
                raise Refused(
                    f"The sandbox's Apache does not start: {problem}",
                    hint=f"origin-pulls sandbox reset --dir {self.directory} makes it anew.",
                )
        if starting:
            starting.wait()


def take_down(directory: Path) -> bool:
    """Stop and delete the sandbox in ``directory``, half-built ones too; whether there was one.

    Raises ``Refused`` where something lies that no sandbox made.
    """
    machine.require_root()
    layout = Layout(directory.resolve())
    if not layout.directory.exists():
        return False
    with state.held(layout.directory):
        if state.read(layout) is None:
            raise Refused(
                f"{directory} holds no sandbox (no {layout.marker.name}): it is left alone",
                hint="Name the sandbox's directory with --dir.",
            )
        _stop(layout)
        # The marker goes last: killed on the way, the next call still knows the directory as ours.
        state.clear(layout)
        layout.marker.unlink()
        layout.directory.rmdir()
    return True


def _stop(layout: Layout) -> None:
    apache.stop(layout)
    running.stop(Access(layout))


def _begun(known: State | None, vhosts: int, *, cloudflare: bool) -> State:
    """The state of one that is being made, while nothing of it runs."""
    ports = (known.https_port, known.http_port) if known else machine.free_ports()
    if not all(machine.is_free(port) for port in ports):
        ports = machine.free_ports()
    edge = known.cloudflare if known else None
    if (edge and not access.are_free(*edge)) or (edge is None and cloudflare):
        edge = running.free_ports()
    asked = max(vhosts, known.asked_vhosts if known else 0)
    return State(*ports, asked, is_complete=False, cloudflare=edge)
