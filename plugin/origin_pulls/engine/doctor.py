"""Looks after the whole server: what is so, what it means, what to do. It changes nothing."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from datetime import datetime

from cryptography import x509

from origin_pulls.engine import cloudflare_health, looking, own_files, preparing
from origin_pulls.engine.gathering import Gathering
from origin_pulls.engine.server import Server
from origin_pulls.errors import Damaged, OriginPullsError
from origin_pulls.model import examining
from origin_pulls.model.checks import Check, Health
from origin_pulls.model.facts import Finding, ServerFacts
from origin_pulls.model.inventory import Inventory, Vhost
from origin_pulls.model.policy import Mode, Trust
from origin_pulls.server import certificates, files

logger = logging.getLogger(__name__)

WORST_FIRST = (Health.BAD, Health.WARNING, Health.UNKNOWN, Health.GOOD)
MOST_VHOSTS = 200  # whose includes are read for other people's lines
MOST_BUNDLES = 20_000
BUNDLE_BYTES = 1024 * 1024
# What is looked at for the vhosts that demand something.
OF_POLICIES = ("includes", "foreign", "certificates", "cloudflare")
TEMPLATES = ("ea4_main", "vhost", "ssl_vhost")


def examine(server: Server, *, damage: Damaged | None = None) -> list[Check]:
    """All checks of the server, what is worst first; one that fails says so and stops no other.

    ``damage`` is why its store could not be read: then nobody knows what vhosts demand.
    """
    at_edge = tried("cloudflare", "Cloudflare", lambda: [cloudflare_health.examine(server)])
    found = [*_of_apache(server), *own_files.examine(server, damage=damage), *at_edge]
    if damage is not None:
        found = [_unknown(one) if one.name in OF_POLICIES else one for one in found]
    return sorted(found, key=lambda one: WORST_FIRST.index(one.state))


def _unknown(check: Check) -> Check:
    """A check that found nothing wrong, but among policies that nobody knows."""
    if check.state is not Health.GOOD:
        return check
    said = "Which vhosts demand something cannot be told: the store cannot be read."
    return replace(check, state=Health.UNKNOWN, said=said)


def tried(name: str, title: str, checks: Callable[[], Iterable[Check]]) -> list[Check]:
    """The checks, or one that says why they could not be made."""
    try:
        return list(checks())
    except (OriginPullsError, OSError, ValueError) as error:
        logger.warning("doctor: %s: %s", name, error)
        return [Check(name, title, Health.UNKNOWN, f"It cannot be looked at: {error}")]


def _of_apache(server: Server) -> list[Check]:
    try:
        patient = _Patient(server)
    except (OriginPullsError, OSError) as error:
        hint = error.hint if isinstance(error, OriginPullsError) else ""
        return [Check("server", "The server", Health.BAD, f"It cannot be looked at: {error}", hint)]
    parts: tuple[tuple[str, str, Callable[[], Iterable[Check]]], ...] = (
        ("apache", "Apache", patient.apache),
        ("includes", "Include lines and templates", patient.includes),
        ("foreign", "Other people's SSLVerifyClient", patient.foreign),
        ("remoteip", "Visitors' addresses", patient.remote_ip),
        ("certificates", "Certificates", patient.certificates),
    )
    return [check for name, title, checks in parts for check in tried(name, title, checks)]


class _Patient:
    """The server as it was found when the examination began."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.inventory: Inventory = looking.look(server)
        self.gathering = Gathering(server, looking.read_conf(server))
        self.facts: ServerFacts = self.gathering.server_facts(is_used_by_others=False)
        applied = preparing.applied_now(server, self.inventory)
        self.demanding: list[Vhost] = [
            vhost
            for vhost in self.inventory.vhosts
            if vhost.key in applied and applied[vhost.key].policy.mode is not Mode.OFF
        ]
        self.applied = applied

    def apache(self) -> Iterator[Check]:
        """What concerns Apache itself."""
        yield from examining.apache(self.facts, is_running=self.server.apache.parent() is not None)

    def includes(self) -> Iterator[Check]:
        """Whether Apache reads what we write."""
        missing = [
            vhost.server_name
            for vhost in self.demanding
            if f"{vhost.include_directory}/*.conf" not in vhost.includes
        ]
        folder = self.server.config.apache_templates
        local = [str(path) for name in TEMPLATES if (path := folder / f"{name}.local").exists()]
        yield examining.include_lines(missing, local)
        userdata = self.server.apache.paths.userdata
        is_two = self.facts.layout_two or self.facts.plain_layout_two
        yield examining.layout(is_two, str(userdata))

    def foreign(self) -> Iterator[Check]:
        """Other people's lines about client certificates: the server's and those of our vhosts."""
        found = list(self.facts.findings)
        for vhost in self.demanding[:MOST_VHOSTS]:
            mine = self.applied[vhost.key]
            found += self.gathering.change(vhost, mine, mine.policy).facts.findings
        yield examining.foreign(list(dict.fromkeys(found)))

    def remote_ip(self) -> Iterator[Check]:
        """Who sets RemoteIPHeader, and whom it believes."""
        headers: list[Finding] = []
        proxies: list[Finding] = []
        for finding in self.gathering.server_lines("remoteip"):
            name = finding.text.split(" ", 1)[0].lower()
            if name == "remoteipheader":
                headers.append(finding)
            elif name.startswith(("remoteiptrustedproxy", "remoteipinternalproxy")):
                proxies.append(finding)
        is_loaded = "remoteip_module" in self.facts.modules
        yield examining.remote_ip(is_loaded, headers, proxies)

    def certificates(self) -> Iterator[Check]:
        """When what is trusted and shown comes to its end."""
        yield examining.expiries(list(self._expiries()), self.server.clock())

    def _expiries(self) -> Iterator[tuple[str, datetime]]:
        config = self.server.config
        for vhost in self.demanding[:MOST_BUNDLES]:
            path = config.trust_directory / vhost.user / f"{vhost.server_name}.pem"
            text = files.read(path, limit=BUNDLE_BYTES)
            ends = [one.not_valid_after_utc for one in _read(text)]
            ends += self._leaves_end(vhost)
            if ends:
                yield vhost.server_name, min(ends)
        probe = certificates.kept_probe(config.probe_directory)
        if probe is not None:
            leaf = _read(files.read(probe.leaf_file, limit=BUNDLE_BYTES))
            yield from (("the probe", one.not_valid_after_utc) for one in leaf)

    def _leaves_end(self, vhost: Vhost) -> list[datetime]:
        """When what Cloudflare presents to a vhost ends: the leaf may do so long before its CA."""
        if self.applied[vhost.key].policy.trust is not Trust.OWN:
            return []
        place = vhost.user, vhost.incarnation, vhost.server_name
        folder = self.server.config.keys_directory
        kept = [
            certificates.kept(folder / one) for one in self.server.store.material(*place).split()
        ]
        return [one.expires for one in kept if one is not None]


def _read(text: bytes | None) -> list[x509.Certificate]:
    return x509.load_pem_x509_certificates(text) if text else []
