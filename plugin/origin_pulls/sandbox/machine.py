"""Whether this machine may have a sandbox, in which directory and on which ports."""

from __future__ import annotations

import os
import random
import socket
from pathlib import Path

from origin_pulls.errors import Refused
from origin_pulls.sandbox import apache, files, state
from origin_pulls.sandbox.layout import ADDRESS, DEDICATED_ADDRESS, Layout

REAL_CPANEL = Path("/usr/local/cpanel/cpanel")
PORTS = range(20000, 32000)  # below those that the kernel gives to outgoing connections
LONGEST_SOCKET_PATH = 100
UNSAFE = frozenset(" \"'\\$\n\t#%*?[]<>{}")


def require_root() -> None:
    """Refuse to anybody else."""
    if os.geteuid() != 0:
        raise Refused("The sandbox needs root: its files have owners", hint="Use sudo.")


def require_fit(real_cpanel: Path = REAL_CPANEL) -> None:
    """Refuse where a sandbox cannot or must not be: not root, a real cPanel, no Apache."""
    require_root()
    if real_cpanel.exists():
        raise Refused(
            f"This is a real cPanel server ({real_cpanel} exists): no sandbox here",
            hint="Use the plugin itself, without --root.",
        )
    apache.require_program()


def claim(directory: Path) -> Layout:
    """The layout of a directory that is a sandbox's already, or may become one."""
    layout = Layout(directory.resolve())
    _check_name(layout.directory)
    if layout.directory.exists() and not layout.directory.is_dir():
        raise Refused(f"{directory} is no directory", hint="Choose another one with --dir.")
    if closed := [path for path in layout.directory.parents if _is_closed(path)]:
        raise Refused(
            f"Apache's user nobody cannot come by {closed[0]}",
            hint=f"Choose another directory with --dir, or: chmod o+x {closed[0]}",
        )
    if not layout.directory.exists():
        _make(layout.directory)
    found = {entry.name for entry in layout.directory.iterdir()} - {layout.begun_marker.name}
    if found and state.read(layout) is None:
        raise Refused(
            f"{directory} is not empty and holds no sandbox: it is left alone",
            hint="Choose a new or empty directory with --dir.",
        )
    return layout


def free_ports() -> tuple[int, int]:
    """Two ports that are free on both of the sandbox's addresses."""
    found = [port for port in random.sample(PORTS, 200) if is_free(port)]
    if len(found) < 2:
        raise Refused(
            f"No free port was found on {ADDRESS} and {DEDICATED_ADDRESS}",
            hint="Look with: ss -ltn",
        )
    return found[0], found[1]


def is_free(port: int) -> bool:
    """Whether Apache could listen on this port."""
    for address in (ADDRESS, DEDICATED_ADDRESS):
        with socket.socket() as tried:
            # As Apache does: connections that are only dying do not count.
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                tried.bind((address, port))
            except OSError:
                return False
    return True


def _check_name(directory: Path) -> None:
    if len(bytes(directory / "run/apache2/cgisock.1234567")) > LONGEST_SOCKET_PATH:
        raise Refused(
            f"{directory} is too long a path for Apache's socket",
            hint="Choose a shorter one with --dir.",
        )
    if UNSAFE & set(str(directory)) or not str(directory).isascii():
        raise Refused(
            f"{str(directory)!r} has signs that Apache's files cannot hold safely",
            hint="Choose a directory of letters, digits, - and _ with --dir.",
        )


def _make(directory: Path) -> None:
    try:
        files.folder(directory, mode=0o711)
    except OSError as error:
        raise Refused(
            f"{directory} cannot be made: {error.strerror}", hint="Choose another one with --dir."
        ) from error


def _is_closed(path: Path) -> bool:
    return path.exists() and not path.stat().st_mode & 0o001
