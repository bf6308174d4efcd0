"""The WHM API 1 calls that change accounts: files and lists, httpd.conf, then the hooks.

As the panel does: each call ends with a rebuilt httpd.conf, a graceful restart and its events.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from signal import SIGUSR1
from typing import Any

from origin_pulls.errors import Refused
from origin_pulls.sandbox import accounts, apache, hooked, rebuild, reshaping, userdata
from origin_pulls.sandbox.fleet import Account
from origin_pulls.sandbox.layout import Layout
from origin_pulls.sandbox.switches import Switches

Answer = dict[str, Any]
Given = Mapping[str, str]


def createacct(layout: Layout, given: Given, _positions: Switches) -> Answer:
    """Make an account without a certificate; AutoSSL brings that later."""
    user, domain = _word(given, "username"), _word(given, "domain")
    data = {**given, "user": user, "homedir": str(layout.home(user))}
    hooked.fire(layout, "Whostmgr::Accounts::Create", data, stage="pre")
    owner = given.get("owner", "root")
    accounts.add(layout, Account(user=user, domain=domain, owner=owner, has_ssl=False))
    # The payload carries the password in clear, as the real one does.
    return _ended(layout, ("Whostmgr::Accounts::Create", data))


def removeacct(layout: Layout, given: Given, _positions: Switches) -> Answer:
    """Remove an account."""
    user = given.get("username") or _word(given, "user")
    reshaping.found(layout, user)
    data = {"user": user, "killdns": int(given.get("keepdns") != "1")}
    hooked.fire(layout, "Whostmgr::Accounts::Remove", data, stage="pre")
    accounts.remove(layout, user)
    return _ended(layout, ("Whostmgr::Accounts::Remove", data))


def modifyacct(layout: Layout, given: Given, _positions: Switches) -> Answer:
    """Give an account another name (``newuser``); what else could be modified is left alone."""
    user = _word(given, "user")
    reshaping.found(layout, user)
    data = {**given, "user": user}
    hooked.fire(layout, "Whostmgr::Accounts::Modify", data, stage="pre")
    new = given.get("newuser", user)
    if new != user:
        reshaping.rename(layout, user, new)
    return _ended(layout, ("Whostmgr::Accounts::Modify", data))


def suspendacct(layout: Layout, given: Given, _positions: Switches) -> Answer:
    """Suspend an account; the hook finds its name one level deeper."""
    user = _word(given, "user")
    reshaping.found(layout, user)
    accounts.suspend(layout, user)
    return _ended(layout, ("Whostmgr::Accounts::suspendacct", {"args": {"user": user}}))


def unsuspendacct(layout: Layout, given: Given, _positions: Switches) -> Answer:
    """Take a suspension back."""
    user = _word(given, "user")
    reshaping.found(layout, user)
    accounts.unsuspend(layout, user)
    return _ended(layout, ("Whostmgr::Accounts::unsuspendacct", {"args": {"user": user}}))


def create_subdomain(layout: Layout, given: Given, _positions: Switches) -> Answer:
    """Give the account of the parent domain a subdomain."""
    domain = _word(given, "domain")
    label, _, root = domain.partition(".")
    user = _owner(layout, root)
    reshaping.add_domain(layout, user, domain, kind="subdomain")
    data = {"user": user, "subdomain": label, "rootdomain": root}
    return _ended(layout, ("Whostmgr::Domain::addsubdomain", data))


def create_parked_domain_for_user(layout: Layout, given: Given, _positions: Switches) -> Answer:
    """Park a domain on an account's main domain, or (on another one) add it: an addon."""
    user, domain = _word(given, "username"), _word(given, "domain")
    account = reshaping.found(layout, user)
    target = given.get("web_vhost_domain") or account.domain
    events = []
    if target == account.domain:
        reshaping.add_domain(layout, user, domain, kind="parked")
    else:
        reshaping.add_domain(layout, user, domain, kind="addon")
        target = account.addon_subdomain(domain)
        label, _, root = target.partition(".")
        data = {"user": user, "subdomain": label, "rootdomain": root}
        events.append(("Whostmgr::Domain::addsubdomain", data))
    events.append(
        ("Whostmgr::Domain::park", {"target_domain": target, "new_domain": domain, "user": user})
    )
    return _ended(layout, *events)


