"""cPanel's lists and caches of domains, made from userdata: all of them can be made again."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

from origin_pulls.sandbox import files, server_settings, switches, userdata
from origin_pulls.sandbox.layout import Layout
from origin_pulls.sandbox.userdata import Owned

Rows = Mapping[str, Sequence[str]]


def refresh(layout: Layout, only: Iterable[str] | None = None) -> None:
    """Make the lists anew; with ``only`` the rows of other accounts stay as they were."""
    if only is None:
        accounts = userdata.read_all(layout)
        rows: dict[str, Sequence[str]] = {}
    else:
        chosen = set(only)
        accounts = [userdata.read(layout, user) for user in chosen]
        rows = {name: row for name, row in read(layout).items() if row[0] not in chosen}
    for owned in accounts:
        own = domain_rows(layout, owned)
        rows |= own
        path = layout.userdata / owned.user / "cache.json"
        # Group: the account's own number, as on the folder it lies in.
        owner = (0, path.parent.stat().st_gid)
        write = files.replace if path.exists() else files.lay
        write(path, json.dumps(own), mode=0o640, owner=owner)
    _write(layout, rows)


def read(layout: Layout) -> Rows:
    """The rows of ``/etc/userdatadomains.json``: ten fields for each domain."""
    try:
        found: Rows = json.loads(layout.at("/etc/userdatadomains.json").read_text())
    except FileNotFoundError:
        return {}
    return found


def domain_rows(layout: Layout, owned: Owned) -> dict[str, Sequence[str]]:
    """An account's domains with their ten fields (facts/cpanel.md §4)."""
    kinds = [(owned.main_domain, "main", owned.main_domain, owned.main_domain)]
    kinds += [(name, "sub", owned.main_domain, name) for name in owned.subdomains]
    kinds += [(addon, "addon", name, name) for addon, name in owned.addons.items()]
    kinds += [(name, "parked", owned.main_domain, owned.main_domain) for name in owned.parked]
    rows: dict[str, Sequence[str]] = {}
    for domain, kind, parent, host in sorted(kinds):
        name = userdata.server_name(host)
        if record := owned.vhosts.get(name):
            rows[domain] = [
                owned.user,
                record["owner"],
                kind,
                parent,
                record["documentroot"],
                f"{record['ip']}:{record['port']}",
                _ssl_address(layout, owned, name),
                "",
                "0",
                record["phpversion"],
            ]
    return rows


def _ssl_address(layout: Layout, owned: Owned, name: str) -> str:
    record = owned.ssl_vhosts.get(name)
    combined = layout.certificate(name)
    if record is None or not combined.is_file() or not combined.stat().st_size:
        return ""
    return f"{record['ip']}:{record['port']}"


def _write(layout: Layout, rows: Rows) -> None:
    names = sorted(rows)
    main = {name: rows[name] for name in names if rows[name][2] == "main"}
    heading = ["# made by the sandbox"] if switches.read(layout).list_header else []
    lists = {
        "userdatadomains": [f"{name}: {'=='.join(rows[name])}" for name in names],
        "userdomains": ["*: nobody", *(f"{name}: {rows[name][0]}" for name in names)],
        "trueuserdomains": [f"{name}: {row[0]}" for name, row in main.items()],
        "trueuserowners": [f"{row[0]}: {row[1]}" for row in main.values()],
    }
    for name, lines in lists.items():
        text = "\n".join([*heading, *lines, ""])
        files.replace(layout.at(f"/etc/{name}"), text, mode=0o640)
    ordered = {name: rows[name] for name in names}
    files.replace(layout.at("/etc/userdatadomains.json"), json.dumps(ordered), mode=0o640)


def accounts(layout: Layout) -> dict[str, dict[str, object]]:
    """The accounts by name, as the files say: domain, owner, uid, suspended, domains, address."""
    numbers = {
        cells[0]: int(cells[2])
        for line in server_settings.lines(layout.at("/etc/passwd"))
        if (cells := line.split(":"))
    }
    domains: dict[str, list[str]] = {}
    found: dict[str, dict[str, object]] = {}
    for name, row in read(layout).items():
        user = row[0]
        domains.setdefault(user, []).append(name)
        if row[2] == "main":
            found[user] = {
                "domain": name,
                "owner": row[1],
                "uid": numbers.get(user, 0),
                "suspended": layout.at(f"/var/cpanel/suspended/{user}").exists(),
                "address": row[5].rpartition(":")[0],
            }
    return {user: {**account, "domains": domains[user]} for user, account in found.items()}
