"""Gathers the facts that a plan is made of: files, other people's lines, certificates, the edge."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from cryptography import x509

from origin_pulls.cloudflare import ranges, shared_ca
from origin_pulls.engine.server import Server
from origin_pulls.errors import Unusable
from origin_pulls.model import certificates as judged
from origin_pulls.model import httpd_conf, include
from origin_pulls.model.certificates import Anchor
from origin_pulls.model.facts import File, Finding, ServerFacts, VhostFacts
from origin_pulls.model.httpd_conf import HttpdConf
from origin_pulls.model.inventory import Vhost
from origin_pulls.model.job import Applied
from origin_pulls.model.plan import Change, fingerprints
from origin_pulls.model.policy import Mode, Policy, Trust
from origin_pulls.server import certificates, cpanel, files
from origin_pulls.server.certificates import Material

DECIDING = frozenset(
    (
        "sslverifyclient",
        "sslcacertificatefile",
        "sslcacertificatepath",
        "sslcadnrequestfile",
        "sslcadnrequestpath",
    )
)
READ_AT_START = frozenset(("sslcacertificatefile", "sslcadnrequestfile"))
DEEPEST = 4
SHALLOWEST = 5  # userdata/ssl/2_4/USER/NAME and what is above it
REQUEST_LOG = "origin-pulls.log"
NOWHERE = Path("/nonexistent")
WILD = re.compile(r"[*?\[]")


class Gathering:
    """Facts for one run. Made certificates wait in ``made`` until the run keeps them."""

    def __init__(self, server: Server, conf: HttpdConf) -> None:
        self.server = server
        self.conf = conf
        self.now = server.clock()
        self.probe = server.probe_anchor()
        self.made: dict[str, Material] = {}
        self.server_root = server.apache.paths.base

    def server_facts(self, *, is_used_by_others: bool) -> ServerFacts:
        """What concerns all vhosts."""
        config, apache = self.server.config, self.server.apache
        userdata = apache.paths.userdata
        return ServerFacts(
            version=apache.version(),
            modules=apache.modules(),
            server_include=_file(apache.paths.conf_directory / include.FILE_NAME),
            # In Apache's own folder: Apache refuses to start when a log's folder is missing.
            request_log=str(apache.paths.logs / REQUEST_LOG),
            ranges=ranges.read(config.cloudflare_ranges),
            https_port=config.public_https_port,
            front=cpanel.front(config),
            is_updating=config.apache_update_marker.exists(),
            config_error=apache.config_error(),
            layout_two=_is_layout_two(userdata / "ssl"),
            plain_layout_two=_is_layout_two(userdata / "std"),
            findings=tuple(self._server_findings()),
            rewrites=tuple(self._switches()),
            deadly=tuple(self._deadly(userdata)),
            is_used_by_others=is_used_by_others,
        )

    def change(self, vhost: Vhost, applied: Applied, wanted: Policy) -> Change:
        """One vhost's facts for a policy that is wanted."""
        trusted = self._trusted(vhost, wanted)
        judged.check_bundle([*trusted, self.probe])
        edge = self.server.edge.facts(vhost)
        if wanted.edge_ready:
            edge = replace(edge, presents=edge.presents | fingerprints(trusted))
        found = list(self._vhost_lines(vhost))
        return Change(
            VhostFacts(
                vhost=vhost,
                policy=applied.policy,
                secure=_file(self._include(vhost.include_directory)),
                plain=_file(self._include(vhost.plain_include_directory)),
                bundle=_file(self._bundle(vhost)),
                trusted=tuple(trusted),
                trusted_now=tuple(self._trusted_now(vhost, applied.policy)),
                probe=self.probe,
                edge=edge,
                findings=tuple(one for one, name in found if name in DECIDING),
                rewrites=tuple(one for one, name in found if name not in DECIDING),
            ),
            wanted,
        )

    def has_include(self, vhost: Vhost) -> bool:
        """Whether an include of ours with directives in it lies where Apache reads it."""
        try:
            return _file(self._include(vhost.include_directory)).state is include.State.OURS
        except OSError:
            return False

    def keep_made(self, keys: Collection[str]) -> dict[str, str]:
        """Write the certificates made for these vhosts; gives the number of each."""
        kept = {}
        for key, material in self.made.items():
            if key in keys:
                folder = self.server.config.keys_directory / material.number
                certificates.keep(material, folder)
                kept[key] = material.number
        return kept

    def _include(self, directory: str) -> Path:
        """Our file in the directory that httpd.conf names; nowhere if that is no place for it."""
        place = Path(directory)
        is_inside = place.is_relative_to(self.server.apache.paths.userdata)
        return (place if is_inside and ".." not in place.parts else NOWHERE) / include.FILE_NAME

    def _bundle(self, vhost: Vhost) -> Path:
        return self.server.config.trust_directory / vhost.user / f"{vhost.server_name}.pem"

    def _trusted(self, vhost: Vhost, policy: Policy) -> list[Anchor]:
        if policy.mode is Mode.OFF:
            return []
        match policy.trust:
            case Trust.CLOUDFLARE:
                return [shared_ca.anchor(self.now, files.read(self.server.config.shared_ca))]
            case Trust.CUSTOM:
                return judged.anchors(policy.ca, now=self.now)
            case Trust.OWN:
                found = [one.anchor(self.now) for one in self._materials(vhost)]
                return list({anchor.sha256: anchor for anchor in found}.values())

    def _trusted_now(self, vhost: Vhost, policy: Policy) -> list[Anchor]:
        """What is trusted by the policy in force; what became unusable must not keep it there."""
        try:
            return self._trusted(vhost, policy)
        except Unusable:
            return []

    def _materials(self, vhost: Vhost) -> list[Material]:
        """The vhost's certificates: one for each of its zones, two while one is rotated."""
        if vhost.key in self.made:
            return [self.made[vhost.key]]
        place = vhost.user, vhost.incarnation, vhost.server_name
        folder = self.server.config.keys_directory
        numbers = self.server.store.material(*place).split()
        found = [kept for number in numbers if (kept := certificates.kept(folder / number))]
        if found:
            return found
        years = self.server.config.certificate_years
        self.made[vhost.key] = certificates.make(vhost.server_name, now=self.now, years=years)
        return [self.made[vhost.key]]

    def _server_findings(self) -> Iterator[Finding]:
        conf = self.server.apache.paths.conf
        for found in self.conf.client_directives:
            if _decides(found.name, found.value):
                yield Finding(str(conf), found.line, f"{found.name} {found.arguments}")
        for path in _included(self.conf.includes, self.server_root):
            for found in _directives(path):
                if _decides(found.name, found.value):
                    yield Finding(str(path), found.line, f"{found.name} {found.arguments}")

    def server_lines(self, prefix: str) -> Iterator[Finding]:
        """Lines of the server's configuration whose directive begins so, ours left out."""
        for path in (
            self.server.apache.paths.conf,
            *_included(self.conf.includes, self.server_root),
        ):
            for found in _directives(path):
                if found.name.startswith(prefix):
                    yield Finding(str(path), found.line, f"{found.name} {found.arguments}")

    def _switches(self) -> Iterator[Finding]:
        """Server-wide lines that keep our rule from running: a Location may switch it off."""
        for path in _included(self.conf.includes, self.server_root):
            for found in _directives(path):
                is_switch = found.name == "rewriteengine" and found.value.lower() == "off"
                if is_switch or _is_early(found):
                    yield Finding(str(path), found.line, f"{found.name} {found.arguments}")

    def _vhost_lines(self, vhost: Vhost) -> Iterator[tuple[Finding, str]]:
        """Lines of other people's includes of a vhost that concern us, with the directive."""
        ours = Path(vhost.include_directory) / include.FILE_NAME
        for path in _included([*vhost.includes, *_slots(vhost)], self.server_root):
            is_before = path.parent != ours.parent or path.name < ours.name
            for found in _directives(path):
                finding = Finding(str(path), found.line, f"{found.name} {found.arguments}")
                is_switch = found.name == "rewriteengine" and found.value.lower() == "off"
                is_rule = found.name in ("rewriterule", "rewriteoptions") and is_before
                if found.name in DECIDING or is_switch or is_rule or _is_early(found):
                    yield finding, found.name

    def _deadly(self, userdata: Path) -> Iterator[Finding]:
        """CA files that pass ``httpd -t`` and would kill Apache at the reload."""
        for path in sorted(userdata.rglob("*")) if userdata.is_dir() else []:
            if not (path.name.endswith(".conf") or ".owner-" in path.name):
                continue
            for found in _directives(path):
                if found.name in READ_AT_START and not _is_pem(Path(found.value)):
                    yield Finding(str(path), found.line, f"{found.name} {found.arguments}")


