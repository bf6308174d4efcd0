"""Looks at the server: the inventory (kept until a source changes) and Apache's own file."""

from __future__ import annotations

from origin_pulls.config import Config
from origin_pulls.errors import Refused
from origin_pulls.model import httpd_conf, inventory, names
from origin_pulls.model.httpd_conf import HttpdConf
from origin_pulls.model.inventory import Inventory, Vhost
from origin_pulls.server import cpanel, files
from origin_pulls.server.apache import Apache
from origin_pulls.store import Store


def read_conf(apache: Apache, config: Config) -> HttpdConf:
    """Apache's generated configuration, as it lies on the disk."""
    try:
        text = files.read(apache.paths.conf, limit=config.source_bytes)
    except OSError as error:
        raise Refused(
            f"{apache.paths.conf} cannot be read: {error}", hint="Run as root."
        ) from error
    if text is None:
        raise Refused(f"There is no {apache.paths.conf}", hint="Run rebuildhttpdconf first.")
    return httpd_conf.parse(text)


def look(apache: Apache, config: Config, store: Store | None, *, keep: bool = False) -> Inventory:
    """The inventory as it is now: the store's snapshot where no source has changed since.

    ``keep`` writes a fresh one into the store; only who holds the lock may ask for it.
    """
    sources = cpanel.sources(config, apache.paths.conf)
    signature = " ".join(files.signature(path) for path in sources)
    kept = store.snapshot(signature) if store else None
    if kept is not None:
        return kept
    domains, problems = cpanel.read_domains(config)
    accounts = cpanel.read_accounts(config, {domain.user for domain in domains})
    found = inventory.build(domains, read_conf(apache, config), accounts)
    found = Inventory(found.vhosts, (*problems, *found.problems))
    if store and keep:
        store.keep_snapshot(found, signature)
    return found


def find(found: Inventory, name: str) -> Vhost:
    """The vhost that serves a host name (or is called so); ``Refused`` when there is none.

    Exact names win over wildcards, as they do in Apache's order of cPanel's vhosts.
    """
    wanted = names.host_name(name)
    exact = [vhost for vhost in found.vhosts if wanted in (vhost.server_name, *vhost.host_names)]
    by_pattern = [
        vhost
        for vhost in found.vhosts
        if any(names.matches(pattern, wanted) for pattern in vhost.host_names)
    ]
    if exact or by_pattern:
        return (exact or by_pattern)[0]
    raise Refused(
        f"No vhost of this server serves {wanted}",
        hint="See `origin-pulls list`, or `origin-pulls list --search TEXT`.",
    )
