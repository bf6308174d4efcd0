"""``bin/uapi --output=json --user=USER MODULE FUNCTION``: an account's own view.

Envelopes and fields: facts/cpanel.md §6.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from origin_pulls.errors import Refused
from origin_pulls.sandbox import server_settings, service_names, switches, userdata
from origin_pulls.sandbox.layout import Layout
from origin_pulls.sandbox.programs import answers
from origin_pulls.sandbox.userdata import Owned


def main(layout: Layout, words: Sequence[str]) -> int:
    """Answer one call; what fails says ``status`` 0 and why."""
    question = answers.parse(words)
    module, function, *_ = (*question.words, "", "")
    result: dict[str, Any] = {
        "status": 1,
        "errors": None,
        "messages": None,
        "warnings": None,
        "metadata": {},
        "data": None,
    }
    try:
        result["data"] = _called(layout, module, function, question.options.get("user", ""))
    except Refused as error:
        result |= {"status": 0, "errors": [error.message]}
    answer = {"apiversion": 3, "module": module, "func": function, "result": result}
    answers.write(answer, question, switches.read(layout))
    return 0


def _called(layout: Layout, module: str, function: str, user: str) -> Any:
    call = CALLS.get((module, function))
    if call is None:
        raise Refused(f"Failed to load module “{module}” or its function “{function}”.")
    if user not in userdata.users(layout):
        raise Refused(f"The user “{user}” does not exist.")
    return call(layout, userdata.read(layout, user))


def list_domains(_layout: Layout, owned: Owned) -> dict[str, Any]:
    """The account's domains by kind."""
    return {
        "main_domain": owned.main_domain,
        "addon_domains": list(owned.addons),
        "sub_domains": list(owned.subdomains),
        "parked_domains": list(owned.parked),
    }


def domains_data(_layout: Layout, owned: Owned) -> dict[str, Any]:
    """The account's vhosts by kind; an addon's entry carries its subdomain's ServerName."""
    return {
        "main_domain": _vhost(owned, owned.main_domain, owned.main_domain, "main_domain"),
        "addon_domains": [
            _vhost(owned, addon, name, "addon_domain") for addon, name in owned.addons.items()
        ],
        "sub_domains": [
            _vhost(owned, name, name, "sub_domain")
            for name in owned.subdomains
            if name not in owned.addons.values()
        ],
        "parked_domains": list(owned.parked),
    }


def _vhost(owned: Owned, domain: str, host: str, kind: str) -> dict[str, Any]:
    record = owned.vhosts[userdata.server_name(host)]
    keys = ("documentroot", "homedir", "ip", "serveralias", "serveradmin", "servername", "user")
    return {"domain": domain, "type": kind, **{key: record[key] for key in keys}}


def list_vhost_domains(layout: Layout, owned: Owned) -> list[dict[str, Any]]:
    """Each domain with its vhost, whether that has SSL, and its service subdomains."""
    is_reseller = owned.user in server_settings.read(layout).resellers
    own = {owned.main_domain: owned.main_domain, **{name: name for name in owned.subdomains}}
    hosts = {**own, **owned.addons, **dict.fromkeys(owned.parked, owned.main_domain)}
    found = []
    for domain, host in hosts.items():
        name = userdata.server_name(host)
        zones = [zone for zone in owned.zones(name) if zone == domain]
        found.append(
            {
                "domain": domain,
                "vhost_name": name,
                "vhost_is_ssl": int(name in owned.ssl_vhosts),
                "proxy_subdomains": service_names.names(zones, for_reseller=is_reseller),
            }
        )
    return found


CALLS: Mapping[tuple[str, str], Callable[[Layout, Owned], Any]] = {
    ("DomainInfo", "list_domains"): list_domains,
    ("DomainInfo", "domains_data"): domains_data,
    ("WebVhosts", "list_domains"): list_vhost_domains,
}