def _slots(vhost: Vhost) -> Iterator[str]:
    """Patterns of all folders whose files Apache reads for this vhost after the next rebuild."""
    own = Path(vhost.include_directory)
    if len(own.parents) < SHALLOWEST:
        return
    for folder in (own.parents[3], own.parents[2], own.parents[1]):
        yield f"{folder}/*.conf"
        yield f"{folder}/*.owner-{vhost.owner}"
    yield f"{own.parent}/*.conf"
    for name in vhost.host_names:
        yield f"{own.parent / name.replace('*', 'wildcard_safe')}/*.conf"
    yield f"{own}/*.conf"


def _included(patterns: Iterable[str], root: Path, depth: int = 0) -> list[Path]:
    """The files that these Include patterns match, and those that they include; ours left out.

    As Apache reads them: relative to the ServerRoot, and of a folder every file in it.
    """
    found: dict[Path, None] = {}
    for pattern in dict.fromkeys(patterns):
        for path in _matched(root / pattern):
            if path.name == include.FILE_NAME or not path.is_file() or path in found:
                continue
            found[path] = None
            if depth < DEEPEST:
                nested = [
                    one.value
                    for one in _directives(path)
                    if one.name in ("include", "includeoptional")
                ]
                found.update(dict.fromkeys(_included(nested, root, depth + 1)))
    return list(found)


