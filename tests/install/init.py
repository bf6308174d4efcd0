"""A small stand-in for systemd: really starts and stops services from their unit files.

``python init.py SOCKET`` serves; ``systemctl`` (see ``client``) asks it. It knows services
(``simple`` and ``oneshot``, ``User=``, ``Environment=``), sockets that start their service at the
first connection, timers that are only on or off, and what is enabled. A service that ends by
itself with an error has failed; nothing is started again by itself, but by its socket while
somebody waits there. Who was started too often (``StartLimitBurst=`` times within
``StartLimitIntervalSec=``) has failed, its socket with it, until ``reset-failed``.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import pwd
import select
import shlex
import signal
import socket
import sys
import time
from pathlib import Path

UNITS = Path("/etc/systemd/system")
PR_SET_PDEATHSIG = 1
STOP_PATIENCE = 120.0
LOOK_AGAIN = 0.02
NO_SUCH_UNIT = 5


class Unit:
    """One unit file's settings."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.given: list[tuple[str, str]] = []
        for line in (UNITS / name).read_text().splitlines():
            key, equals, value = line.partition("=")
            if equals and not line.startswith(("#", "[")):
                self.given.append((key.strip(), value.strip()))

    def one(self, key: str, otherwise: str = "") -> str:
        """The last value of a setting."""
        return next((value for name, value in reversed(self.given) if name == key), otherwise)

    def all(self, key: str) -> list[str]:
        """Every value of a setting."""
        return [value for name, value in self.given if name == key]


class Init:
    """The state of all units, and what can be asked of them."""

    def __init__(self) -> None:
        self.running: dict[str, int] = {}
        self.listening: dict[str, socket.socket] = {}
        self.active: set[str] = set()
        self.failed: set[str] = set()
        self.stopping: set[int] = set()
        self.starts: dict[str, list[float]] = {}

    def reap(self) -> None:
        """Take note of services that ended."""
        for name, pid in list(self.running.items()):
            done, status = os.waitpid(pid, os.WNOHANG)
            if done:
                del self.running[name]
                if status and pid not in self.stopping:
                    self.failed.add(name)

    def start(self, name: str) -> bool:
        """Start a unit; whether that went well."""
        if name in self.running or name in self.listening:
            return True
        unit = Unit(name)
        self.failed.discard(name)
        if name.endswith(".socket"):
            self.listening[name] = _listen(unit)
        elif name.endswith(".timer"):
            self.active.add(name)
        elif self.is_too_often(unit):
            self.failed.add(name)
            return False
        else:
            listener = self.listening.get(name.replace(".service", ".socket"))
            pid = _spawn(unit, listener)
            if unit.one("Type") == "oneshot":
                return os.waitpid(pid, 0)[1] == 0
            self.running[name] = pid
        return True

    def is_too_often(self, unit: Unit) -> bool:
        """Whether a service was started so often lately that it is started no more."""
        now = time.monotonic()
        since = now - float(unit.one("StartLimitIntervalSec", "10"))
        lately = [start for start in self.starts.get(unit.name, []) if start > since]
        self.starts[unit.name] = [*lately, now]
        return len(lately) >= int(unit.one("StartLimitBurst", "5"))

    def stop(self, name: str) -> None:
        """End a unit and wait for it."""
        self.active.discard(name)
        self.failed.discard(name)
        listener = self.listening.pop(name, None)
        if listener:
            Path(listener.getsockname()).unlink(missing_ok=True)
            listener.close()
        self.reap()
        pid = self.running.get(name)
        if pid is None:
            return
        self.stopping.add(pid)
        os.kill(pid, signal.SIGTERM)
        end = time.monotonic() + STOP_PATIENCE
        while name in self.running:
            if time.monotonic() > end:
                os.kill(pid, signal.SIGKILL)
            time.sleep(LOOK_AGAIN)
            self.reap()

    def begin_to_stop(self, name: str) -> None:
        """Tell a unit to end, and do not wait for it."""
        if name not in self.running:
            self.stop(name)
            return
        self.stopping.add(self.running[name])
        os.kill(self.running[name], signal.SIGTERM)

    def state(self, name: str) -> str:
        """What ``is-active`` says."""
        self.reap()
        if name in self.failed:
            return "failed"
        is_on = name in self.running or name in self.listening or name in self.active
        return "active" if is_on else "inactive"

    def wake(self) -> None:
        """Start the service of a socket at which somebody waits."""
        waiting = {
            listener: name.replace(".socket", ".service")
            for name, listener in self.listening.items()
            if name.replace(".socket", ".service") not in self.running
        }
        for listener in select.select(list(waiting), [], [], 0)[0]:
            service = waiting[listener]
            if not self.start(service):
                self.stop(service.replace(".service", ".socket"))
                self.failed |= {service, service.replace(".service", ".socket")}

    def answer(self, words: list[str]) -> tuple[int, str]:
        """What ``systemctl WORDS`` does: exit code and output."""
        is_now = "--now" in words
        verb, *given = [word for word in words if not word.startswith("-")]
        names = [name if "." in name else f"{name}.service" for name in given]
        self.reap()
        if verb == "daemon-reload":
            return 0, ""
        if verb == "reset-failed":
            for name in names:
                self.failed.discard(name)
                self.starts.pop(name, None)
            return 0, ""
        if missing := [name for name in names if not (UNITS / name).exists()]:
            return NO_SUCH_UNIT, f"Unit {missing[0]} could not be found."
        for name in names:
            if verb in ("enable", "disable"):
                _link(Unit(name), verb == "enable")
        if verb in ("stop", "restart") or (verb == "disable" and is_now):
            for name in names:
                if "--no-block" in words:
                    self.begin_to_stop(name)
                else:
                    self.stop(name)
        if verb == "kill":
            for name in names:
                for pid in _family(self.running[name]) if name in self.running else ():
                    os.kill(pid, signal.SIGKILL)
        if verb == "try-restart":
            names = [name for name in names if name in self.running]
            for name in names:
                self.stop(name)
        if verb in ("start", "restart", "try-restart") or (verb == "enable" and is_now):
            started = [self.start(name) for name in names]
            return int(not all(started)), ""
        states = [self.state(name) for name in names]
        if verb == "is-failed":
            return int("failed" not in states), "\n".join(states)
        if verb == "is-enabled":
            is_on = [_is_enabled(Unit(name)) for name in names]
            return int(not all(is_on)), "\n".join("enabled" if on else "disabled" for on in is_on)
        if verb == "is-active":
            return (0 if "active" in states else 3), "\n".join(states)
        return 0, ""


