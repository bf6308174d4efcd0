"""cPanel's userdata: a ``main`` file for each account, a file for each vhost and SSL vhost.

Format: facts/cpanel.md §4. Writing is done as text, reading by a YAML parser that returns strings
only, because ``'Off'``, ``1`` and ``~`` would otherwise come back as something else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from origin_pulls.sandbox import files
from origin_pulls.sandbox.fleet import Account
from origin_pulls.sandbox.layout import Layout

LOADER: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


@dataclass(frozen=True, slots=True)
class Record:
    """One vhost as its userdata file says."""

    values: Mapping[str, Any]

    def __getitem__(self, key: str) -> str:
        """A plain value, empty where the file has none."""
        value = self.values.get(key, "")
        return "" if value == "~" or not isinstance(value, str) else value

    def rows(self, key: str) -> list[Mapping[str, str]]:
        """A list of mappings (``customlog``, ``scriptalias``)."""
        value = self.values.get(key, [])
        return value if isinstance(value, list) else []

    @property
    def aliases(self) -> list[str]:
        """The ServerAliases in their order."""
        return self["serveralias"].split()


@dataclass(frozen=True, slots=True)
class Owned:
    """What an account has, as its userdata folder says: domains, vhosts, SSL vhosts by name."""

    user: str
    main_domain: str
    parked: tuple[str, ...]
    addons: Mapping[str, str]
    subdomains: tuple[str, ...]
    vhosts: Mapping[str, Record]
    ssl_vhosts: Mapping[str, Record]

    def zones(self, name: str) -> list[str]:
        """The zone names whose service subdomains ride along in the vhost ``name``."""
        if name == self.main_domain:
            return [name, *self.parked]
        return [addon for addon, subdomain in self.addons.items() if subdomain == name]


def server_name(domain: str) -> str:
    """The ServerName of a domain's vhost: wildcards have a name of their own."""
    return "_wildcard_" + domain[1:] if domain.startswith("*.") else domain


def users(layout: Layout) -> list[str]:
    """The accounts that have userdata, ``nobody`` (the server itself) left out."""
    found = (entry.name for entry in layout.userdata.iterdir() if (entry / "main").is_file())
    return sorted(name for name in found if name != "nobody")


def read(layout: Layout, user: str) -> Owned:
    """Everything that the userdata folder of one account says."""
    folder = layout.userdata / user
    main = _load(folder / "main")
    subdomains = tuple(main.get("sub_domains") or ())
    vhosts, ssl_vhosts = {}, {}
    for domain in (main["main_domain"], *subdomains):
        name = server_name(domain)
        if record := _load(folder / name):
            vhosts[name] = Record(record)
        if record := _load(folder / f"{name}_SSL"):
            ssl_vhosts[name] = Record(record)
    return Owned(
        user,
        main["main_domain"],
        tuple(main.get("parked_domains") or ()),
        main.get("addon_domains") or {},
        subdomains,
        vhosts,
        ssl_vhosts,
    )


def read_all(layout: Layout) -> list[Owned]:
    """The userdata of all accounts."""
    return [read(layout, user) for user in users(layout)]


def _load(path: Path) -> dict[str, Any]:
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return {}
    return yaml.load(text, Loader=LOADER) or {}  # noqa: S506 - BaseLoader makes strings only


def write(
    layout: Layout, account: Account, *, number: int, ports: tuple[int, int], spaced: bool
) -> None:
    """Lay the userdata of an account; ``number`` is its uid, ``ports`` plain and SSL.

    ``spaced`` writes as the other of the two YAML writers that are in the field.
    """
    folder = files.folder(layout.userdata / account.user, mode=0o750, owner=(0, number))
    texts = {"main": main_text(account)}
    for domain in account.vhost_domains:
        name = server_name(domain)
        texts[name] = vhost_text(layout, account, domain, port=ports[0])
        if account.has_ssl:
            texts[f"{name}_SSL"] = ssl_text(layout, account, domain, port=ports[1])
    for name, text in texts.items():
        files.lay(folder / name, shown(text, spaced=spaced), mode=0o640, owner=(0, number))


