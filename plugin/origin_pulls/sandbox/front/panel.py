"""What a panel answers: sign-in, tokens, static files, applications, account pages."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import parse_qs

from origin_pulls.sandbox import switches
from origin_pulls.sandbox.front import applications, features, pages, running
from origin_pulls.sandbox.front.liveapi import LiveApi
from origin_pulls.sandbox.front.people import Person
from origin_pulls.sandbox.front.requests import HTML, Asked, Reply, reply
from origin_pulls.sandbox.front.running import Answer, NoAnswer
from origin_pulls.sandbox.front.sessions import Door
from origin_pulls.sandbox.layout import Layout
from origin_pulls.sandbox.switches import Switches

STATIC = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".gif": "image/gif",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
}
SCRIPTS = (".cgi", ".pl", ".php", ".live.php")
EVERYDAY = ("host", "user-agent", "accept", "accept-language", "referer", "cookie")
FORM = 65536
WHM_ROOT = "/usr/local/cpanel/whostmgr/docroot"
CPANEL_ROOT = "/usr/local/cpanel/base"
PHP = "/usr/local/cpanel/3rdparty/bin/php-cgi"


class Panel:
    """WHM or cPanel at one port."""

    def __init__(self, layout: Layout, *, is_whm: bool, has_namespace: bool) -> None:
        self.layout = layout
        self.is_whm = is_whm
        self.has_namespace = has_namespace
        self.name = "WHM" if is_whm else "cPanel"
        self.door = Door(layout, is_whm=is_whm)
        self.root = layout.at(WHM_ROOT if is_whm else CPANEL_ROOT)

    def answer(self, asked: Asked, ending: ExitStack) -> Reply:
        """The answer to a request; what has to end after it is given to ``ending``."""
        positions = switches.read(self.layout)
        if asked.path == "/favicon.ico":
            return reply(204, b"")
        if asked.path in ("/", "/login/", "/login") and not asked.token:
            return self._login(asked)
        cookie = asked.cookie(self.door.cookie_name)
        person = self.door.person(cookie, asked.token) if asked.token else None
        is_static = Path(asked.path).suffix in STATIC
        if is_static and (person or not positions.front_static_token):
            return self._static(asked)
        if person is None:
            return self._refuse(401, "Sign in first: the session or its token is not valid.")
        if asked.path == "/logout/":
            self.door.sign_out(cookie)
            return reply(200, pages.sign_in(self.name, self.door.hostname, "You are signed out."))
        if asked.path == "/" or asked.path.startswith("/scripts/"):
            entries = self._entries(person)
            return reply(200, pages.home(self.name, person.name, asked.token, entries))
        return self._page(asked, person, positions, ending)

    def _login(self, asked: Asked) -> Reply:
        if asked.method != "POST":
            return reply(200, pages.sign_in(self.name, self.door.hostname))
        form = parse_qs(asked.body.read(FORM).decode("latin-1"))
        user, password = (form.get(name, [""])[0] for name in ("user", "pass"))
        session = self.door.sign_in(user, password)
        wants_json = "login_only=1" in asked.query.split("&") or form.get("login_only") == ["1"]
        if session is None:
            if wants_json:
                return _json(401, {"status": 0, "message": "invalid_login"})
            page = pages.sign_in(self.name, self.door.hostname, "The login is invalid.")
            return reply(401, page)
        name, token = self.door.cookie_name, session.token
        cookie = ("Set-Cookie", f"{name}={session.cookie}; HttpOnly; Path=/; Secure")
        if wants_json:
            said = {"status": 1, "redirect": f"{token}/", "security_token": token}
            return _json(200, said, cookie)
        return reply(303, b"", cookie, ("Location", f"{token}/"))

    def _static(self, asked: Asked) -> Reply:
        path = self.root / asked.path.lstrip("/")
        try:
            found = path.lstat()
        except (FileNotFoundError, NotADirectoryError):
            return self._refuse(404, "There is no such file.")
        if not stat.S_ISREG(found.st_mode) or found.st_uid != 0 or found.st_mode & 0o111:
            return self._refuse(403, "That is no file to be sent.")
        kind = ("Content-Type", STATIC[path.suffix])
        return reply(200, path.read_bytes(), kind, ("Cache-Control", "max-age=5184000, public"))

    def _entries(self, person: Person) -> list[tuple[str, str]]:
        if self.is_whm:
            apps = [app for app in applications.registered(self.layout) if app.entry]
            return [(app.title, f"/cgi/{app.entry}") for app in apps if person.may(app.acls)]
        tiles = features.tiles(self.layout, person.theme)
        return [
            (tile.title, f"/frontend/{person.theme}/{tile.uri}")
            for tile in tiles
            if features.has(self.layout, person.name, tile.feature)
        ]

    def _page(self, asked: Asked, person: Person, positions: Switches, ending: ExitStack) -> Reply:
        script = self._script(asked.path)
        if isinstance(script, Reply):
            return script
        if self.is_whm:
            app = applications.covering(self.layout, "/" + str(script.relative_to(self.root)))
            if app is None:
                return self._refuse(403, "This application is not registered with AppConfig.")
            if not person.may(app.acls):
                return self._refuse(403, "You do not have the privileges for this.")
        elif not asked.path.startswith(f"/frontend/{person.theme}/"):
            return self._refuse(403, "That is not a page of your theme.")
        found = script.stat()
        if found.st_uid != 0 or (self.is_whm and not found.st_mode & 0o100):
            return self._refuse(403, "The script is not root's, or not executable.")
        return self._run(asked, person, script, positions, ending)

    def _script(self, path: str) -> Path | Reply:
        """The script at this path; nothing is routed after the name of one."""
        script = self.root / path.lstrip("/")
        if script.is_file() and path.endswith(SCRIPTS) and not path.endswith("/"):
            if not script.is_symlink() and (self.is_whm or path.endswith(".live.php")):
                return script
            return self._refuse(403, "That is no page.")
        if self.is_whm and path.endswith(SCRIPTS) and not applications.covering(self.layout, path):
            return self._refuse(403, "This application is not registered with AppConfig.")
        return self._refuse(404, "There is no such page.")

    def _run(
        self,
        asked: Asked,
        person: Person,
        script: Path,
        positions: Switches,
        ending: ExitStack,
    ) -> Reply:
        place = running.runnable(self.layout, script, has_namespace=self.has_namespace)
        environment = self._environment(asked, person, place, positions)
        words, live = [str(place)], None
        if not self.is_whm:
            words.insert(0, str(self.layout.at(PHP)))
            if positions.front_liveapi:
                live = ending.enter_context(LiveApi(self.layout, person))
                environment["CPANEL_PHPCONNECT_SOCKET"] = str(live.path)
                environment["CPANEL_CONNECT_SOCKET"] = str(live.path)
        errors = self.layout.at("/usr/local/cpanel/logs/error_log")
        try:
            answer = ending.enter_context(
                running.run(words, environment, asked.body, person, errors)
            )
        except NoAnswer as reason:
            return self._refuse(500, f"The page did not answer: {reason}")
        return _relayed(answer, live, positions, asked.method)

    def _environment(
        self, asked: Asked, person: Person, place: Path, positions: Switches
    ) -> dict[str, str]:
        """The documented environment; of the browser's headers those that arrive."""
        found = {
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "HOME": person.home,
            "USER": person.name,
            "REMOTE_USER": person.name,
            "REMOTE_ADDR": asked.address,
            "REQUEST_METHOD": asked.method,
            "QUERY_STRING": asked.query,
            "SCRIPT_NAME": asked.path,
            "SCRIPT_FILENAME": str(place),
            "SERVER_PORT": str(asked.port),
            "SERVER_SOFTWARE": "cpsrvd",
            "GATEWAY_INTERFACE": "CGI/1.1",
            "HTTPS": "on",
            "REDIRECT_STATUS": "200",
            "cp_security_token": asked.token,
            "SANDBOX_FRAME": positions.front_frame,
        }
        if asked.method == "POST":
            found["CONTENT_LENGTH"] = str(asked.length)
            found["CONTENT_TYPE"] = asked.headers.get("Content-Type", "")
        for name, value in asked.headers.items():
            is_kept = positions.front_headers == "kept" or name.lower() in EVERYDAY
            if name.lower() in ("authorization", "content-type", "content-length"):
                is_kept = False
            if name.lower() == "cookie" and not self.is_whm:
                is_kept = False  # no cookie reaches an account's page
            if is_kept:
                found["HTTP_" + name.upper().replace("-", "_")] = value
        return found

    def _refuse(self, status: int, reason: str) -> Reply:
        return reply(status, pages.refusal(status, reason))


