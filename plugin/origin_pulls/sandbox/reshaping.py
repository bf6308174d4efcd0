"""An account that stands is given other domains, or another name; its files follow.

As in ``accounts``, httpd.conf is left to ``rebuildhttpdconf``.
"""

from __future__ import annotations

import shutil
from collections.abc import Collection, Mapping
from dataclasses import replace

from origin_pulls.errors import Refused
from origin_pulls.sandbox import (
    accounts,
    domain_lists,
    files,
    server_settings,
    switches,
    userdata,
)
from origin_pulls.sandbox.fleet import Account
from origin_pulls.sandbox.layout import Layout


def found(layout: Layout, user: str) -> Account:
    """The account as its files describe it; its certificates are not part of it."""
    if user not in userdata.users(layout):
        raise Refused(f"The user “{user}” does not exist.")
    owned = userdata.read(layout, user)
    main = owned.vhosts[owned.main_domain]
    below = f"{layout.home(user)}/public_html/"
    return Account(
        user=user,
        domain=owned.main_domain,
        owner=main["owner"],
        parked=owned.parked,
        addons=tuple(owned.addons),
        addons_lie_below_public_html=any(
            owned.vhosts[name]["documentroot"].startswith(below) for name in owned.addons.values()
        ),
        subdomains=tuple(name for name in owned.subdomains if name not in owned.addons.values()),
        address=main["ip"],
        has_ssl=False,
        has_cgi=main["hascgi"] == "1",
        user_dirs=main["userdirprotect"],
    )


def add_domain(layout: Layout, user: str, domain: str, *, kind: str) -> None:
    """Give an account a domain; ``kind`` is ``subdomain``, ``addon`` or ``parked``."""
    account = found(layout, user)
    if domain in domain_lists.read(layout):
        raise Refused(f"The domain “{domain}” already exists in the userdata.")
    match kind:
        case "subdomain":
            account = replace(account, subdomains=(*account.subdomains, domain))
        case "addon":
            account = replace(account, addons=(*account.addons, domain))
        case _:
            account = replace(account, parked=(*account.parked, domain))
    _reshape(layout, account)
    number = (layout.userdata / user).stat().st_gid
    root = userdata.document_root(layout, account, account.addon_map.get(domain, domain))
    if kind != "parked" and not root.exists():
        own = (number, number)
        files.folder(root, owner=own)
        name = userdata.server_name(account.addon_map.get(domain, domain))
        files.lay(root / "index.html", f"<h1>{name}</h1>\n", owner=own)
    domain_lists.refresh(layout, [user])


def remove_domain(layout: Layout, domain: str) -> tuple[str, str]:
    """Take a domain away from its account; gives the account and the kind it was of."""
    row = domain_lists.read(layout).get(domain)
    if row is None or row[2] == "main":
        raise Refused(f"“{domain}” is no domain that can be removed.")
    user = row[0]
    account = found(layout, user)
    gone = account.addon_map.get(domain, domain)
    account = replace(
        account,
        subdomains=tuple(name for name in account.subdomains if name != domain),
        addons=tuple(name for name in account.addons if name != domain),
        parked=tuple(name for name in account.parked if name != domain),
    )
    if row[2] != "parked":
        shutil.rmtree(layout.certificate(userdata.server_name(gone)).parent, ignore_errors=True)
    _reshape(layout, account)
    domain_lists.refresh(layout, [user])
    return user, row[2]


def rename(layout: Layout, user: str, new: str) -> None:
    """Give an account another name: same user id, same start, same domains."""
    account = found(layout, user)
    if (layout.users / new).exists() or not new.isalnum() or not new.islower() or len(new) > 16:
        raise Refused(f"“{new}” cannot be the name of an account here.")
    places = [
        (layout.home(user), layout.home(new)),
        (layout.userdata / user, layout.userdata / new),
        (layout.users / user, layout.users / new),
        (layout.at(f"/var/cpanel/suspended/{user}"), layout.at(f"/var/cpanel/suspended/{new}")),
    ]
    for old, moved in places:
        if old.exists():
            old.rename(moved)
    _rename_in_lists(layout, user, new)
    _move_includes(layout, user, new)
    _reshape(layout, replace(account, user=new))
    accounts.write_suspensions(layout)
    domain_lists.refresh(layout)


def _rename_in_lists(layout: Layout, user: str, new: str) -> None:
    for name in ("/etc/passwd", "/etc/group", "/var/cpanel/resellers"):
        lines = server_settings.lines(layout.at(name))
        changed = [
            line.replace(f"{user}:", f"{new}:", 1).replace(f"/home/{user}:", f"/home/{new}:")
            if line.startswith(f"{user}:")
            else line
            for line in lines
        ]
        files.replace(layout.at(name), "".join(f"{line}\n" for line in changed))


def _move_includes(layout: Layout, user: str, new: str) -> None:
    position = switches.read(layout).includes_of_the_renamed
    for kind in ("std", "ssl"):
        folder = layout.include_tree / kind / "2_4" / user
        if position == "moved" and folder.exists():
            folder.rename(folder.with_name(new))
        if position == "removed":
            shutil.rmtree(folder, ignore_errors=True)


def _reshape(layout: Layout, account: Account) -> None:
    """Write userdata and the account's file anew; SSL vhosts stay where there were any."""
    folder = layout.userdata / account.user
    number = folder.stat().st_gid
    settings = server_settings.read(layout)
    spaced = switches.read(layout).yaml == "spaced"
    secured = {path.name.removesuffix("_SSL") for path in folder.glob("*_SSL")}
    texts = {"main": userdata.main_text(account)}
    for domain in account.vhost_domains:
        name = userdata.server_name(domain)
        texts[name] = userdata.vhost_text(layout, account, domain, port=settings.http_port)
        if name in secured:
            port = settings.https_port
            texts[f"{name}_SSL"] = userdata.ssl_text(layout, account, domain, port=port)
    for name, text in texts.items():
        shown = userdata.shown(text, spaced=spaced)
        files.replace(folder / name, shown, mode=0o640, owner=(0, number))
    _remove_others(layout, account, texts)
    path = layout.users / account.user
    kept = [
        line
        for line in path.read_text().splitlines()
        if not line.startswith(("DNS", "USER=")) and line
    ]
    others = (*account.parked, *account.addons, *account.addon_map.values(), *account.subdomains)
    kept += [f"DNS={account.domain}", f"USER={account.user}"]
    kept += [f"DNS{place}={name}" for place, name in enumerate(others, 1)]
    files.replace(path, "\n".join([*sorted(kept), ""]), mode=0o640, owner=(0, number))


def _remove_others(layout: Layout, account: Account, texts: Mapping[str, str]) -> None:
    kept: Collection[str] = {*texts, "cache.json"}
    for path in (layout.userdata / account.user).iterdir():
        if path.name not in kept:
            path.unlink()
