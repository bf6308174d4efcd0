"""A visitor of the pages without a browser: requests over the real sockets, under real uids."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

# The system's own: a Python below /root is no other uid's to run.
PYTHON = "/usr/bin/python3"
ASKING = Path(__file__).with_name("asking.py").read_text()
TOKEN = re.compile(r'name="token" value="([^"]+)"')


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back over the socket."""

    status: int
    headers: Mapping[str, str]
    text: str

    @property
    def is_framed(self) -> bool:
        return "x-origin-pulls-frame" in self.headers

    @property
    def token(self) -> str:
        found = TOKEN.search(self.text)
        assert found, self.text
        return found[1]


@dataclass(frozen=True, slots=True)
class Visitor:
    """Somebody at one socket: a uid, and the headers that come with each request."""

    socket: Path
    uid: int
    headers: Mapping[str, str] = field(default_factory=dict)

    def get(self, query: str = "r=/", **headers: str) -> Answer:
        return self.send("GET", query, b"", headers)

    def post(
        self, query: str, values: Mapping[str, object], *, token: str | None = None, **headers: str
    ) -> Answer:
        """A form of ours, with the token of the first page unless another is given."""
        given = {"token": self.get("r=/").token if token is None else token, **values}
        body = urlencode(given, doseq=True).encode()
        headers = {"Content-Type": "application/x-www-form-urlencoded", **headers}
        return self.send("POST", query, body, headers)

    def send(self, method: str, query: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        lines = {"Host": "server.example", **self.headers, **headers}
        if method == "POST":
            lines.setdefault("Content-Length", str(len(body)))
        text = f"{method} /?{query} HTTP/1.0\r\n"
        text += "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in lines.items())
        ran = subprocess.run(
            [PYTHON, "-I", "-c", ASKING, str(self.socket)],
            input=text.encode() + b"\r\n" + body,
            capture_output=True,
            user=self.uid,
            group=self.uid,
            extra_groups=[],
            timeout=180,
            check=False,
        )
        if ran.returncode == 7:
            raise PermissionError(self.socket)
        assert ran.returncode == 0, ran.stderr.decode()
        return read_answer(ran.stdout)


def read_answer(raw: bytes) -> Answer:
    head, _, body = raw.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    pairs = (line.partition(": ") for line in lines)
    headers = {name.lower(): value for name, _, value in pairs}
    return Answer(int(first.split()[1]), headers, body.decode("utf-8", "replace"))
