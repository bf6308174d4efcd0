"""Which requests prove a policy, what each must come to, and whether what came is that."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from urllib.parse import urlsplit

from origin_pulls.model import names
from origin_pulls.model.inventory import Kind, Name, Vhost
from origin_pulls.model.policy import Mode, Policy, Port80

# Statuses that Apache gives when it refuses a client rather than the site a request.
REFUSALS = frozenset((400, 403, 421))
# Of a long list of exemptions so many are asked at each end: one rule opens them all alike.
SAMPLED = 3
# What Cloudflare makes of a refused handshake, before it and after it.
EDGE_REFUSALS = REFUSALS | {520, 525}


class Shown(StrEnum):
    """Which client certificate a request carries."""

    NONE = "no certificate"
    OURS = "the probe certificate"
    STRANGER = "a stranger's certificate"


class Expected(StrEnum):
    """What a request must come to."""

    NO_HANDSHAKE = "refused in the TLS handshake"
    FORBIDDEN = "refused with 403"
    SERVED = "served"
    SAME = "answered as before"
    REDIRECTED = "redirected to https"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One request: where it goes, for which name, over TLS or not, with which certificate.

    With a ``nonce`` it goes by a URL that no cache can know, and the request log shows it.
    """

    address: str
    host: str
    path: str = "/"
    shown: Shown = Shown.NONE
    is_tls: bool = True
    nonce: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """What came: an HTTP status, or a refused handshake, or nothing (``error`` says why)."""

    status: int | None = None
    is_refused: bool = False
    location: str = ""
    error: str = ""

    def __str__(self) -> str:
        if self.status is not None:
            return f"HTTP {self.status}"
        return "refused in the TLS handshake" if self.is_refused else self.error or "no answer"


@dataclass(frozen=True, slots=True)
class Check:
    """A request and what it must come to; ``before`` is what came before the change.

    ``stands_for`` says, where only some of many are asked, how many of how many.
    """

    vhost: str
    ask: Ask
    expected: Expected
    before: Seen | None = None
    stands_for: str = ""

    def __str__(self) -> str:
        scheme = "https" if self.ask.is_tls else "http"
        where = f"{scheme}://{self.ask.host}{self.ask.path}"
        if self.ask.nonce:
            return f"{where} through Cloudflare ({self.ask.address}): must be {self.expected}"
        some = f" ({self.stands_for})" if self.stands_for else ""
        return f"{where} with {self.ask.shown}{some}: must be {self.expected}"


@dataclass(frozen=True, slots=True)
class Result:
    """A check with what came of it."""

    check: Check
    seen: Seen

    @property
    def holds(self) -> bool:
        """Whether what came is what had to come."""
        return holds(self.check, self.seen)

    def __str__(self) -> str:
        return f"{self.check}; came: {self.seen}"


def turns_away(result: Result) -> bool:
    """Whether a request through Cloudflare came to nothing because the origin refused Cloudflare.

    No answer at all is something else: Apache reads a large configuration for a while.
    """
    return bool(result.check.ask.nonce) and not result.holds and result.seen.status in EDGE_REFUSALS


def through_edge(ways: Iterable[tuple[str, str]]) -> list[Ask]:
    """One request through Cloudflare for each (address with port, host name)."""
    return [Ask(address=address, host=host, nonce="run") for address, host in ways]


def baseline(vhost: Vhost, policy: Policy, ways: Sequence[tuple[str, str]] = ()) -> list[Ask]:
    """The requests to make before a change, so that a change for the worse can be told.

    They carry the probe certificate: with it they are served before and after, so that a site's
    own 403 is not taken for ours.
    """
    asked = []
    if vhost.is_ssl:
        asked.append(_ask(vhost, main_host(vhost), shown=Shown.OURS))
        asked += [replace(ask, shown=Shown.OURS) for ask, _ in _exempt_asks(vhost, policy)]
    if vhost.plain_addresses:
        asked.append(_plain(vhost))
    return asked + through_edge(ways)


def checks(
    vhost: Vhost,
    policy: Policy,
    *,
    source: str,
    before: Mapping[Ask, Seen],
    ways: Sequence[tuple[str, str]] = (),
) -> list[Check]:
    """The checks that prove ``policy`` for one vhost, asked from the address ``source``.

    ``ways`` are those through Cloudflare: by them visitors must be served as before.
    """
    found = [Check(vhost.key, ask, Expected.SERVED, before.get(ask)) for ask in through_edge(ways)]
    if vhost.is_ssl:
        asks = [(_ask(vhost, main_host(vhost), shown=shown), "") for shown in Shown]
        for ask, stands_for in (*asks, *_exempt_asks(vhost, policy)):
            served = before.get(replace(ask, shown=Shown.OURS))
            wanted = expected(policy, ask, source)
            found.append(Check(vhost.key, ask, wanted, served, stands_for))
    if vhost.plain_addresses:
        ask = _plain(vhost)
        found.append(Check(vhost.key, ask, _expected_plain(policy, source), before.get(ask)))
    return found


