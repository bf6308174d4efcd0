"""Looks at the server: the inventory (kept until a source changes) and Apache's own file."""

from __future__ import annotations

from origin_pulls.engine.server import Server
from origin_pulls.errors import Refused
from origin_pulls.model import httpd_conf, inventory, names
from origin_pulls.model.httpd_conf import HttpdConf
from origin_pulls.model.inventory import Inventory, Vhost
from origin_pulls.server import cpanel, files


def read_conf(server: Server) -> HttpdConf:
    """Apache's generated configuration, as it lies on the disk."""
    place = server.apache.paths.conf
    try:
        text = files.read(place, limit=server.config.source_bytes)
    except OSError as error:
        raise Refused(f"{place} cannot be read: {error}", hint="Run as root.") from error
    if text is None:
        raise Refused(f"There is no {place}", hint="Run rebuildhttpdconf first.")
    return httpd_conf.parse(text)


def look(server: Server, *, keep: bool = False) -> Inventory:
    """The inventory as it is now, read again only where a source has changed since.

    ``keep`` writes a fresh one into the store; only who holds the lock may ask for it.
    """
    sources = cpanel.sources(server.config, server.apache.paths.conf)
    signature = " ".join(files.signature(path) for path in sources)
    kept = server.seen.under(signature) or server.store.snapshot(signature)
    found = kept or _read(server)
    if keep and kept is None:
        server.store.keep_snapshot(found, signature)
    server.seen.remember(signature, found)
    return found


def _read(server: Server) -> Inventory:
    config = server.config
    domains, problems = cpanel.read_domains(config)
    accounts = cpanel.read_accounts(config, {domain.user for domain in domains})
    found = inventory.build(domains, read_conf(server), accounts)
    return Inventory(found.vhosts, (*problems, *found.problems))


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
