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
    services,
    state,
    wrappers,
)
from origin_pulls.sandbox.front import passwords, process
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
        self._asked_vhosts = known.asked_vhosts

    @classmethod
    def up(cls, directory: Path, vhosts: int = 0, *, front: bool = False) -> Sandbox:
        """Lay the files, start Apache, wait until it answers; up already: the same again.

        At least ``vhosts`` SSL vhosts; a standing sandbox that has fewer gets the missing ones.
        One that was killed while it was made is made anew. With ``front`` WHM and cPanel too.
        """
        machine.require_fit()
        layout = machine.claim(directory)
        with state.held(layout.directory):
            known = state.read(layout)
            if known is None or not known.is_complete:
                many = max(vhosts, known.asked_vhosts if known else 0)
                sandbox = cls._made(layout, many, known)
            else:
                sandbox = cls(layout.directory, known)
                sandbox._grow(vhosts)
                sandbox._start()
            if front:
                process.start(layout)
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
        """Stop Apache and delete the directory with everything in it."""
        take_down(self.directory)

    def reset(self) -> None:
        """Fresh files in the same directory, on the same ports, as many vhosts; Apache runs."""
        machine.require_fit()
        with state.held(self.directory):
            known = State(self.https_port, self.http_port, self._asked_vhosts, is_complete=True)
            ports, had_front = process.ports(self.layout), process.pid(self.layout)
            had_services = services.running(self.layout)
            self._made(self.layout, self._asked_vhosts, known)
            if had_front:
                process.start(self.layout, ports)
            services.start(self.layout, had_services)

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
    def passwords(self) -> dict[str, str]:
        """What root and each account sign in with in WHM and cPanel."""
        return passwords.of(self.layout)

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

    def start_services(self) -> None:
        """Start the plugin's agent and its two web services here, where they do not run."""
        services.start(self.layout)

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
        panels: dict[str, object] = {}
        if process.pid(self.layout) and (ports := process.ports(self.layout)):
            panels = {"whm_url": ports.whm_url, "cpanel_url": ports.cpanel_url}
            panels["passwords"] = self.passwords
        return panels | {
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
    def _made(cls, layout: Layout, vhosts: int, known: State | None) -> Sandbox:
        """Make everything anew; the ports that are known stay where they are free."""
        services.stop(layout)
        process.stop(layout)
        apache.stop(layout)
        https_port, http_port = _ports(known)
        begun = State(https_port, http_port, vhosts, is_complete=False)
        state.write(layout, begun)
        state.clear(layout)
        # Apache's children run as nobody and must be able to come by.
        layout.directory.chmod(0o711)
        authority = certificates.new_authority(layout)
        server_files.lay(layout, http_port, https_port, authority)
        accounts.lay_many(layout, fleet.of(vhosts), authority)
        wrappers.lay(layout)
        sandbox = cls(layout.directory, begun)
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
        self._rebuild()
        self._asked_vhosts = vhosts
        state.write(self.layout, State(self.https_port, self.http_port, vhosts, is_complete=True))
        apache.signal_parent(self.layout, SIGUSR1)

    def _rebuild(self) -> None:
        built = rebuild.rebuild(self.layout)
        if built.code:
            raise Refused(
                f"The sandbox's httpd.conf is refused: {built.output}",
                hint=f"origin-pulls sandbox reset --dir {self.directory} makes it anew.",
            )

    def _start(self) -> None:
        """Start Apache where it does not run; the files name the ports, so those must be free."""
        if self.is_running:
            return
        apache.stop(self.layout)  # children whose parent has died
        if problem := apache.start(self.layout):
            raise Refused(
                f"The sandbox's Apache does not start: {problem}",
                hint=f"origin-pulls sandbox reset --dir {self.directory} makes it anew.",
            )


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
        services.stop(layout)
        process.stop(layout)
        apache.stop(layout)
        # The marker goes last: killed on the way, the next call still knows the directory as ours.
        state.clear(layout)
        layout.marker.unlink()
        layout.directory.rmdir()
    return True


def _ports(known: State | None) -> tuple[int, int]:
    """The ports of before where they are still free, so that what was noted stays true."""
    if known and machine.is_free(known.https_port) and machine.is_free(known.http_port):
        return known.https_port, known.http_port
    return machine.free_ports()
