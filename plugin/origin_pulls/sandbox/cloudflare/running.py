"""Starts and ends a sandbox's Cloudflare, and sees whether it runs."""

from __future__ import annotations

import json
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from origin_pulls.errors import Refused
from origin_pulls.sandbox import files, machine, processes
from origin_pulls.sandbox.cloudflare import access as places
from origin_pulls.sandbox.cloudflare import dns, edge, seed, state
from origin_pulls.sandbox.cloudflare.access import EDGE_ADDRESSES, Access
from origin_pulls.sandbox.fleet import Account
from origin_pulls.sandbox.layout import Layout
from origin_pulls.sandbox.state import State

MODULE = "origin_pulls.sandbox.cloudflare"
NETWORK = "127.0.64.0/24"


@dataclass(frozen=True, slots=True)
class Starting:
    """A Cloudflare that was told to start; Apache can start meanwhile."""

    access: Access
    process: subprocess.Popen[bytes]

    def wait(self) -> None:
        """Wait until API and edge answer; ``Refused`` with their last words when they do not."""
        output = self.process.stdout
        said = output.readline() if output else b""
        if output:
            output.close()
        self.process.wait()  # it has begun a process of its own
        if said.strip() == b"ready":
            return
        words = self.access.log.read_text(errors="replace").splitlines()
        raise Refused(
            f"The sandbox's Cloudflare does not start: {' | '.join(words[-3:])}",
            hint=f"origin-pulls sandbox reset --dir {self.access.layout.directory} makes it anew.",
        )


def access(layout: Layout, known: State) -> Access | None:
    """The way to a sandbox's Cloudflare, ``None`` where it has none."""
    if known.cloudflare is None:
        return None
    return Access(layout, *known.cloudflare, known.https_port, known.http_port)


def require_access(layout: Layout, known: State) -> Access:
    """The way to a sandbox's Cloudflare, which it must have."""
    found = access(layout, known)
    if found is None:
        raise Refused(
            f"The sandbox in {layout.directory} has no Cloudflare",
            hint=f"origin-pulls sandbox up --dir {layout.directory}",
        )
    return found


def free_ports() -> tuple[int, int, int]:
    """Three ports that are free on all addresses of a Cloudflare."""
    edge.require_program()
    found: list[int] = []
    for port in random.sample(machine.PORTS, 200):
        if machine.is_free(port) and places.are_free(port):
            found.append(port)
        if len(found) == 3:
            return found[0], found[1], found[2]
    raise Refused("No free port was found for Cloudflare", hint="Look with: ss -ltn")


def lay(access: Access, accounts: Sequence[Account]) -> None:
    """Write what a new Cloudflare knows of these accounts, and what the server knows of it."""
    shutil.rmtree(access.directory, ignore_errors=True)
    # nginx's worker is not root and must be able to come by; what is secret has its own mode.
    files.folder(access.directory, mode=0o711)
    made = seed.world(accounts)
    state.save(access.seed, made)
    state.save(access.state, made)
    _lay_on_server(access, made)


def _lay_on_server(access: Access, made: state.World) -> None:
    """What an administrator of a server behind Cloudflare has: its networks, known to Apache.

    And to the plugin: its list of ranges, and where its Cloudflare is.
    """
    layout = access.layout
    listed = dns.networks(made).body["result"]
    files.lay(layout.at("/etc/origin-pulls/cloudflare-ranges.json"), f"{json.dumps(listed)}\n")
    trusted = layout.includes / "cloudflare.conf"
    line = f"<IfModule remoteip_module>\n    RemoteIPInternalProxy {NETWORK}\n</IfModule>\n"
    files.replace(trusted, trusted.read_text() + line)
    settings = layout.at("/etc/origin-pulls/config.yaml")
    text = "".join(f"{name}: {value}\n" for name, value in plugin_settings(access).items())
    if text not in settings.read_text():
        files.replace(settings, settings.read_text() + text)


def plugin_settings(access: Access) -> Mapping[str, str | float]:
    """The plugin's settings that lead it to this Cloudflare in the place of the real one.

    What takes minutes there takes moments here, so the pauses are as much shorter.
    """
    return {
        "cloudflare_api": access.url,
        "dns_over_https": access.dns,
        "edge_port": access.edge_port,
        "edge_pause": 0.2,
        "edge_poll": 0.1,
        "edge_poll_later": 0.2,
        "edge_round_pause": 0.1,
    }


def summary(access: Access) -> dict[str, object]:
    """Everything that a program wants to know of a sandbox's Cloudflare."""
    return {
        "cloudflare_pid": pid(access),
        "cloudflare_url": access.url,
        "cloudflare_token": token(access),
        "cloudflare_switches": f"{access.origin}/sandbox",
        "dns_over_https": access.dns,
        "edge_address": EDGE_ADDRESSES[0],
        "edge_addresses": list(EDGE_ADDRESSES),
        "edge_port": access.edge_port,
        "edge_http_port": access.edge_http_port,
        "shared_ca": str(access.shared_ca),
    }


def add(access: Access, accounts: Sequence[Account]) -> None:
    """Add the zones of more accounts; only while it does not run."""
    for path in (access.seed, access.state):
        known = state.load(path)
        seed.add(known, accounts)
        state.save(path, known)


def start(access: Access) -> Starting | None:
    """Tell it to start; ``None`` where it runs already."""
    if pid(access) and edge.leftovers(access.edge):
        return None
    stop(access)  # whichever of the two has outlived the other
    ports = (access.api_port, access.edge_port, access.edge_http_port)
    words = [*ports, access.https_port, access.http_port]
    files.folder(access.edge)
    (access.edge / "nginx.pid").unlink(missing_ok=True)
    with access.log.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", MODULE, str(access.layout.directory), *map(str, words)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
            cwd=access.directory,
        )
    return Starting(access, process)


def stop(access: Access) -> None:
    """End API and edge, also where one of them lost the other, and wait for their end."""
    if not access.directory.exists():
        return
    if found := pid(access):
        processes.end(found, signal.SIGTERM)
    for process in (*_services(access), *edge.leftovers(access.edge)):
        processes.end(process, signal.SIGKILL)
    access.pid_file.unlink(missing_ok=True)


def pid(access: Access) -> int | None:
    """The API's process, ``None`` where none lives."""
    try:
        number = int(access.pid_file.read_text())
    except (FileNotFoundError, ValueError):
        return None
    return number if _is_service(access, number) else None


def token(access: Access) -> str:
    """The secret of the token that may do everything in the sandbox's zones."""
    return state.load(access.seed).tokens[0].secret


def _services(access: Access) -> list[int]:
    numbers = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return [number for number in numbers if _is_service(access, number)]


def _is_service(access: Access, number: int) -> bool:
    try:
        words = Path(f"/proc/{number}/cmdline").read_bytes().split(b"\0")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return words[1:4] == [b"-m", MODULE.encode(), bytes(access.layout.directory)]
