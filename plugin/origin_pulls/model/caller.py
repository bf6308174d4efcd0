"""Who asks: the kind of caller, its name, and where it comes from."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from origin_pulls.errors import Unusable
from origin_pulls.model import names

LONGEST_WAY = 32


class Kind(StrEnum):
    """How a caller came to be known."""

    ROOT = "root"
    WHM = "whm"
    ACCOUNT = "account"


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody who asks: root of this machine, a user of WHM, or a cPanel account.

    ``address`` is where the browser is (empty: on this machine), ``via`` the door it came by.
    """

    kind: Kind
    user: str
    address: str = ""
    via: str = ""

    @property
    def is_account(self) -> bool:
        """Whether it is an account holder, who reaches what is the account's and nothing else."""
        return self.kind is Kind.ACCOUNT

    def as_record(self) -> dict[str, str]:
        """The caller as plain values, the shape that ``read_caller`` takes."""
        return {
            "kind": str(self.kind),
            "user": self.user,
            "address": self.address,
            "via": self.via,
        }


ROOT = Caller(Kind.ROOT, "root", via="cli")
AGENT = Caller(Kind.ROOT, "agent", via="agent")
# Who is noted where nobody asked: what the agent does of itself, and what follows the panel.
ITSELF = (AGENT.user, "hook")


def is_itself(who: str, kind: str) -> bool:
    """Whether a deed or job of this name and kind of caller was nobody's: it went by itself."""
    return who in ITSELF and kind in ("", Kind.ROOT)


def read_caller(record: object) -> Caller:
    """The caller of a record that came over a border; ``Unusable`` says what is wrong in it."""
    if not isinstance(record, Mapping):
        raise Unusable("The wish does not say who asks", hint="Give `caller`.")
    user, way = record.get("user"), record.get("via", "")
    if not isinstance(user, str) or not names.is_account(user):
        raise Unusable("The caller has no user name", hint="Give `user`.")
    if not isinstance(way, str) or not way.isprintable() or len(way) > LONGEST_WAY:
        raise Unusable("The caller's `via` is no short word", hint="Give `cli` or `web`.")
    try:
        kind = Kind(str(record.get("kind")))
        given = str(record.get("address") or "")
        address = str(ipaddress.ip_address(given)) if given else ""
    except ValueError as error:
        raise Unusable("The caller's kind or address is wrong", hint=str(error)) from error
    return Caller(kind, user, address, way)
