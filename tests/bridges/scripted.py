"""A web service by script, and the two bridges run by hand against it."""

from __future__ import annotations

import os
import socket
import struct
import subprocess
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from origin_pulls.sandbox import files
from origin_pulls.sandbox.front import laying, running
from origin_pulls.sandbox.front.liveapi import LiveApi
from origin_pulls.sandbox.front.people import Person
from origin_pulls.sandbox.layout import FIRST_UID, Layout

WHM = "/usr/local/cpanel/whostmgr/docroot/cgi/addons/originpulls/index.cgi"
JUPITER = "/usr/local/cpanel/base/frontend/jupiter/originpulls/index.live.php"
ACCOUNT = Person("shop", FIRST_UID, FIRST_UID, "/", "jupiter", frozenset())
FRAMED = b"HTTP/1.0 200 OK\r\nX-Origin-Pulls-Frame: Domains\r\n\r\n"
PATIENCE = 60.0

Play = Callable[[socket.socket], None]


@dataclass
class Heard:
    """What reached the service: requests as bytes, and whose they were."""

    requests: list[bytes] = field(default_factory=list)
    uids: list[int] = field(default_factory=list)

    @property
    def head(self) -> str:
        """The only request's head."""
        assert len(self.requests) == 1
        return self.requests[0].split(b"\r\n\r\n")[0].decode("latin-1")

    @property
    def body(self) -> bytes:
        """The only request's body."""
        assert len(self.requests) == 1
        return self.requests[0].partition(b"\r\n\r\n")[2]


@dataclass(frozen=True)
class Answered:
    """What a bridge said to the panel."""

    code: int
    status: str
    headers: list[tuple[str, str]]
    body: bytes
    errors: bytes

    def values(self, name: str) -> list[str]:
        """Every value of a header."""
        return [value for found, value in self.headers if found.lower() == name.lower()]

    @property
    def is_away_page(self) -> bool:
        """Whether this is the page that says that nobody answers, and what to type."""
        return self.code == 0 and b"systemctl restart origin-pulls-web" in self.body


@contextmanager
def service(path: Path, *plays: Play, reads: bool = True) -> Iterator[Heard]:
    """Listen at ``path``; each connection is read whole and then gets the next play."""
    heard = Heard()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        path.chmod(0o666)
        listening.listen(8)

        def serve() -> None:
            for play in plays:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return  # nobody came, and nobody will
                with connection:
                    connection.settimeout(PATIENCE)
                    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
                    heard.uids.append(struct.unpack("3i", raw)[1])
                    if reads:
                        heard.requests.append(_request(connection))
                    try:
                        play(connection)
                    except OSError:
                        continue  # the bridge has had enough

        serving = threading.Thread(target=serve, daemon=True)
        serving.start()
        try:
            yield heard
        finally:
            path.unlink()
            listening.shutdown(socket.SHUT_RDWR)
            serving.join()


def says(*parts: bytes) -> Play:
    """A play that says this and closes."""

    def play(connection: socket.socket) -> None:
        for part in parts:
            connection.sendall(part)

    return play


def _request(connection: socket.socket) -> bytes:
    given = b""
    while b"\r\n\r\n" not in given:
        part = connection.recv(4096)
        if not part:
            return given
        given += part
    head = given.split(b"\r\n\r\n")[0].lower()
    length = int(head.partition(b"content-length: ")[2].split(b"\r\n")[0] or 0)
    while len(given.partition(b"\r\n\r\n")[2]) < length:
        part = connection.recv(4096)
        if not part:
            break
        given += part
    return given


class Bridge:
    """One of the two bridges below a directory, with the panel's stand-ins beside it."""

    def __init__(self, layout: Layout, *, is_whm: bool) -> None:
        self.layout = layout
        self.is_whm = is_whm
        place = layout.at(WHM if is_whm else JUPITER)
        self.script = running.runnable(layout, place, has_namespace=False)
        self.socket = layout.at(f"/run/origin-pulls/{'admin' if is_whm else 'account'}/web.sock")

    def impatient(self) -> Bridge:
        """The same, but with a patience of one second."""
        one = Bridge(self.layout, is_whm=self.is_whm)
        one.script = self.script.with_name("impatient-" + self.script.name)
        text = self.script.read_text()
        short = text.replace("PATIENCE => 30,", "PATIENCE => 1,").replace(
            "PATIENCE = 30;", "PATIENCE = 1;"
        )
        assert short != text
        files.lay(one.script, short, mode=0o755)
        return one

    def ask(
        self,
        method: str = "GET",
        query: str = "r=/vhosts",
        body: bytes = b"",
        forged: Mapping[str, str] | None = None,
        **other: str,
    ) -> Answered:
        """Run the bridge once, as the panel would; ``other`` changes its environment."""
        other |= forged or {}
        environment = {
            "PATH": os.defpath,
            "REMOTE_USER": "root" if self.is_whm else ACCOUNT.name,
            "REMOTE_ADDR": "203.0.113.9",
            "REQUEST_METHOD": method,
            "QUERY_STRING": query,
            "SCRIPT_FILENAME": str(self.script),
            "REDIRECT_STATUS": "200",
            "cp_security_token": "/cpsess0123456789",
        }
        if method == "POST":
            environment["CONTENT_LENGTH"] = str(len(body))
            environment["CONTENT_TYPE"] = "application/x-www-form-urlencoded"
        if self.is_whm:
            return self._run([str(self.script)], environment | other, body, None)
        with LiveApi(self.layout, ACCOUNT) as live:
            environment["CPANEL_PHPCONNECT_SOCKET"] = str(live.path)
            program = str(self.layout.at("/usr/local/cpanel/3rdparty/bin/php-cgi"))
            words = [program, str(self.script)]
            return self._run(words, environment | other, body, ACCOUNT.uid)

    def _run(
        self, words: list[str], environment: Mapping[str, str], body: bytes, uid: int | None
    ) -> Answered:
        done = subprocess.run(
            words,
            env=dict(environment),
            input=body,
            capture_output=True,
            check=False,
            timeout=PATIENCE,
            user=uid,
            group=uid,
            extra_groups=None if uid is None else [],
        )
        head, _, answer = done.stdout.partition(b"\r\n\r\n")
        headers = []
        for line in head.decode("latin-1").split("\r\n"):
            name, _, value = line.partition(":")
            headers.append((name, value.strip()))
        status = next((value for name, value in headers if name == "Status"), "200 OK")
        return Answered(done.returncode, status, headers, answer, done.stderr)


@contextmanager
def panel(directory: Path) -> Iterator[Layout]:
    """The panel's files and the plugin's below a directory: all that a bridge needs."""
    layout = Layout(directory)
    laying.lay_panel(layout)
    assert laying.lay_plugin(directory)
    files.lay(layout.at("/var/cpanel/resellers"), "reseller1:acct-summary,list-accts\nboss:all\n")
    files.folder(layout.at("/run/origin-pulls/admin"), mode=0o700)
    files.folder(layout.at("/run/origin-pulls/account"))
    yield layout
