"""The networks that Cloudflare's edge comes from: shipped with us, refreshed from its list."""

from __future__ import annotations

import ipaddress
import json
import logging
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path

import requests

from origin_pulls.cloudflare.exchange import NoReply, exchange, new_session
from origin_pulls.config import safe_address
from origin_pulls.errors import Refused
from origin_pulls.model.names import Network

FILE = "ranges.json"
LARGEST = 64 * 1024
TIMEOUT = (5.0, 15.0)  # connect, read
MOST_LOST = 1 / 3
# No range of Cloudflare's is this wide; a wider one would let half the world in.
WIDEST = {4: 10, 6: 24}

logger = logging.getLogger(__name__)


def read(kept: Path) -> tuple[str, ...]:
    """The ranges in force: those kept from the last refresh, else the shipped ones.

    A kept list that is damaged counts as none: it is never half a list, and never everybody.
    """
    try:
        return parse(kept.read_bytes())
    except FileNotFoundError:
        pass
    except (OSError, Refused) as error:
        logger.warning("%s is no list of networks, the shipped one counts: %s", kept, error)
    return parse(resources.files("origin_pulls.cloudflare").joinpath(FILE).read_bytes())


def parse(text: bytes) -> tuple[str, ...]:
    """The ranges of a body as ``GET /ips`` gives it (with or without its envelope).

    What `origin-pulls ranges --json` prints is understood as well.

    Raises ``Refused`` for one that is empty, not networks, or absurdly wide.
    """
    try:
        body = json.loads(text)
        is_none = body.get("success") is False
        found = body.get("result", body)
        listed = found.get("ranges") or [*found["ipv4_cidrs"], *found["ipv6_cidrs"]]
        networks = [ipaddress.ip_network(str(entry)) for entry in listed]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise Refused(
            "That is not Cloudflare's list of networks", hint="Nothing was changed; try again."
        ) from error
    if is_none:
        raise Refused("Cloudflare gave no list of networks", hint="Nothing was changed; try again.")
    _check(networks)
    return tuple(dict.fromkeys(str(network) for network in networks))


def fetch(api: str) -> bytes:
    """Cloudflare's published list, as it came; ``Refused`` when it cannot be had."""
    connect, read = TIMEOUT
    request = requests.Request("GET", f"{safe_address(api)}/ips")
    with new_session() as session:
        came = exchange(session, request, connect_timeout=connect, read_timeout=read)
    if isinstance(came, NoReply):
        raise Refused(
            f"Cloudflare's list of networks cannot be fetched: {came.reason}",
            hint="The list in force stays. Try again, or give a file with `--from`.",
        )
    if came.status != 200 or len(came.body) > LARGEST:
        raise Refused(
            f"Cloudflare answered {came.status} to the question for its networks",
            hint="The list in force stays. Try again later.",
        )
    return came.body


def compared(
    now: Sequence[str], new: Sequence[str], *, may_shrink: bool = False
) -> Mapping[str, list[str]]:
    """Which networks came and which went.

    ``Refused`` when more than a third of all would go, or all of IPv4 or of IPv6: such a list is
    rather a broken one.
    """
    gone = [network for network in now if network not in new]
    kinds = {network: ":" in network for network in (*now, *new)}
    lost = {kinds[one] for one in now} - {kinds[one] for one in new}
    if (len(gone) > len(now) * MOST_LOST or lost) and not may_shrink:
        raise Refused(
            f"The new list lacks {len(gone)} of {len(now)} networks: that is not believed",
            hint="Look at https://www.cloudflare.com/ips/ and give the list with `--from` and "
            "`--shrink` if it is right.",
        )
    return {"added": [network for network in new if network not in now], "gone": gone}


def _check(networks: Sequence[Network]) -> None:
    if not networks or not any(network.version == 4 for network in networks):
        raise Refused("The list of networks is empty", hint="Nothing was changed; try again.")
    for network in networks:
        if network.prefixlen < WIDEST[network.version]:
            raise Refused(f"{network} is too wide to be Cloudflare's", hint="Nothing was changed.")
