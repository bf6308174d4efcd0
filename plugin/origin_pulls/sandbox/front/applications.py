"""What AppConfig lets cpsrvd run in WHM: registered addresses, and who may open them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from origin_pulls.sandbox import server_settings
from origin_pulls.sandbox.layout import Layout


@dataclass(frozen=True, slots=True)
class Application:
    """One registration of ``/var/cpanel/apps``."""

    name: str
    title: str
    urls: tuple[str, ...]
    acls: frozenset[str]
    user: str
    entry: str

    def covers(self, path: str) -> bool:
        """Whether this path is one of its files, or lies below one of its folders."""
        return any(path == url or (url.endswith("/") and path.startswith(url)) for url in self.urls)


def registered(layout: Layout) -> Iterator[Application]:
    """Every registration that names an address in WHM and somebody who may open it."""
    for path in sorted(layout.at("/var/cpanel/apps").glob("*.conf")):
        said = server_settings.pairs(path, "=")
        acls = frozenset(filter(None, (acl.strip() for acl in said.get("acls", "").split(","))))
        urls = tuple(value for key, value in said.items() if key.rstrip("0123456789") == "url")
        if "whostmgr" not in said.get("service", "").split("|") or not acls:
            continue
        name = said.get("name", path.stem)
        title = said.get("displayname", name)
        user = said.get("user", "root")
        yield Application(name, title, urls, acls, user, said.get("entryurl", ""))


def covering(layout: Layout, path: str) -> Application | None:
    """The application that a path belongs to."""
    return next((one for one in registered(layout) if one.covers(path)), None)
