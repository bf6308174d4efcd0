"""A browser without a window: signs in, keeps its cookie, asks for pages."""

from __future__ import annotations

import http.client
import json
import ssl
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

from origin_pulls.sandbox import Sandbox

WHM_PAGE = "/cgi/addons/originpulls/index.cgi"
CPANEL_PAGE = "/frontend/jupiter/originpulls/index.live.php"
PATIENCE = 60


@dataclass(frozen=True)
class Shown:
    """What a panel answered."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()

    def value(self, name: str) -> str | None:
        """The first value of a header."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)


class Browser:
    """One visitor of one panel."""

    def __init__(self, sandbox: Sandbox, *, whm: bool) -> None:
        self.sandbox = sandbox
        url = str(sandbox.summary()["whm_url" if whm else "cpanel_url"])
        self.host = urlsplit(url).netloc
        self.page = WHM_PAGE if whm else CPANEL_PAGE
        self.tls = ssl.create_default_context(cafile=str(sandbox.server_ca))
        self.token = ""
        self.cookie = ""

    def sign_in(self, user: str, password: str | None = None) -> Browser:
        """Sign in and keep cookie and token; nothing is kept where that is refused."""
        shown = self.post_login(user, password)
        said = json.loads(shown.body)
        self.token = said.get("security_token", "")
        self.cookie = (shown.value("Set-Cookie") or "").partition(";")[0]
        return self

    def post_login(self, user: str, password: str | None = None) -> Shown:
        """What the sign-in answers to a program."""
        form = {"user": user, "pass": password or self.sandbox.passwords.get(user, "none")}
        return self.ask("POST", "/login/?login_only=1", urlencode(form).encode())

    def open(self, query: str = "r=/", method: str = "GET", body: bytes | None = None) -> Shown:
        """The plugin's page."""
        return self.ask(method, f"{self.token}{self.page}?{query}", body)

    def get(self, path: str, **headers: str) -> Shown:
        """A path below the token."""
        return self.ask("GET", self.token + path, None, **headers)

    def ask(self, method: str, target: str, body: bytes | None = None, **headers: str) -> Shown:
        """One request as it is given, with the cookie where there is one."""
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.cookie:
            sent.setdefault("Cookie", self.cookie)
        if body is not None:
            sent.setdefault("Content-Type", "application/x-www-form-urlencoded")
        connection = http.client.HTTPSConnection(self.host, context=self.tls, timeout=PATIENCE)
        try:
            connection.request(method, target, body, sent)
            answer = connection.getresponse()
            return Shown(answer.status, answer.getheaders(), answer.read())
        finally:
            connection.close()
