"""Who may sign in where, with which rights, and as which user of the system a page runs."""

from __future__ import annotations

from dataclasses import dataclass

from origin_pulls.sandbox import server_settings
from origin_pulls.sandbox.layout import Layout


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who is signed in: a name, the numbers of the system, the privileges in WHM."""

    name: str
    uid: int
    gid: int
    home: str
    theme: str
    privileges: frozenset[str]

    def may(self, acls: frozenset[str]) -> bool:
        """Whether one of an application's ``acls`` is held; ``any`` is everybody's in WHM."""
        return "all" in self.privileges or "any" in acls or bool(acls & self.privileges)


def find(layout: Layout, name: str, *, in_whm: bool) -> Person | None:
    """The person, ``None`` where that name may not sign in there now."""
    privileges = _privileges(layout, name)
    if name == "root":
        return Person("root", 0, 0, "/root", "", privileges) if in_whm else None
    account = layout.users / name
    if not name.isalnum() or not account.is_file():
        return None
    said = server_settings.pairs(account, "=")
    if said.get("SUSPENDED") == "1" or (in_whm and not privileges):
        return None
    for line in server_settings.lines(layout.at("/etc/passwd")):
        user, _, uid, gid, _, home, _ = line.split(":")
        if user == name:
            theme = said.get("RS", "jupiter")
            return Person(name, int(uid), int(gid), home, theme, privileges)
    return None


def _privileges(layout: Layout, name: str) -> frozenset[str]:
    if name == "root":
        return frozenset(("all",))
    said = server_settings.pairs(layout.at("/var/cpanel/resellers"), ":")
    return frozenset(filter(None, said.get(name, "").split(",")))
