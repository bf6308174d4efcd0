"""What may be asked of the agent: a handful of typed wishes, and their form on the wire."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from origin_pulls.errors import Unusable
from origin_pulls.model import desk_wish, names, token_wish
from origin_pulls.model.caller import Caller, read_caller
from origin_pulls.model.desk_wish import DeskWish
from origin_pulls.model.policy import Policy, read_policy
from origin_pulls.model.token_wish import (
    AddToken,
    CheckTokens,
    Forgetting,
    ListTokens,
    RemoveToken,
    TokenWish,
)

MOST_ITEMS = 100_000
MOST_MINUTES = 1440
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

    After ``revert_minutes`` (0: never) it goes back by itself unless it is confirmed.
    ``fingerprint`` is that of the preview that was reviewed: where the facts differ when its turn
    comes, it is refused. Empty asks for no such comparison.
    ``removes``: certificates that nobody demands any more are deleted at Cloudflare.
    """

    items: tuple[Wanted, ...]
    who: str = "root"
    is_partial: bool = False
    revert_minutes: int = 0
    fingerprint: str = ""
    removes: bool = False


@dataclass(frozen=True, slots=True)
class Undo:
    """Take one job back; ``is_partial`` passes over what has been changed since.

    ``fingerprint`` is that of a preview, as of a change's. Where the job ended a demand for which a
    person had said that Cloudflare is ready, ``is_edge_ready`` says so of it anew.
    """

    job: int
    who: str = "root"
    is_partial: bool = False
    fingerprint: str = ""
    is_edge_ready: bool = False


@dataclass(frozen=True, slots=True)
class Rotate:
    """Bring a new certificate to Cloudflare in the place of this vhost's (or its zone's).

    ``material`` is the number of one that was imported for it; empty: a new one is made. That an
    imported one is replaced by one made here must be said: ``is_made_here``.
    """

    user: str
    server_name: str
    who: str = "root"
    material: str = ""
    is_made_here: bool = False


@dataclass(frozen=True, slots=True)
class Cancel:
    """Take back a job that is at the edge."""

    job: int
    who: str = "root"


# What can be looked at before it is asked for.
Reviewed = Change | Undo

# What becomes a job.
JobWish = Change | Undo | Rotate


@dataclass(frozen=True, slots=True)
class Preview:
    """What a change or an undo would do; answered with ``{"preview": {...}}``.

    It tells of all, and shows some: those after this many.
    """

    of: Reviewed
    after: int = 0


Wish = JobWish | Cancel | Preview | DeskWish | TokenWish


@dataclass(frozen=True, slots=True)
class Asked:
    """A wish and who asks; root's own programs need not say who they are (``None``)."""

    wish: Wish
    caller: Caller | None = None


def write(wish: Wish, caller: Caller | None = None) -> bytes:
    """The wish as one line of JSON, with who asks where that is not root by itself."""
    record = _as_record(wish)
    if caller is not None:
        record["caller"] = caller.as_record()
    return json.dumps(record).encode() + b"\n"


def _as_record(wish: Wish) -> dict[str, object]:
    match wish:
        case Undo():
            record: dict[str, object] = {"wish": "undo", "job": wish.job, "who": wish.who}
            record |= {"partial": wish.is_partial, "fingerprint": wish.fingerprint}
            return {**record, "edge_ready": wish.is_edge_ready}
        case Cancel():
            return {"wish": "cancel", "job": wish.job, "who": wish.who}
        case Rotate():
            record = {"wish": "rotate", "who": wish.who}
            record |= {"user": wish.user, "server_name": wish.server_name}
            return {**record, "material": wish.material, "made_here": wish.is_made_here}
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
            record |= {"revert_minutes": wish.revert_minutes, "fingerprint": wish.fingerprint}
            return {**record, "removes": wish.removes, "items": items}
        case Preview():
            return {"wish": "preview", "of": _as_record(wish.of), "after": wish.after}
        case AddToken() | RemoveToken() | ListTokens() | Forgetting() | CheckTokens():
            return token_wish.as_record(wish)
        case _:
            return desk_wish.as_record(wish)


def read(line: bytes) -> Wish:
    """The wish of a line; everything in it is checked, ``Unusable`` says what is wrong."""
    return read_asked(line).wish


def read_asked(line: bytes) -> Asked:
    """The wish of a line and who asks; ``Unusable`` says what is wrong in it."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise Unusable("The wish is no JSON", hint="One object on one line.") from error
    if not isinstance(record, dict):
        raise Unusable("The wish is no object", hint="One object on one line.")
    caller = read_caller(record["caller"]) if "caller" in record else None
    return Asked(_wish(record), caller)


def _wish(record: Mapping[str, object]) -> Wish:
    if record.get("wish") == "preview":
        inner = record.get("of")
        of = _job_wish(inner) if isinstance(inner, Mapping) else None
        if not isinstance(of, Change | Undo):
            raise Unusable("There is nothing to preview", hint="Give `of`: a change or an undo.")
        return Preview(of, _after(record.get("after", 0)))
    found = _job_wish(record) or _cancel(record) or _other(record)
    if found is None:
        own = ("change", "undo", "rotate", "cancel", "preview")
        known = ", ".join([*own, *desk_wish.NAMES.values(), *token_wish.NAMES])
        raise Unusable("There is no such wish", hint=f"Known: {known}.")
    return found


def _job_wish(record: Mapping[str, object]) -> JobWish | None:
    match record.get("wish"):
        case "undo":
            number = desk_wish.job_number(record.get("job"))
            reviewed = _fingerprint(record.get("fingerprint", ""))
            is_partial = record.get("partial") is True
            is_edge_ready = record.get("edge_ready") is True
            return Undo(number, _who(record), is_partial, reviewed, is_edge_ready)
        case "change":
            return Change(
                _items(record.get("items")),
                _who(record),
                is_partial=record.get("partial") is True,
                revert_minutes=_minutes(record.get("revert_minutes", 0)),
                fingerprint=_fingerprint(record.get("fingerprint", "")),
                removes=record.get("removes") is True,
            )
        case "rotate":
            material = _material(record.get("material", ""))
            is_made_here = record.get("made_here") is True
            return Rotate(*_vhost(record), _who(record), material, is_made_here)
    return None


def _other(record: Mapping[str, object]) -> DeskWish | TokenWish | None:
    return desk_wish.read(record) or token_wish.read(record)


def _cancel(record: Mapping[str, object]) -> Cancel | None:
    if record.get("wish") != "cancel":
        return None
    return Cancel(desk_wish.job_number(record.get("job")), _who(record))


def _who(record: Mapping[str, object]) -> str:
    who = record.get("who")
    if not isinstance(who, str) or not who.isprintable() or len(who) > 128:
        raise Unusable("The wish does not say who asks", hint="Give `who`.")
    return who


def _minutes(minutes: object) -> int:
    is_number = isinstance(minutes, int) and not isinstance(minutes, bool)
    if not is_number or not 0 <= int(str(minutes)) <= MOST_MINUTES:
        raise Unusable("revert_minutes is no number of minutes", hint=f"0 to {MOST_MINUTES}.")
    return int(str(minutes))


def _after(number: object) -> int:
    if not isinstance(number, int) or isinstance(number, bool) or not 0 <= number <= MOST_ITEMS:
        raise Unusable("That is no place to go on from", hint=f"0 to {MOST_ITEMS:,}.")
    return number


def _fingerprint(text: object) -> str:
    if not isinstance(text, str) or len(text) > 64 or (text and not text.isalnum()):
        raise Unusable("The fingerprint is none of ours", hint="Take it from the preview.")
    return text


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