def _relayed(answer: Answer, live: LiveApi | None, positions: Switches, method: str) -> Reply:
    status, headers = answer.status, list(answer.headers)
    if positions.front_redirects == "lost" and 300 <= status < 400:
        status = 200
        headers = [pair for pair in headers if pair[0].lower() != "location"]
    if positions.front_content_type == "lost":
        headers = [pair for pair in headers if pair[0].lower() != "content-type"]
        headers += [HTML, ("X-Content-Type-Options", "nosniff")]
    if positions.front_error_bodies == "replaced" and status >= 400:
        return reply(status, pages.refusal(status, "The page reported an error."))
    body = answer.body
    if live is not None and method != "HEAD":
        is_text = any("text/html" in value for _, value in headers)
        body = _with_complaint(body, live) if is_text else body
        if is_text and not live.was_closed:
            headers = [pair for pair in headers if pair[0].lower() != "content-length"]
    return Reply(status, headers, body)


def _with_complaint(body: Iterator[bytes], live: LiveApi) -> Iterator[bytes]:
    yield from body
    yield live.finish()


def _json(status: int, said: Mapping[str, object], *headers: tuple[str, str]) -> Reply:
    kind = ("Content-Type", "text/plain; charset=utf-8")
    return reply(status, json.dumps(said).encode(), kind, *headers)
