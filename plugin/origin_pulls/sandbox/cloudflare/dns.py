"""What DNS says of the sandbox's names, in the JSON form of DNS over HTTPS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from origin_pulls.sandbox.cloudflare.refusals import Answer
from origin_pulls.sandbox.cloudflare.state import Record, World, Zone

TYPES = {"A": 1, "CNAME": 5, "AAAA": 28}
NAME_ERROR = 3
LONGEST_CHAIN = 5


def unicode(name: str) -> str:
    """A host name as people write it; itself where it is plain."""
    try:
        return name.encode("ascii").decode("idna")
    except UnicodeError:
        return name


def records(zone: Zone, name: str) -> list[Record]:
    """The address records of a name: its own, else those of the nearest wildcard."""
    found = [one for one in zone.records if one.name == name and one.type in TYPES]
    above = name
    while not found and "." in above and above != zone.name:
        above = above.partition(".")[2]
        found = [one for one in zone.records if one.name == f"*.{above}" and one.type in TYPES]
    return found


def is_served_by_edge(zone: Zone) -> bool:
    """Whether the zone's proxied names have the edge before them at all."""
    return zone.status == "active" and not zone.paused


def answer(world: World, query: Mapping[str, str]) -> Answer:
    """The answer to ``/dns-query?name=&type=``: edge, origin, or no such name."""
    name, kind = query.get("name", "").lower().rstrip("."), query.get("type", "A").upper()
    if not name or kind not in ("A", "AAAA"):
        return Answer(400, {"error": "Invalid query name or type."})
    found = addresses(world, name)
    of_kind = [one for one in found if (":" in one) == (kind == "AAAA")]
    body: dict[str, object] = {
        "Status": 0 if found else NAME_ERROR,
        "TC": False,
        "RD": True,
        "RA": True,
        "AD": False,
        "CD": False,
        "Question": [{"name": name, "type": TYPES[kind]}],
    }
    if of_kind:
        body["Answer"] = [
            {"name": name, "type": TYPES[kind], "TTL": 300, "data": one} for one in of_kind
        ]
    return Answer(200, body, {"Content-Type": "application/dns-json"})


def addresses(world: World, name: str) -> list[str]:
    """The addresses that visitors of a name are sent to; empty where it does not exist."""
    zone = world.zone_of(name)
    if zone is None:
        known = world.other_dns.get(name)
        return [known] if known else []
    found = records(zone, name)
    if any(one.proxied for one in found) and is_served_by_edge(zone):
        return list(world.edge_addresses)
    return origins(world, found)


def origins(world: World, found: Sequence[Record], *, depth: int = 0) -> list[str]:
    """The origin's addresses behind these records, aliases followed."""
    listed: list[str] = []
    for one in found:
        if one.type != "CNAME":
            listed.append(one.content)
        elif depth < LONGEST_CHAIN:
            zone = world.zone_of(one.content)
            behind = records(zone, one.content) if zone else []
            listed += origins(world, behind, depth=depth + 1)
            if zone is None and (known := world.other_dns.get(one.content)):
                listed.append(known)
    return list(dict.fromkeys(listed))


def networks(world: World) -> Answer:
    """``GET /ips``: networks that hold the edge's addresses."""
    listed = sorted({f"{one.rpartition('.')[0]}.0/24" for one in world.edge_addresses})
    result = {"ipv4_cidrs": listed, "ipv6_cidrs": ["2400:cb00::/32"], "etag": "sandbox"}
    body = {"success": True, "errors": [], "messages": [], "result": result}
    return Answer(200, body)