def _listen(unit: Unit) -> socket.socket:
    path = Path(unit.one("ListenStream"))
    path.parent.mkdir(mode=int(unit.one("DirectoryMode", "0755"), 8), parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(path))
    path.chmod(int(unit.one("SocketMode", "0666"), 8))
    listener.listen(128)
    return listener


def _spawn(unit: Unit, listener: socket.socket | None) -> int:
    words = shlex.split(unit.one("ExecStart"))
    environment = {"PATH": "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
    for line in unit.all("Environment"):
        environment |= dict(word.split("=", 1) for word in shlex.split(line))
    pid = os.fork()
    if pid:
        return pid
    try:
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        os.setsid()
        log = os.open(f"/run/init-{unit.name}.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        os.dup2(log, 1)
        os.dup2(log, 2)
        if listener:
            os.dup2(listener.fileno(), 3)
            environment |= {"LISTEN_FDS": "1", "LISTEN_PID": str(os.getpid())}
        os.umask(int(unit.one("UMask", "0022"), 8))
        if unit.one("User"):
            user = pwd.getpwnam(unit.one("User"))
            os.initgroups(user.pw_name, user.pw_gid)
            os.setgid(user.pw_gid)
            os.setuid(user.pw_uid)
        os.chdir("/")
        os.execve(words[0], words, environment)
    finally:
        os._exit(203)


def _family(pid: int) -> list[int]:
    """A process and all that it started, as a control group holds them."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            found += _family(int(child))
    return found


def _link(unit: Unit, is_on: bool) -> None:
    for target in unit.all("WantedBy"):
        link = UNITS / f"{target}.wants" / unit.name
        link.unlink(missing_ok=True)
        if is_on:
            link.parent.mkdir(exist_ok=True)
            link.symlink_to(UNITS / unit.name)
        else:
            with contextlib.suppress(OSError):
                link.parent.rmdir()


def _is_enabled(unit: Unit) -> bool:
    return any((UNITS / f"{one}.wants" / unit.name).is_symlink() for one in unit.all("WantedBy"))


def serve(path: str) -> None:
    """Answer until SIGTERM, then end every service."""
    init = Init()
    is_ending = []
    signal.signal(signal.SIGTERM, lambda *_: is_ending.append(True))
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(path)
        listener.listen(16)
        os.write(1, b"ready\n")
        while not is_ending:
            asked = select.select([listener, *init.listening.values()], [], [], LOOK_AGAIN * 5)[0]
            init.reap()
            init.wake()
            if listener in asked:
                # Who asked may have been killed before it was done asking, or before it heard.
                with listener.accept()[0] as connection, contextlib.suppress(OSError, ValueError):
                    answer = init.answer(json.loads(connection.makefile().readline()))
                    connection.sendall(json.dumps(answer).encode() + b"\n")
    for name in [*init.listening, *init.running]:
        init.stop(name)


def client(path: str, words: list[str]) -> int:
    """``systemctl``: hand the words over, print what comes."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.connect(path)
        connection.sendall(json.dumps(words).encode() + b"\n")
        code, output = json.loads(connection.makefile().readline())
    if output and "--quiet" not in words:
        said = sys.stderr if code == NO_SUCH_UNIT else sys.stdout
        said.write(f"{output}\n")
    return int(code)


if __name__ == "__main__":
    if len(sys.argv) == 2:
        serve(sys.argv[1])
    else:
        sys.exit(client(sys.argv[1], sys.argv[2:]))