def expected(policy: Policy, ask: Ask, source: str) -> Expected:
    """What a request over TLS must come to under a policy: the rules of facts as a decision."""
    if policy.mode is not Mode.ENFORCE or ask.shown is Shown.OURS:
        return Expected.SERVED
    if ask.shown is Shown.STRANGER:
        return Expected.NO_HANDSHAKE
    if not policy.is_exempting:
        return Expected.NO_HANDSHAKE
    return Expected.SERVED if _is_exempt(policy, ask, source) else Expected.FORBIDDEN


def holds(check: Check, seen: Seen) -> bool:
    """Whether what came is what had to come."""
    match check.expected:
        case Expected.NO_HANDSHAKE:
            return seen.is_refused
        case Expected.FORBIDDEN:
            return seen.status == 403
        case Expected.REDIRECTED:
            return seen.status in (301, 302, 307, 308) and seen.location.startswith("https://")
        case Expected.SAME:
            return check.before is not None and is_same(check.before, seen)
        case Expected.SERVED:
            return _is_served(check, seen)


def is_same(before: Seen, after: Seen) -> bool:
    """Whether two answers are the same as far as a site that lives can give the same twice.

    The status counts, and of a redirect the host it leads to; session ids and the like differ.
    """
    if before.status is None or after.status is None:
        return (before.status, before.is_refused) == (after.status, after.is_refused)
    same_host = urlsplit(before.location).netloc == urlsplit(after.location).netloc
    return before.status == after.status and same_host


def main_host(vhost: Vhost) -> str:
    """A name to ask the vhost by; a wildcard is asked by a name nobody else will have."""
    name = vhost.names[0].name
    return f"origin-pulls-proof{name[1:]}" if name.startswith("*.") else name


def _is_served(check: Check, seen: Seen) -> bool:
    if seen.status is None:
        # A site that gave no answer before need give none now; only a refusal would be ours.
        was_silent = check.before is not None and check.before.status is None
        return was_silent and not seen.is_refused
    before = check.before.status if check.before else None
    if before is None:
        # Cloudflare's own 520 and 525 are what a refused edge looks like.
        return seen.status not in (403, 421) and not (check.ask.nonce and seen.status >= 520)
    if seen.status == before:
        return True
    if check.ask.is_tls and before in REFUSALS:
        return False  # the certificate must not open what the site itself had closed
    return seen.status not in REFUSALS and seen.status < 500


def _is_exempt(policy: Policy, ask: Ask, source: str) -> bool:
    if ask.host in policy.exempt_names:
        return True
    if any(ask.path == path or ask.path.startswith(path + "/") for path in policy.exempt_paths):
        return True
    address = ipaddress.ip_address(source)
    return any(address in names.network(network) for network in policy.exempt_networks)


def _exempt_asks(vhost: Vhost, policy: Policy) -> list[tuple[Ask, str]]:
    """Requests for the exempt names and paths of an enforced vhost, and for what they stand.

    Of many the first and the last few: a long list would keep everybody waiting who comes next.
    """
    if policy.mode is not Mode.ENFORCE:
        return []
    own: dict[str, Name] = {name.name: name for name in vhost.names}
    hosts = [name for name in policy.exempt_names if _is_asked(own.get(name))]
    paths = list(policy.exempt_paths)
    return [
        *((_ask(vhost, host), _some(hosts, "names")) for host in _sample(hosts)),
        *(
            (_ask(vhost, main_host(vhost), path=f"{path}/"), _some(paths, "paths"))
            for path in _sample(paths)
        ),
    ]


def _sample(values: Sequence[str]) -> Sequence[str]:
    return values if len(values) <= 2 * SAMPLED else [*values[:SAMPLED], *values[-SAMPLED:]]


def _some(values: Sequence[str], what: str) -> str:
    """How many of how many are asked; empty where all are."""
    count = len(_sample(values))
    return f"{count} of {len(values)} exempt {what} are asked" if count < len(values) else ""


def _is_asked(name: Name | None) -> bool:
    # What stands behind a proxied service name may be off; its 503 says nothing about us.
    return name is None or name.kind is not Kind.SERVICE or bool(name.forms)


def _expected_plain(policy: Policy, source: str) -> Expected:
    match policy.port80:
        case Port80.LEAVE:
            return Expected.SERVED
        case Port80.REDIRECT:
            return Expected.REDIRECTED
        case Port80.CLOUDFLARE:
            local = ipaddress.ip_address(source).is_loopback
            return Expected.SERVED if local else Expected.FORBIDDEN


def _ask(vhost: Vhost, host: str, *, shown: Shown = Shown.NONE, path: str = "/") -> Ask:
    return Ask(address=vhost.addresses[0], host=host, shown=shown, path=path)


def _plain(vhost: Vhost) -> Ask:
    return Ask(address=vhost.plain_addresses[0], host=main_host(vhost), is_tls=False)
