"""The life of accounts: they come, go, are suspended, get a certificate and lose it.

Each function changes files and caches as cPanel would, and leaves httpd.conf to
``rebuildhttpdconf``.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import ec

from origin_pulls.errors import Refused
from origin_pulls.sandbox import (
    certificates,
    domain_lists,
    files,
    server_settings,
    service_names,
    sites,
    switches,
    userdata,
)
from origin_pulls.sandbox.certificates import Authority
from origin_pulls.sandbox.fleet import Account
from origin_pulls.sandbox.layout import FIRST_UID, NOBODY, Layout

FIRST_START = 1700000000  # plus its number: the STARTDATE of an account that came with us


@dataclass(frozen=True, slots=True)
class Newcomer:
    """An account that is being made: its order, number, start time and key (or a new one)."""

    account: Account
    number: int
    started: int
    key: ec.EllipticCurvePrivateKey | None = None


def lay_many(layout: Layout, accounts: Sequence[Account], authority: Authority) -> None:
    """Make many accounts at once; generated ones share one key, to be quick."""
    shared = certificates.new_key()
    first = _next_number(layout)
    newcomers = [
        Newcomer(account, number, FIRST_START + number, shared if account.is_generated else None)
        for number, account in enumerate(accounts, first)
    ]
    _lay(layout, newcomers, authority)
    domain_lists.refresh(layout)


def add(layout: Layout, account: Account, *, started: int | None = None) -> None:
    """Make an account; ``started`` is its STARTDATE (now)."""
    if (layout.users / account.user).exists():
        raise Refused(f"There is an account {account.user} already")
    newcomer = Newcomer(account, _next_number(layout), started or int(time.time()))
    _lay(layout, [newcomer], certificates.read_authority(layout))
    domain_lists.refresh(layout, [account.user])


def _next_number(layout: Layout) -> int:
    passwd = server_settings.lines(layout.at("/etc/passwd"))
    used = [int(line.split(":")[2]) for line in passwd]
    return (
        max((number for number in used if FIRST_UID <= number < NOBODY), default=FIRST_UID - 1) + 1
    )


def remove(layout: Layout, user: str) -> None:
    """Remove an account and its domains from files, lists and passwd."""
    owned = userdata.read(layout, user)
    for name in owned.vhosts:
        shutil.rmtree(layout.certificate(name).parent, ignore_errors=True)
    for folder in (layout.userdata / user, layout.home(user)):
        shutil.rmtree(folder)
    (layout.users / user).unlink()
    layout.at(f"/var/cpanel/suspended/{user}").unlink(missing_ok=True)
    for name, mode in (("/etc/passwd", 0o644), ("/etc/group", 0o644)):
        kept = [line for line in server_settings.lines(layout.at(name)) if not _is_of(line, user)]
        files.replace(layout.at(name), "\n".join([*kept, ""]), mode=mode)
    resellers = layout.at("/var/cpanel/resellers")
    kept = [line for line in server_settings.lines(resellers) if not _is_of(line, user)]
    files.replace(resellers, "".join(f"{line}\n" for line in kept))
    if switches.read(layout).includes_of_the_removed == "removed":
        for kind in ("std", "ssl"):
            shutil.rmtree(layout.include_tree / kind / "2_4" / user, ignore_errors=True)
    write_suspensions(layout)
    domain_lists.refresh(layout)


def install_ssl(layout: Layout, user: str, name: str) -> None:
    """Give the vhost ``name`` a certificate and an SSL vhost."""
    owned = userdata.read(layout, user)
    record = owned.vhosts[name]
    path = layout.userdata / user / name
    port = server_settings.read(layout).https_port
    # The SSL twin says the same but for the port; the logs are the template's affair there.
    text = path.read_text().replace(f"\nport: {record['port']}\n", f"\nport: {port}\nssl: 1\n")
    group = path.stat().st_gid
    files.replace(path.with_name(f"{name}_SSL"), text, mode=0o640, owner=(0, group))
    is_reseller = user in server_settings.read(layout).resellers
    services = service_names.names(owned.zones(name), for_reseller=is_reseller)
    domain = name.replace("_wildcard_", "*")
    names = [domain, *record.aliases, *services]
    authority = certificates.read_authority(layout)
    _lay_certificate(layout, name, names, authority, certificates.new_key())
    domain_lists.refresh(layout, [user])


def remove_ssl(layout: Layout, user: str, name: str) -> None:
    """Take certificate and SSL vhost away."""
    (layout.userdata / user / f"{name}_SSL").unlink(missing_ok=True)
    shutil.rmtree(layout.certificate(name).parent, ignore_errors=True)
    domain_lists.refresh(layout, [user])


def suspend(layout: Layout, user: str) -> None:
    """Suspend an account: its vhosts stay, its visitors are sent to the suspended page."""
    files.lay(layout.at(f"/var/cpanel/suspended/{user}"), switches.read(layout).suspend_reason)
    _set_suspended(layout, user, is_suspended=True)


def unsuspend(layout: Layout, user: str) -> None:
    """Take a suspension back."""
    layout.at(f"/var/cpanel/suspended/{user}").unlink(missing_ok=True)
    _set_suspended(layout, user, is_suspended=False)


def _set_suspended(layout: Layout, user: str, *, is_suspended: bool) -> None:
    path = layout.users / user
    lines = [line for line in path.read_text().splitlines() if line != "SUSPENDED=1"]
    if is_suspended:
        lines.append("SUSPENDED=1")
    group = path.stat().st_gid
    files.replace(path, "\n".join([*lines, ""]), mode=0o640, owner=(0, group))
    write_suspensions(layout)


def write_suspensions(layout: Layout) -> None:
    """Let the visitors of suspended accounts be sent to the suspended page."""
    users = sorted(entry.name for entry in layout.at("/var/cpanel/suspended").iterdir())
    blocks = [
        f"""<Directory "{layout.home(user)}">
    AllowOverride none
    RedirectMatch "^/(?!cgi-sys/suspendedpage\\.cgi)" "/cgi-sys/suspendedpage.cgi"
