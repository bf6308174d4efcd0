"""A mount namespace in which a sandbox's folders lie where a cPanel server has them."""

from __future__ import annotations

import ctypes
import os
import subprocess
from pathlib import Path

from origin_pulls.sandbox import files
from origin_pulls.sandbox.layout import Layout

CLONE_NEWNS = 0x00020000
SIBLINGS = ("/usr/local", "/var")  # folders of the machine that get a cpanel/ of the sandbox


def enter(layout: Layout) -> bool:
    """Move this process into such a namespace; ``False`` where the machine does not allow it."""
    if Path("/run") in layout.directory.parents:
        return False  # it would cover itself
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS):
        return False
    try:
        _mount("--make-rprivate", "/")
        stage = files.folder(layout.at("/mnt"))
        _mount("-t", "tmpfs", "-o", "mode=755", "none", str(stage))
        for parent in SIBLINGS:
            _add_cpanel(layout, Path(parent), files.folder(stage / parent.lstrip("/")))
        _mount("--rbind", str(layout.at("/run")), "/run")
    except subprocess.CalledProcessError:
        return False
    return True


def _add_cpanel(layout: Layout, parent: Path, drawn: Path) -> None:
    """Draw ``parent`` anew, with the sandbox's ``cpanel`` in it, and put that over the old one.

    It is whole before it is put there: the sandbox itself may lie below ``parent``.
    """
    for entry in parent.iterdir():
        place = drawn / entry.name
        if entry.name == "cpanel":
            continue
        if entry.is_symlink():
            place.symlink_to(entry.readlink())
        elif entry.is_dir():
            place.mkdir()
            _mount("--rbind", str(entry), str(place))
        elif entry.is_file():
            place.touch()
            _mount("--bind", str(entry), str(place))
    (drawn / "cpanel").mkdir()
    _mount("--rbind", str(layout.at(str(parent / "cpanel"))), str(drawn / "cpanel"))
    _mount("--rbind", str(drawn), str(parent))


def _mount(*words: str) -> None:
    subprocess.run(
        ["/bin/mount", *words],
        check=True,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={"PATH": os.defpath},
    )