def shown(text: str, *, spaced: bool) -> str:
    """A file's text as the one YAML writer or the other has it."""
    return "--- \n" + text.replace("\n", "\n\n") if spaced else "---\n" + text


def main_text(account: Account) -> str:
    """The ``main`` file: which domains the account has."""
    subdomains = (*account.addon_map.values(), *account.subdomains)
    addons = "".join(f"  {key}: {value}\n" for key, value in account.addon_map.items())
    return (
        ("addon_domains:\n" + addons if addons else "addon_domains: {}\n")
        + f"main_domain: {account.domain}\n"
        + _listed("parked_domains", account.parked)
        + _listed("sub_domains", subdomains)
    )


def _listed(key: str, values: Sequence[str]) -> str:
    if not values:
        return f"{key}: []\n"
    return f"{key}:\n" + "".join(f"  - {_scalar(value)}\n" for value in values)


def aliases(account: Account, domain: str) -> list[str]:
    """The ServerAliases that cPanel gives the vhost of a domain; services come at build time."""
    if domain.startswith("*."):
        return [domain]
    names = account.zones(domain)
    found = [word for name in names for word in (name, f"mail.{name}", f"www.{name}")]
    return [name for name in found if name != domain] + (
        [] if domain == account.domain else [f"www.{domain}"]
    )


def vhost_text(layout: Layout, account: Account, domain: str, *, port: int) -> str:
    """The file of a plain vhost."""
    name = server_name(domain)
    home, root = layout.home(account.user), document_root(layout, account, domain)
    return f"""customlog:
{_custom_logs(layout.logs / "domlogs" / name, account)}\
documentroot: {root}
group: {account.user}
hascgi: {int(account.has_cgi)}
homedir: {home}
ip: {account.address}
owner: {account.owner}
phpopenbasedirprotect: 1
phpversion: ea-php82
port: {port}
scriptalias:
  -
    path: {root}/cgi-bin
    url: /cgi-bin/
serveradmin: webmaster@{account.domain}
serveralias: {_scalar(" ".join(aliases(account, domain)))}
servername: {name}
usecanonicalname: 'Off'
user: {account.user}
userdirprotect: {_scalar(account.user_dirs)}
"""


def _custom_logs(log: Path, account: Account) -> str:
    access = f"  -\n    format: combined\n    target: {log}\n"
    if account.is_generated:
        return access
    form = r"\"%{%s}t %I .\\n%{%s}t %O .\""
    return f'{access}  -\n    format: "{form}"\n    target: {log}-bytes_log\n'


def ssl_text(layout: Layout, account: Account, domain: str, *, port: int) -> str:
    """The file of an SSL vhost; today's have no certificate paths."""
    root = document_root(layout, account, domain)
    return f"""documentroot: {root}
group: {account.user}
hascgi: {int(account.has_cgi)}
homedir: {layout.home(account.user)}
ip: {account.address}
ipv6: ~
owner: {account.owner}
phpopenbasedirprotect: ~
port: {port}
scriptalias:
  -
    path: {root}/cgi-bin
    url: /cgi-bin/
secruleengineoff: ~
serveradmin: webmaster@{account.domain}
serveralias: {_scalar(" ".join(aliases(account, domain)))}
servername: {server_name(domain)}
ssl: 1
usecanonicalname: 'Off'
user: {account.user}
userdirprotect: {_scalar(account.user_dirs)}
"""


def document_root(layout: Layout, account: Account, domain: str) -> Path:
    """The document root of a domain that has a vhost of its own."""
    return layout.home(account.user) / account.folder(domain)


def _scalar(text: str) -> str:
    """A YAML value, quoted where it would be taken for something else."""
    return text if text[:1].isalnum() else f"'{text}'"