</Directory>
"""
        for user in users
    ]
    text = "".join(blocks) or "# No account is suspended.\n"
    files.replace(layout.includes / "account_suspensions.conf", text)


def _lay(layout: Layout, newcomers: Sequence[Newcomer], authority: Authority) -> None:
    settings = server_settings.read(layout)
    ports = (settings.http_port, settings.https_port)
    spaced = switches.read(layout).yaml == "spaced"
    _append(layout, "/var/cpanel/resellers", map(_privileges, newcomers))
    for new in newcomers:
        account, number = new.account, new.number
        userdata.write(layout, account, number=number, ports=ports, spaced=spaced)
        files.lay(layout.users / account.user, _user_text(new), mode=0o640, owner=(0, number))
        sites.lay(layout, account, number)
        if account.has_ssl:
            _lay_certificates(layout, new, authority)
        if account.is_suspended:
            suspend(layout, account.user)
    _append(layout, "/etc/passwd", (_passwd(layout, new) for new in newcomers))
    _append(layout, "/etc/group", (f"{new.account.user}:x:{new.number}:\n" for new in newcomers))


def _lay_certificates(layout: Layout, new: Newcomer, authority: Authority) -> None:
    account = new.account
    for domain in account.vhost_domains:
        services = service_names.names(account.zones(domain), for_reseller=bool(account.privileges))
        names = [domain, *userdata.aliases(account, domain), *services]
        key = new.key or certificates.new_key()
        _lay_certificate(layout, userdata.server_name(domain), names, authority, key)


def _lay_certificate(
    layout: Layout,
    name: str,
    names: Sequence[str],
    authority: Authority,
    key: ec.EllipticCurvePrivateKey,
) -> None:
    combined = authority.combined(list(dict.fromkeys(names)), key)
    files.lay(layout.certificate(name), combined, mode=0o640)


def _user_text(new: Newcomer) -> str:
    account = new.account
    others = (*account.parked, *account.addons, *account.addon_map.values(), *account.subdomains)
    lines = {
        "BWLIMIT": "unlimited",
        "CONTACTEMAIL": f"owner@{account.domain}",
        "DNS": account.domain,
        **{f"DNS{place}": name for place, name in enumerate(others, 1)},
        "FEATURELIST": "default",
        "HASCGI": int(account.has_cgi),
        "IP": account.address,
        "OWNER": account.owner,
        "PLAN": "default",
        "RS": "jupiter",
        "STARTDATE": new.started,
        "USER": account.user,
    }
    return "".join(f"{key}={value}\n" for key, value in lines.items())


def _passwd(layout: Layout, new: Newcomer) -> str:
    home = layout.home(new.account.user)
    return f"{new.account.user}:x:{new.number}:{new.number}::{home}:/bin/bash\n"


def _privileges(new: Newcomer) -> str:
    account = new.account
    return f"{account.user}:{account.privileges}\n" if account.privileges else ""


def _append(layout: Layout, name: str, lines: Iterable[str]) -> None:
    path = layout.at(name)
    files.replace(path, path.read_text() + "".join(lines))


def _is_of(line: str, user: str) -> bool:
    return line.startswith(f"{user}:")
