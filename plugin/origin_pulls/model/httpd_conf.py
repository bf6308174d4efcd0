"""Reads cPanel's generated ``httpd.conf``: which vhosts Apache really has, and what is in them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

# Directives that decide who is asked for a client certificate and whose one is believed.
CLIENT_DIRECTIVES = frozenset(
    name.lower()
    for name in (
        "SSLVerifyClient",
        "SSLVerifyDepth",
        "SSLCACertificateFile",
        "SSLCACertificatePath",
        "SSLCADNRequestFile",
        "SSLCADNRequestPath",
        "SSLVHostSNIPolicy",
        "SSLStrictSNIVHostCheck",
    )
)
REWRITE_DIRECTIVES = frozenset(("rewriteengine", "rewriterule", "rewriteoptions"))

VHOST_START = re.compile(r"<VirtualHost\s+([^>]*)>", re.IGNORECASE)
VHOST_END = re.compile(r"</VirtualHost\s*>", re.IGNORECASE)
OWNER = re.compile(r"##\s*User\s+(\S+)\s+# Needed for Cpanel::ApacheConf")
COMMENTED_INCLUDE = re.compile(r'#\s*Include\s+"([^"]+)/\*\.conf"\s*$')
HOST_CONDITION = re.compile(r"%\{HTTP_HOST\}\s+=(\S+)(?:\s+\[OR\])?\s*$", re.IGNORECASE)
UPGRADE_CONDITION = re.compile(r"%\{HTTP:Upgrade\}\s+!websocket\s+\[(?:nocase|NC)\]\s*$", re.I)
SERVICE_RULE = re.compile(r"\^/\(\.\*\)\s+/___proxy_subdomain_\w+/\$1\s+\[PT\]\s*$")


@dataclass(frozen=True, slots=True)
class Directive:
    """One line of Apache's configuration: its name in lower case, its arguments, where it is."""

    name: str
    arguments: str
    line: int

    @property
    def value(self) -> str:
        """The arguments without the quotes around them."""
        return self.arguments.strip().strip('"')


@dataclass(frozen=True, slots=True)
class Block:
    """One ``<VirtualHost>`` as it stands in the file.

    ``services`` pairs each service name with the exact ``Host`` values for which cPanel's own
    rule proxies it away from the site. ``include_directory`` is what the comment line names.
    """

    line: int
    addresses: tuple[str, ...]
    server_name: str = ""
    aliases: tuple[str, ...] = ()
    document_root: str = ""
    user: str = ""
    is_ssl: bool = False
    include_directory: str = ""
    includes: tuple[str, ...] = ()
    client_directives: tuple[Directive, ...] = ()
    services: tuple[tuple[str, tuple[str, ...]], ...] = ()
    user_dirs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class HttpdConf:
    """The file's vhosts in order, and the directives outside them that concern us."""

    blocks: tuple[Block, ...] = ()
    client_directives: tuple[Directive, ...] = ()
    includes: tuple[str, ...] = ()
    user_dirs: tuple[str, ...] = ()


