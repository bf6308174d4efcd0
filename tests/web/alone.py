"""WHM's pages alone: the real service and bridge on a store that was filled, without an Apache."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from origin_pulls.config import Config
from origin_pulls.sandbox import files, services
from origin_pulls.sandbox.layout import Layout
from origin_pulls.store import open_store
from tests.bridges.scripted import Bridge, panel

WEB_UID = 64321
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Alone:
    """The service of WHM's pages."""

    layout: Layout

    @property
    def config(self) -> Config:
        return Config.at(self.layout.directory)

    @property
    def bridge(self) -> Bridge:
        """WHM's bridge before it."""
        return Bridge(self.layout, is_whm=True)

    def get(self, query: str, user: str = "root") -> str:
        """The body of an answer, asked as the bridge asks; each user has a rate of its own."""
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(60)
            connection.connect(str(self.config.admin_socket))
            query = quote(query, safe="=&/?%")
            lines = (
                f"GET /?{query} HTTP/1.0",
                "Host: server.example",
                f"X-Origin-Pulls-User: {user}",
                "X-Origin-Pulls-Acl: all",
            )
            connection.sendall("".join(f"{line}\r\n" for line in (*lines, "")).encode())
            raw = b""
            while part := connection.recv(65536):
                raw += part
        head, _, body = raw.partition(b"\r\n\r\n")
        assert b" 200 " in head.partition(b"\r\n")[0], head
        return body.decode()

    def seconds(self) -> float:
        """Processor time that the service has used so far, of all its processes."""
        first = services.pid(self.layout, "web-admin")
        assert first
        children = Path(f"/proc/{first}/task/{first}/children").read_text().split()
        return sum(map(_seconds, [first, *map(int, children)]))


def _seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


@contextmanager
def alone() -> Iterator[Alone]:
    """The panel's files and the plugin's, and the service that runs on them."""
    with tempfile.TemporaryDirectory(prefix="origin-pulls-alone-") as name:
        Path(name).chmod(0o711)
        with panel(Path(name)) as layout:
            one = Alone(layout)
            passwd = layout.at("/etc/passwd")
            line = f"{one.config.web_user}:x:{WEB_UID}:{WEB_UID}::/:/sbin/nologin\n"
            files.lay(passwd, line)
            files.folder(one.config.store.parent, mode=0o711)
            kept = open_store(one.config.store, group=WEB_UID)
            services.start(layout, ["web-admin"])
            try:
                yield one
            finally:
                services.stop(layout, ["web-admin"])
                kept.close()
