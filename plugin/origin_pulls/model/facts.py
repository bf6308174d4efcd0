"""What was found, as values: the server's, each vhost's, the edge's."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from origin_pulls.model import include
from origin_pulls.model.certificates import Anchor
from origin_pulls.model.inventory import Vhost
from origin_pulls.model.policy import Policy


@dataclass(frozen=True, slots=True)
class File:
    """A file's place and its whole text (``None``: there is no such file)."""

    path: Path
    text: bytes | None = None

    @property
    def state(self) -> include.State:
        """What the file is, seen as one of our includes."""
        return include.state(self.text)


@dataclass(frozen=True, slots=True)
class Finding:
    """Something of somebody else's that stands in the way: where it is, and what it says."""

    path: str
    line: int
    text: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.text}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerFacts:
    """What concerns all vhosts of the server.

    ``front`` names a program that ends TLS before Apache, ``config_error`` is what Apache says
    of the configuration as it stands now (empty: it is in order). ``layout_two`` and
    ``plain_layout_two`` say that includes live in ``2/`` while ``2_4/`` does not exist. ``deadly``
    are lines that name CA files of which Apache dies at the next reload, though ``httpd -t``
    accepts them.
    """

    version: tuple[int, ...]
    modules: frozenset[str]
    server_include: File
    request_log: str
    ranges: tuple[str, ...] = ()
    https_port: int = 443
    front: str = ""
    is_updating: bool = False
    config_error: str = ""
    layout_two: bool = False
    plain_layout_two: bool = False
    findings: tuple[Finding, ...] = ()
    rewrites: tuple[Finding, ...] = ()
    deadly: tuple[Finding, ...] = ()
    is_used_by_others: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EdgeFacts:
    """What Cloudflare shows to this vhost's origin.

    ``presents`` holds the SHA-256 of the anchors whose certificates it is known (or said) to
    present; ``is_proven`` says that this was proven just now, by the job that this run is a part
    of, so that a demand may begin. ``is_managed`` says that we can make it present another one.
    ``ways`` are the addresses of the edge by which the vhost is proven too, each with the name to
    ask for.
    """

    presents: frozenset[str] = frozenset()
    is_proven: bool = False
    is_managed: bool = False
    ways: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class VhostFacts:
    """What concerns one vhost.

    ``trusted`` are the anchors of the policy that is wanted, ``trusted_now`` those in force,
    ``probe`` is this server's own probe CA, which every bundle holds besides.
    """

    vhost: Vhost
    policy: Policy
    secure: File
    plain: File
    bundle: File
    trusted: tuple[Anchor, ...] = ()
    trusted_now: tuple[Anchor, ...] = ()
    probe: Anchor
    edge: EdgeFacts = EdgeFacts()
    findings: tuple[Finding, ...] = ()
    rewrites: tuple[Finding, ...] = ()

    @property
    def is_included(self) -> bool:
        """Whether Apache's configuration has the line that reads our include."""
        return f"{self.secure.path.parent}/*.conf" in self.vhost.includes

    @property
    def is_plain_included(self) -> bool:
        """Whether the port 80 vhost has the line that reads our include."""
        return f"{self.plain.path.parent}/*.conf" in self.vhost.plain_includes