def delete_domain(layout: Layout, given: Given, _positions: Switches) -> Answer:
    """Remove a subdomain, a parked or an addon domain."""
    domain = _word(given, "domain")
    user, kind = reshaping.remove_domain(layout, domain)
    label, _, root = domain.partition(".")
    if kind == "sub":
        data = {"user": user, "subdomain": label, "rootdomain": root}
        return _ended(layout, ("Whostmgr::Domain::delsubdomain", data))
    return _ended(layout, ("Whostmgr::Domain::unpark", {"domain": domain, "user": user}))


def installssl(layout: Layout, given: Given, _positions: Switches) -> Answer:
    """Give the vhost of a domain a certificate (the sandbox's own, whatever was sent)."""
    domain = _word(given, "domain")
    user = _owner(layout, domain)
    accounts.install_ssl(layout, user, _vhost(layout, user, domain))
    data = {"rawout": "", "status": 1, "user": user, "key": given.get("key", "")}
    return _ended(layout, ("Whostmgr::SSL::installssl", data))


def start_autossl_check_for_one_user(layout: Layout, given: Given, _positions: Switches) -> Answer:
    """Give each vhost of an account that has none a certificate."""
    user = _word(given, "username")
    reshaping.found(layout, user)
    owned = userdata.read(layout, user)
    new = [name for name in owned.vhosts if name not in owned.ssl_vhosts]
    for name in new:
        accounts.install_ssl(layout, user, name)
    data = {"user": user, "key": "-----BEGIN PRIVATE KEY-----"}
    return _ended(layout, *(("Whostmgr::AutoSSL::installssl", data) for _ in new))


def delete_ssl_vhost(layout: Layout, given: Given, _positions: Switches) -> Answer:
    """Take certificate and SSL vhost of a domain away."""
    domain = _word(given, "domain")
    user = _owner(layout, domain)
    accounts.remove_ssl(layout, user, _vhost(layout, user, domain))
    return _ended(layout, ("Whostmgr::SSL::delssl", {"host": domain}))


def _ended(layout: Layout, *events: tuple[str, Mapping[str, object]]) -> Answer:
    """Build httpd.conf, let Apache have it, tell the hooks."""
    with rebuild.locked(layout):
        built = rebuild.rebuild(layout)
    if not built.code:
        apache.signal_parent(layout, SIGUSR1)
    hooked.fire(layout, "scripts::build_apache_conf", {})
    problems = [problem for name, data in events for problem in hooked.fire(layout, name, data)]
    return {"raw": built.output, "hooks": problems} if built.code or problems else {}


def _word(given: Given, name: str) -> str:
    value = given.get(name, "")
    if not value:
        raise Refused(f"API failure: (XID) Provide the “{name}” argument.")
    return value


def _owner(layout: Layout, domain: str) -> str:
    for user in userdata.users(layout):
        account = reshaping.found(layout, user)
        if domain in (*account.vhost_domains, *account.parked, *account.addons):
            return user
    raise Refused(f"The domain “{domain}” does not exist in the userdata.")


def _vhost(layout: Layout, user: str, domain: str) -> str:
    account = reshaping.found(layout, user)
    if domain in account.parked:
        return account.domain
    return userdata.server_name(account.addon_map.get(domain, domain))


CALLS: Mapping[str, Callable[[Layout, Given, Switches], Answer]] = {
    call.__name__: call
    for call in (
        *(createacct, removeacct, modifyacct, suspendacct, unsuspendacct),
        *(create_subdomain, create_parked_domain_for_user, delete_domain),
        *(installssl, start_autossl_check_for_one_user, delete_ssl_vhost),
    )
}