def _matched(pattern: Path) -> list[Path]:
    if pattern.is_dir():
        return sorted(pattern.rglob("*"))
    folder, name = pattern.parent, pattern.name
    if not WILD.search(str(folder)) and "**" not in name:
        # The rule: one listing instead of a walk from the root, for each of a vhost's 16 places.
        try:
            return sorted(one for one in folder.iterdir() if fnmatch.fnmatchcase(one.name, name))
        except OSError:
            return []
    try:
        return sorted(Path("/").glob(str(pattern).lstrip("/")))
    except (ValueError, NotImplementedError):
        return []


def _directives(path: Path) -> Sequence[httpd_conf.Directive]:
    try:
        return httpd_conf.directives(files.read(path, limit=16 * 1024 * 1024) or b"")
    except OSError:
        return []


def _decides(name: str, value: str) -> bool:
    if name == "sslvhostsnipolicy":
        return value.lower() == "insecure"
    return name in DECIDING


def _is_early(found: httpd_conf.Directive) -> bool:
    """Whether a line proxies before any rewriting (mod_proxy, `mapping=`: pre_translate_name)."""
    return found.name in ("proxypass", "proxypassmatch") and "mapping=" in found.arguments.lower()


def _is_pem(path: Path) -> bool:
    """Whether Apache can load a CA file; a missing one is no danger, ``httpd -t`` sees it."""
    try:
        text = files.read(path)
        return text is None or bool(x509.load_pem_x509_certificates(text))
    except (OSError, ValueError):
        return False


def _file(path: Path) -> File:
    return File(path, files.read(path))


def _is_layout_two(base: Path) -> bool:
    return (base / "2").is_dir() and not (base / "2_4").is_dir()
