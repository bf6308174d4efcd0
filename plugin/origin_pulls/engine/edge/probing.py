"""Proves through Cloudflare: an uncached URL at each of its addresses, seen in our own log."""

from __future__ import annotations

import itertools
import secrets
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from origin_pulls.engine import looking
from origin_pulls.engine.edge.looking import kept
from origin_pulls.engine.gathering import REQUEST_LOG
from origin_pulls.engine.server import Server
from origin_pulls.errors import EdgeUnknown
from origin_pulls.model.proof import Ask, Seen
from origin_pulls.model.rollout import Leg
from origin_pulls.server import asking

PAUSE = 0.05
MOST_WAYS = 4  # through the edge, for one vhost in a run's proof, but one a zone at least
VERIFY, SERIAL = 3, 5  # fields of a log line (model/include.py)
LARGEST_READ = 16 * 1024 * 1024
Way = tuple[str, str]  # an address of the edge (with port), and the host name to ask for there


@dataclass(frozen=True, slots=True)
class Probed:
    """What one round came to: ways that were asked, and why it does not hold (empty: it does).

    ``is_served``: whoever was asked last gave an answer that is not Cloudflare's own 520 to 530.
    ``is_asked`` is false where nobody could be.
    """

    ways: tuple[Way, ...] = ()
    problem: str = ""
    is_served: bool = True
    is_asked: bool = True


def spread(found: Sequence[Sequence[Way]], most: int) -> list[Way]:
    """At most so many of the ways of several zones, but one of each zone: in turn from all."""
    turns = itertools.zip_longest(*found)
    ways = [way for turn in turns for way in turn if way is not None]
    zones = sum(bool(one) for one in found)
    return ways[: max(most, zones)]


def probe(server: Server, hosts: Sequence[str], serial: int | None) -> Probed:
    """One round: every host at every address that DNS names for it.

    Each request must be answered by this server, and its log must show that Cloudflare presented
    a certificate that Apache trusts: the one of this ``serial`` where one is given.
    """
    log = server.apache.paths.logs / REQUEST_LOG
    ways: list[Way] = []
    for host in hosts[: server.config.edge_names]:
        asked = f"origin-pulls-proof{host[1:]}" if host.startswith("*.") else host
        addresses = server.reach.edge_addresses(asked)
        if not addresses:
            return Probed(problem=f"DNS names no address of Cloudflare for {asked}", is_asked=False)
        found = [_with_port(address, server.config.edge_port) for address in addresses]
        # A machine without IPv6 asks by the others: the same edge stands behind all of them.
        reached = [address for address in found if asking.has_route(address)]
        if not reached:
            return Probed(
                problem=f"this server has no way to Cloudflare for {asked}: {found[0]}",
                is_asked=False,
            )
        for address in reached:
            problem, seen = _ask(server, log, address, asked, serial)
            if problem:
                return Probed(tuple(ways), problem, is_served=_is_served(seen))
            ways.append((address, asked))
    return Probed(tuple(ways))


def probe_legs(
    server: Server, legs: Sequence[Leg], skipped: Collection[str], *, is_old: bool
) -> tuple[tuple[tuple[str, str, str], ...], dict[str, str]]:
    """One round for every vhost of these legs, by the certificate that comes, or the old one.

    Gives the ways that were asked (vhost key, address, host), a few for each vhost, and what
    does not hold yet by vhost key. Vhosts whose keys are ``skipped`` are not asked.
    """
    vhosts = {vhost.key: vhost for vhost in looking.look(server).vhosts}
    problems: dict[str, str] = {}
    ways: dict[str, list[Sequence[Way]]] = {}
    for leg in legs:
        material = kept(server, leg.old if is_old else leg.material)
        most = max(1, server.config.edge_names // len(leg.keys))
        for key in leg.keys:
            if key not in vhosts or key in skipped:
                continue
            hosts = [name for name in vhosts[key].host_names if name in leg.hosts][:most]
            try:
                probed = probe(server, hosts, material.serial if material else None)
            except EdgeUnknown as error:
                probed = Probed(problem=error.message)
            ways.setdefault(key, []).append(probed.ways)
            if probed.problem:
                problems[key] = probed.problem
    asked = [(key, *way) for key, found in ways.items() for way in spread(found, MOST_WAYS)]
    return tuple(asked), problems


def _with_port(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _ask(
    server: Server, log: Path, address: str, host: str, serial: int | None
) -> tuple[str, Seen]:
    nonce = secrets.token_hex(12)
    began = _size(log)
    ask = Ask(address=address, host=host, nonce=nonce)
    seen = asking.ask(ask, {}, timeout=server.config.answer_timeout)
    line = _line(log, began, nonce, server.config.log_patience if seen.status else 0)
    where = f"{host} by way of Cloudflare ({address})"
    problem = ""
    if line is None:
        problem = _missing(seen)
    elif line[VERIFY] != "SUCCESS":
        problem = "Cloudflare presents no certificate yet"
        if line[VERIFY] != "NONE":
            why = line[VERIFY].removeprefix("FAILED:")
            problem = f"Cloudflare presents a certificate that is not trusted here ({why})"
    elif serial is not None and _number(line[SERIAL]) != serial:
        problem = "Cloudflare still presents another certificate"
    elif not _is_served(seen):
        problem = str(seen)
    return (f"{where}: {problem}" if problem else ""), seen


def _is_served(seen: Seen) -> bool:
    return seen.status is not None and seen.status < 520


def _missing(seen: Seen) -> str:
    if seen.status is None or seen.status >= 500:
        return str(seen)
    return f"it was answered ({seen}), but the request did not come to this server's Apache"


def _line(log: Path, began: int, nonce: str, patience: float) -> list[str] | None:
    """The fields of our request's line; Apache writes it when the answer is through."""
    end = time.monotonic() + patience
    while True:
        for line in _written(log, began).splitlines():
            fields = line.split("\t")
            if len(fields) > SERIAL and fields[-1].startswith(f"{nonce}-"):
                return fields
        if time.monotonic() >= end:
            return None
        time.sleep(PAUSE)


def _written(log: Path, began: int) -> str:
    """What was written since; all of it where the log was begun anew."""
    try:
        with log.open("rb") as stream:
            stream.seek(began if _size(log) >= began else 0)
            return stream.read(LARGEST_READ).decode("utf-8", "replace")
    except OSError:
        return ""


def _size(log: Path) -> int:
    try:
        return log.stat().st_size
    except OSError:
        return 0


def _number(text: str) -> int | None:
    try:
        return int(text, 16)
    except ValueError:
        return None
