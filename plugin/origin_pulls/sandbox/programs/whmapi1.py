"""``bin/whmapi1 --output=json FUNCTION key=value…``: the calls that the plugin may make.

Envelopes and fields: facts/cpanel.md §6.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from origin_pulls.errors import Refused
from origin_pulls.sandbox import domain_lists, server_settings, switches
from origin_pulls.sandbox.layout import Layout
from origin_pulls.sandbox.programs import (
    account_calls,
    answers,
    panel_calls,
    restartsrv_httpd,
    ssl_vhosts,
)
from origin_pulls.sandbox.switches import Switches

Answer = dict[str, Any]


def main(layout: Layout, words: Sequence[str]) -> int:
    """Answer one call; a call that fails says so in its metadata and exits 0, as cPanel does."""
    question = answers.parse(words)
    positions = switches.read(layout)
    name = question.words[0] if question.words else ""
    call = CALLS.get(name, unknown)
    metadata: Answer = {"version": 1, "command": name, "result": 1, "reason": "OK"}
    answer: Answer = {"metadata": metadata}
    try:
        answer["data"] = call(layout, question.arguments, positions)
    except Refused as error:
        metadata |= {"result": 0, "reason": error.message}
    if raw := answer.get("data", {}).pop("raw", None):
        metadata["output"] = {"raw": raw}
    answers.write(answer, question, positions)
    return 0


def unknown(_layout: Layout, _given: Mapping[str, str], _positions: Switches) -> Answer:
    """What every name that means nothing gets."""
    raise Refused("Unknown app requested for this version (1) of the API.")


def get_domain_info(layout: Layout, _given: Mapping[str, str], positions: Switches) -> Answer:
    """All domains with their kinds, parents and addresses."""
    rows = domain_lists.read(layout).items()
    return {"domains": [_domain(name, row, positions.absent) for name, row in rows]}


def _domain(name: str, row: Sequence[str], absent: str) -> Answer:
    address, _, port = row[5].rpartition(":")
    ssl_address, _, ssl_port = row[6].rpartition(":")
    found: Answer = {
        "domain": name,
        "user": row[0],
        "user_owner": row[1],
        "domain_type": row[2],
        "parent_domain": row[3],
        "docroot": row[4],
        "ipv4": address,
        "port": port,
        "ipv4_ssl": ssl_address,
        "port_ssl": ssl_port,
        "ipv6": None,
        "ipv6_is_dedicated": 0,
        "modsecurity_enabled": 1,
        "php_version": row[9],
    }
    if ssl_address or absent == "empty":
        return found
    if absent == "null":
        return found | {"ipv4_ssl": None, "port_ssl": None}
    return {key: value for key, value in found.items() if not key.endswith("_ssl")}


def listaccts(layout: Layout, given: Mapping[str, str], positions: Switches) -> Answer:
    """The accounts; ``search`` with ``searchtype=user`` or ``domain`` narrows the list."""
    kind, wanted = given.get("searchtype", "user"), given.get("search")
    found = []
    for user, account in domain_lists.accounts(layout).items():
        entry = _account(layout, user, account, positions)
        if wanted is None or entry.get(kind) == wanted:
            found.append(entry)
    return {"acct": found}


def _account(
    layout: Layout, user: str, account: Mapping[str, object], positions: Switches
) -> Answer:
    file = server_settings.pairs(layout.users / user, "=")
    is_suspended = bool(account["suspended"])
    marker = layout.at(f"/var/cpanel/suspended/{user}")
    return {
        "user": user,
        "domain": account["domain"],
        "owner": account["owner"],
        "plan": file.get("PLAN", "default"),
        "theme": file.get("RS", ""),
        "ip": account["address"],
        "ipv6": [],
        "email": file.get("CONTACTEMAIL", ""),
        "uid": account["uid"],
        "suspended": int(is_suspended),
        "suspendreason": positions.suspend_reason if is_suspended else "not suspended",
        "suspendtime": int(marker.stat().st_mtime) if is_suspended else None,
        "is_locked": 0,
        "partition": "home",
        "unix_startdate": int(file.get("STARTDATE", "0")),
        "child_nodes": [],
    }


def fetch_ssl_vhosts(layout: Layout, _given: Mapping[str, str], _positions: Switches) -> Answer:
    """The SSL vhosts in the order of httpd.conf, with what their certificates say."""
    return {"vhosts": ssl_vhosts.listed(layout)}


def restartservice(layout: Layout, given: Mapping[str, str], positions: Switches) -> Answer:
    """Restart Apache; ``result`` is 1 even when it failed, the truth is in the raw output."""
    if given.get("service") != "httpd":
        raise Refused(f"Invalid service: {given.get('service', '')}")
    problem = (
        "An update of Apache is in progress"
        if layout.update_marker.exists()
        else restartsrv_httpd.restart(layout)
    )
    raw = f"httpd has failed: {problem}" if problem else "httpd restarted successfully."
    key = "output" if positions.raw_output == "data.output" else "raw"
    return {"service": "httpd", key: raw}


def version(layout: Layout, _given: Mapping[str, str], _positions: Switches) -> Answer:
    """cPanel's version."""
    return {"version": layout.at("/usr/local/cpanel/version").read_text().strip()}


CALLS: Mapping[str, Callable[[Layout, Mapping[str, str], Switches], Answer]] = {
    "get_domain_info": get_domain_info,
    "listaccts": listaccts,
    "fetch_ssl_vhosts": fetch_ssl_vhosts,
    "restartservice": restartservice,
    "version": version,
    **account_calls.CALLS,
    **panel_calls.CALLS,
}
