"""Registered applications: AppConfig's rules, files in ``/var/cpanel/apps``, what a list shows.

The rules are those of facts/cpanel.md §8, the silent ones included: an ACL that does not exist is
dropped without a word, and what has no ``entryurl`` is in no menu.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from origin_pulls.errors import Refused
from origin_pulls.sandbox import files, server_settings
from origin_pulls.sandbox.layout import Layout

NAME = re.compile(r"[A-Za-z0-9_-]+")
SERVICES = ("whostmgr", "cpanel", "webmail")
ACLS = frozenset(
    (
        *("all", "any", "acct-summary", "create-acct", "edit-account", "kill-acct", "list-accts"),
        *("rearrange-accts", "ssl", "ssl-gencrt", "ssl-info", "status", "suspend-acct"),
    )
)


def register(layout: Layout, text: str) -> str:
    """Check and keep a configuration; gives its name. ``Refused`` says what is wrong."""
    given = {
        name.strip(): value.strip()
        for line in text.splitlines()
        if line.strip() and not line.startswith("#")
        for name, _, value in [line.partition("=")]
    }
    name = given.get("name", "")
    if not NAME.fullmatch(name) or name.startswith("internal"):
        raise Refused(f"“{name}” is not a valid name for an application.")
    services = given.get("service", "").split("|")
    if not set(services) <= set(SERVICES):
        raise Refused(f"“{given.get('service', '')}” is not a valid service.")
    urls = [value for key, value in given.items() if re.fullmatch(r"url\d*", key)]
    if not urls:
        raise Refused("The configuration names no url.")
    for url in urls:
        if not url.startswith("/") or url.rstrip("/") in ("", "/cgi") or ".." in url:
            raise Refused(f"“{url}” is not a valid url.")
        if services != ["whostmgr"] and not url.startswith("/3rdparty/"):
            raise Refused(f"“{url}” must be below /3rdparty/ for this service.")
    if "acls" in given:
        given["acls"] = ",".join(one for one in _listed(given["acls"]) if one in ACLS)
    folder = files.folder(layout.at("/var/cpanel/apps"))
    kept = "".join(f"{key}={value}\n" for key, value in given.items())
    files.replace(folder / f"{name}.conf", kept, mode=0o600)
    return name


def unregister(layout: Layout, name: str) -> bool:
    """Forget an application; whether there was one."""
    place = layout.at("/var/cpanel/apps") / f"{name}.conf"
    if not NAME.fullmatch(name) or not place.exists():
        return False
    place.unlink()
    return True


def registered(layout: Layout) -> list[Mapping[str, str]]:
    """All registered applications as their files say."""
    folder = layout.at("/var/cpanel/apps")
    places = sorted(folder.glob("*.conf")) if folder.is_dir() else []
    return [server_settings.pairs(place, "=") for place in places]


def listed(layout: Layout) -> dict[str, list[dict[str, object]]]:
    """The applications by service, as ``get_appconfig_application_list`` shows them."""
    found: dict[str, list[dict[str, object]]] = {service: [] for service in SERVICES}
    for given in registered(layout):
        urls = [value for key, value in given.items() if re.fullmatch(r"url\d*", key)]
        shown: dict[str, object] = {
            **{key: given.get(key, "") for key in ("name", "displayname", "entryurl", "icon")},
            "acls": _listed(given.get("acls", "")),
            "features": _listed(given.get("features", "")),
            "user": given.get("user", "root"),
            "url": urls,
        }
        for service in given["service"].split("|"):
            found[service].append(shown)
    return found


def _listed(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]
