"""What may be asked of the agent: a handful of typed wishes, and their form on the wire."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from origin_pulls.errors import Unusable
from origin_pulls.model import names, token_wish
from origin_pulls.model.policy import Policy, read_policy
from origin_pulls.model.token_wish import TokenWish

MOST_ITEMS = 100_000
MATERIAL = re.compile(r"([0-9a-f]{16})?")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A policy for the vhost of this account and ServerName."""

    user: str
    server_name: str
    policy: Policy


@dataclass(frozen=True, slots=True)
class Change:
    """Set these policies; all of them or none, unless ``is_partial``.

    ``removes``: certificates that nobody demands any more are deleted at Cloudflare.
    """

    items: tuple[Wanted, ...]
    who: str = "root"
    is_partial: bool = False
    removes: bool = False


@dataclass(frozen=True, slots=True)
class Undo:
    """Take one job back."""

    job: int
    who: str = "root"


@dataclass(frozen=True, slots=True)
class Rotate:
    """Bring a new certificate to Cloudflare in the place of this vhost's (or its zone's).

    ``material`` is the number of one that was imported for it; empty: a new one is made.
    """

    user: str
    server_name: str
    who: str = "root"
    material: str = ""


@dataclass(frozen=True, slots=True)
class Cancel:
    """Take back a job that is at the edge."""

    job: int
    who: str = "root"


# What becomes a job.
JobWish = Change | Undo | Rotate

Wish = JobWish | Cancel | TokenWish


def write(wish: Wish) -> bytes:
    """The wish as one line of JSON."""
    match wish:
        case Undo():
            record: dict[str, object] = {"wish": "undo", "job": wish.job, "who": wish.who}
        case Cancel():
            record = {"wish": "cancel", "job": wish.job, "who": wish.who}
        case Rotate():
            record = {"wish": "rotate", "who": wish.who}
            record |= {"user": wish.user, "server_name": wish.server_name}
            record["material"] = wish.material
        case Change():
            items = [
                {
                    "user": item.user,
                    "server_name": item.server_name,
                    "policy": item.policy.as_record(),
                }
                for item in wish.items
            ]
            record = {"wish": "change", "who": wish.who, "partial": wish.is_partial}
            record["removes"] = wish.removes
            record["items"] = items
        case _:
            record = token_wish.as_record(wish)
    return json.dumps(record).encode() + b"\n"


def read(line: bytes) -> Wish:
    """The wish of a line; everything in it is checked, ``Unusable`` says what is wrong."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise Unusable("The wish is no JSON", hint="One object on one line.") from error
    if not isinstance(record, dict):
        raise Unusable("The wish is no object", hint="One object on one line.")
    who = record.get("who")
    if not isinstance(who, str) or not who.isprintable() or len(who) > 128:
        raise Unusable("The wish does not say who asks", hint="Give `who`.")
    match record.get("wish"):
        case "undo" | "cancel":
            number = record.get("job")
            if not isinstance(number, int) or not 0 < number < 2**63:
                raise Unusable("The wish names no job", hint="Give `job` as a number.")
            return Undo(number, who) if record["wish"] == "undo" else Cancel(number, who)
        case "change":
            is_partial, removes = record.get("partial") is True, record.get("removes") is True
            return Change(_items(record.get("items")), who, is_partial, removes)
        case "rotate":
            return Rotate(*_vhost(record), who, _material(record.get("material", "")))
    if (found := token_wish.read(record)) is not None:
        return found
    known = ", ".join(("change", "undo", "rotate", "cancel", *token_wish.NAMES))
    raise Unusable("There is no such wish", hint=f"Known: {known}.")


def _material(number: object) -> str:
    if not isinstance(number, str) or not MATERIAL.fullmatch(number):
        raise Unusable("The wish names no certificate", hint="Leave `material` out.")
    return number


def _items(items: object) -> tuple[Wanted, ...]:
    if not isinstance(items, list) or not 0 < len(items) <= MOST_ITEMS:
        raise Unusable("The wish has no list of items", hint="At least one.")
    wanted = [_item(item) for item in items]
    keys = {(item.user, item.server_name) for item in wanted}
    if len(keys) != len(wanted):
        raise Unusable("One vhost is named twice in one wish", hint="Name each once.")
    return tuple(wanted)


def _item(item: object) -> Wanted:
    if not isinstance(item, dict) or not isinstance(item.get("policy"), Mapping):
        raise Unusable("An item of the wish has no policy", hint="Give user, server_name, policy.")
    return Wanted(*_vhost(item), read_policy(item["policy"]))


def _vhost(item: Mapping[str, object]) -> tuple[str, str]:
    user, server_name = item.get("user"), item.get("server_name")
    if not isinstance(user, str) or not names.is_account(user):
        raise Unusable("An item names no account", hint="Give `user`.")
    if not isinstance(server_name, str) or not names.is_host_name(server_name):
        raise Unusable("An item names no vhost", hint="Give `server_name`.")
    return user, server_name
