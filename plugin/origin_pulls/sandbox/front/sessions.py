"""Who is signed in: a cookie, and the token that each URL of theirs carries."""

from __future__ import annotations

import hmac
import re
import secrets
import threading
from dataclasses import dataclass

from origin_pulls.sandbox import server_settings
from origin_pulls.sandbox.front import passwords, people
from origin_pulls.sandbox.front.people import Person
from origin_pulls.sandbox.layout import Layout

TOKEN = re.compile(r"(/cpsess[0-9]{10})(/.*)?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Session:
    """One signed-in browser."""

    user: str
    cookie: str
    token: str


class Door:
    """One of the two doors (WHM, cPanel): signs people in and knows them again."""

    def __init__(self, layout: Layout, *, is_whm: bool) -> None:
        self.layout = layout
        self.is_whm = is_whm
        self.cookie_name = "whostmgrsession" if is_whm else "cpsession"
        self._sessions: dict[str, Session] = {}
        self._lock = threading.Lock()

    def sign_in(self, user: str, password: str) -> Session | None:
        """A new session, ``None`` for a wrong password and for who may not come in here."""
        if not passwords.is_right(self.layout, user, password):
            return None
        if people.find(self.layout, user, in_whm=self.is_whm) is None:
            return None
        token = f"/cpsess{secrets.randbelow(10**10):010}"
        session = Session(user, f"{user}%3a{secrets.token_urlsafe(24)}", token)
        with self._lock:
            self._sessions[session.cookie] = session
        return session

    def sign_out(self, cookie: str) -> None:
        """Forget a session."""
        with self._lock:
            self._sessions.pop(cookie, None)

    def person(self, cookie: str, token: str) -> Person | None:
        """Who shows this cookie with the token of the same session, as things stand now."""
        session = self._sessions.get(cookie)
        if session is None or not hmac.compare_digest(session.token, token):
            return None
        return people.find(self.layout, session.user, in_whm=self.is_whm)

    def known_token(self, cookie: str) -> str:
        """The token of a cookie's session, empty where there is none."""
        session = self._sessions.get(cookie)
        return session.token if session else ""

    @property
    def hostname(self) -> str:
        """The server's name, for the sign-in page."""
        return server_settings.read(self.layout).hostname
