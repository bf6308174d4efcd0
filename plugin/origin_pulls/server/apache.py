"""Apache and cPanel's programs around it: what they say, rebuild, test, reload, is it alive."""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from pathlib import Path

from origin_pulls.config import Config
from origin_pulls.errors import Refused
from origin_pulls.server import commands, files

VERSION = re.compile(r"Apache/(\d+)\.(\d+)\.(\d+)")
MODULE = re.compile(r"^\s*(\w+_module)\b", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Paths:
    """Where EasyApache keeps things, as ``paths.conf`` says (cPanel's own map of it)."""

    base: Path
    httpd: Path
    conf: Path
    conf_directory: Path
    userdata: Path
    pid_file: Path
    logs: Path


@dataclass(frozen=True, slots=True)
class Parent:
    """Apache's parent process: number and start, so that another one is not taken for it."""

    pid: int
    started: str


class Apache:
    """The Apache of one server."""

    def __init__(self, config: Config) -> None:
        self.config = config
        self.paths = read_paths(config)
        self.reload_began: tuple[str, float] | None = None

    def version(self) -> tuple[int, ...]:
        """The version, (0,) when it cannot be told."""
        found = VERSION.search(self._httpd("-v").output)
        return tuple(map(int, found.groups())) if found else (0,)

    def modules(self) -> frozenset[str]:
        """The modules that the configuration loads."""
        return frozenset(MODULE.findall(self._httpd("-M").output))

    def config_error(self) -> str:
        """What is wrong with the configuration on disk, empty when Apache accepts it."""
        ran = self._httpd("-t")
        return "" if ran.is_good else ran.last_words

    def rebuild(self) -> commands.Ran:
        """Let cPanel generate ``httpd.conf`` anew; it keeps the old one when it refuses."""
        return commands.run(
            [self.config.rebuild_program], timeout=self.config.program_timeout, is_apart=True
        )

    def reload(self) -> commands.Ran:
        """Let Apache read its configuration gracefully, by cPanel's script.

        Its exit code is no proof: look at ``parent`` and ask a vhost afterwards.
        """
        self.reload_began = self._generation(), time.monotonic()
        return commands.run(
            [self.config.restart_program, "--graceful"],
            timeout=self.config.program_timeout,
            is_apart=True,
        )

    def is_reloading(self, patience: float) -> bool:
        """Whether the reload that was last asked for here may still be reading files.

        A file that goes meanwhile kills Apache. It writes its pid file anew when it has read them
        all (``ap_log_pid`` in the MPM's run). A reload that never comes is believed in for
        ``patience`` seconds.
        """
        if self.reload_began is None or self.parent() is None:
            return False
        generation, began = self.reload_began
        return generation == self._generation() and time.monotonic() - began < patience

    def start(self) -> commands.Ran:
        """Start an Apache that is down, by cPanel's script.

        Where we are a service of systemd, the script is started as a unit of its own: an Apache
        that came out of our service would live in its confinement and end with it.
        """
        words: list[str | Path] = [self.config.restart_program, "--start"]
        return commands.run(
            commands.outside(self.config.systemd_run_program, words),
            timeout=self.config.program_timeout,
            is_apart=True,
        )

    def parent(self) -> Parent | None:
        """Apache's parent process, ``None`` when there is none alive."""
        try:
            text = files.read(self.paths.pid_file, limit=64) or b""
            pid = int(text.strip())
            found = Path(f"/proc/{pid}/stat").read_bytes()
        except (OSError, ValueError):
            return None
        # After the name in parentheses: state is field 1, the start time field 20.
        cells = found.rpartition(b")")[2].split()
        is_dead = cells[0] in (b"Z", b"X")
        return None if is_dead else Parent(pid, cells[19].decode("ascii"))

    def _generation(self) -> str:
        return files.signature(self.paths.pid_file)

    def _httpd(self, option: str) -> commands.Ran:
        return commands.run([self.paths.httpd, option], timeout=self.config.program_timeout)


def read_paths(config: Config) -> Paths:
    """The places that ``paths.conf`` names; ``Refused`` where this is no EasyApache 4 server."""
    try:
        text = files.read(config.paths_conf) or b""
    except OSError as error:
        raise Refused(
            f"{config.paths_conf} cannot be read: {error}", hint="Run as root."
        ) from error
    given = dict(
        line.split("=", 1) for line in text.decode("utf-8", "replace").splitlines() if "=" in line
    )
    try:
        return Paths(
            base=Path(given["dir_base"].strip()),
            httpd=Path(given["bin_httpd"].strip()),
            conf=Path(given["file_conf"].strip()),
            conf_directory=Path(given["dir_conf"].strip()),
            userdata=Path(given["dir_conf_userdata"].strip()),
            pid_file=Path(given["dir_run"].strip()) / "httpd.pid",
            logs=Path(given["dir_logs"].strip()),
        )
    except KeyError as missing:
        raise Refused(
            f"There is no cPanel server with EasyApache 4 here ({config.paths_conf} names no "
            f"{missing.args[0]})",
            hint="Run this on the server as root, or name a sandbox with `--root DIR`.",
        ) from None
