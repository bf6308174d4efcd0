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

    ``keep`` writes a fresh one into the store, in one transaction.
    """
    sources = cpanel.sources(server.config, server.apache.paths.conf)
    signature = " ".join(files.signature(path) for path in sources)
    kept = server.seen.under(signature) or server.store.snapshot(signature)
    found = kept or _read(server)
    if keep and not server.store.has_snapshot(signature):
        server.store.keep_snapshot(found, signature)
    server.seen.remember(signature, found)
    return found


def _read(server: Server) -> Inventory:
    config = server.config
    domains, problems = cpanel.read_domains(config)
    accounts = cpanel.read_accounts(config, {domain.user for domain in domains})
    found = inventory.build(domains, read_conf(server), accounts)
    return Inventory(found.vhosts, (*problems, *found.problems))


def vhost_of(found: Inventory, user: str, server_name: str) -> Vhost:
    """The vhost of this account and ServerName; ``Refused`` when there is none."""
    wanted = (one for one in found.vhosts if (one.user, one.server_name) == (user, server_name))
    return known(next(wanted, None), server_name)


def known(vhost: Vhost | None, name: str) -> Vhost:
    """The vhost that was found, ``Refused`` when none was."""
    if vhost is None:
        raise Refused(f"There is no vhost {name} on this server", hint="See `origin-pulls list`.")
    return vhost


class Names:
    """Finds vhosts by any of their host names; made once for many questions."""

    def __init__(self, found: Inventory) -> None:
        self.exact: dict[str, Vhost] = {}
        self.patterns: list[tuple[str, Vhost]] = []
        for vhost in found.vhosts:
            for name in (vhost.server_name, *vhost.host_names):
                self.exact.setdefault(name, vhost)
                if name.startswith("*."):
                    self.patterns.append((name, vhost))

    def find(self, name: str) -> Vhost:
        """The vhost that serves a name (or is called so); ``Refused`` when there is none.

        Exact names win over wildcards, as cPanel's order of vhosts lets them win in Apache.
        """
        wanted = names.host_name(name)
        if wanted in self.exact:
            return self.exact[wanted]
        for pattern, vhost in self.patterns:
            if names.matches(pattern, wanted):
                return vhost
        raise Refused(
            f"No vhost of this server serves {wanted}",
            hint="See `origin-pulls list`, or `origin-pulls list --search TEXT`.",
        )