@dataclass(slots=True)
class _Reading:
    """What has been read of the block that is open."""

    line: int
    addresses: tuple[str, ...]
    single: dict[str, str] = field(default_factory=dict)
    aliases: list[str] = field(default_factory=list)
    includes: list[str] = field(default_factory=list)
    client: list[Directive] = field(default_factory=list)
    conditions: list[str] = field(default_factory=list)
    services: dict[str, tuple[str, ...]] = field(default_factory=dict)
    user_dirs: list[str] = field(default_factory=list)
    is_ssl: bool = False

    def take(self, found: Directive) -> None:
        """Note one directive of this vhost."""
        match found.name:
            case "servername" | "documentroot":
                self.single.setdefault(found.name, found.value)
            case "serveralias":
                self.aliases.extend(word.strip('"').lower() for word in found.arguments.split())
            case "sslengine":
                self.is_ssl = found.value.lower() == "on"
            case "include" | "includeoptional":
                self.includes.append(found.value)
            case "userdir":
                self.user_dirs.append(found.value)
            case "rewritecond":
                self.conditions.append(found.arguments)
            case "rewriterule":
                self.close_rule(found.arguments)
            case name if name in CLIENT_DIRECTIVES:
                self.client.append(found)

    def close_rule(self, rule: str) -> None:
        """A rule ends its conditions; note the names that cPanel proxies by this one.

        Only the very shape that was measured (facts: conditions on the exact Host, not for
        websockets) counts. Any other condition makes it a rule we do not understand, and the
        name is treated like an ordinary one.
        """
        hosts = [found[1] for text in self.conditions if (found := HOST_CONDITION.match(text))]
        others = [text for text in self.conditions if not HOST_CONDITION.match(text)]
        self.conditions.clear()
        if not SERVICE_RULE.match(rule) or not hosts:
            return
        if len(others) != 1 or not UPGRADE_CONDITION.match(others[0]):
            return
        for host in hosts:
            name = host.partition(":")[0]
            self.services[name] = tuple(dict.fromkeys((*self.services.get(name, ()), host)))

    def close(self) -> Block:
        """The finished block."""
        server_name = self.single.get("servername", "")
        return Block(
            line=self.line,
            addresses=self.addresses,
            server_name=server_name.partition("://")[2].lower()
            if "://" in server_name
            else server_name.lower(),
            aliases=tuple(dict.fromkeys(self.aliases)),
            document_root=self.single.get("documentroot", ""),
            user=self.single.get("user", ""),
            is_ssl=self.is_ssl,
            include_directory=self.single.get("commented include", ""),
            includes=tuple(self.includes),
            client_directives=tuple(self.client),
            services=tuple(self.services.items()),
            user_dirs=tuple(self.user_dirs),
        )


def parse(text: bytes) -> HttpdConf:
    """Read ``httpd.conf``; what cannot be understood is passed over, never an error."""
    blocks: list[Block] = []
    outside = _Reading(0, ())
    reading: _Reading | None = None
    for number, line in _logical_lines(text):
        if line.startswith("#"):
            _take_comment(reading, line)
        elif started := VHOST_START.match(line):
            reading = _Reading(number, tuple(word.strip('"') for word in started[1].split()))
        elif VHOST_END.match(line):
            if reading is not None:
                blocks.append(reading.close())
            reading = None
        elif not line.startswith("<"):
            (reading or outside).take(_directive(line, number))
    return HttpdConf(
        blocks=tuple(blocks),
        client_directives=tuple(outside.client),
        includes=tuple(outside.includes),
        user_dirs=tuple(outside.user_dirs),
    )


def directives(text: bytes) -> list[Directive]:
    """The directives of an include file, in order, comments and sections left out."""
    return [
        _directive(line, number)
        for number, line in _logical_lines(text)
        if not line.startswith(("#", "<"))
    ]


def _directive(line: str, number: int) -> Directive:
    name, _, arguments = line.partition(" ")
    return Directive(name.lower(), arguments.strip(), number)


def _take_comment(reading: _Reading | None, line: str) -> None:
    if reading is None:
        return
    if owner := OWNER.match(line):
        reading.single.setdefault("user", owner[1])
    elif included := COMMENTED_INCLUDE.match(line):
        reading.single.setdefault("commented include", included[1])


def _logical_lines(text: bytes) -> Iterator[tuple[int, str]]:
    """Lines with their number: white space folded, continued lines joined, empty ones left out."""
    held = ""
    start = 0
    for number, raw in enumerate(text.decode("utf-8", "replace").split("\n"), 1):
        line = raw.rstrip("\r")
        start = start or number
        if line.endswith("\\") and not line.endswith("\\\\"):
            held += line[:-1] + " "
            continue
        whole = " ".join((held + line).split())
        if whole:
            yield start, whole
        held, start = "", 0
