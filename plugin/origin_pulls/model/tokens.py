"""The grammar of API tokens as people paste them, and what a token's permissions come to."""

from __future__ import annotations

import re
from dataclasses import dataclass

from origin_pulls.errors import Unusable
from origin_pulls.secret import Secret

LONGEST = 256
SHORTEST = 16
LONGEST_LABEL = 64
TOKEN = re.compile(rb"[A-Za-z0-9_.~+/=-]+")
OLD_GLOBAL_KEY = re.compile(rb"[0-9a-f]{37}")
ID = re.compile(r"[0-9a-f]{8}")
MAKE_ONE = (
    "Make an API token with Zone: Read, DNS: Read, Zone Settings: Read and SSL and Certificates: "
    "Edit at https://dash.cloudflare.com/profile/api-tokens, for the zones concerned."
)
ALONE = "Give the token alone, as Cloudflare shows it: nothing before it, nothing behind it."


@dataclass(frozen=True, slots=True)
class Permission:
    """One permission of a token in one zone; ``is_held`` ``None``: it could not be known."""

    name: str
    is_held: bool | None
    note: str = ""


@dataclass(frozen=True, slots=True)
class TokenSeen:
    """A token as it may be shown: whose it is, and its last four signs.

    ``owner`` is the account it belongs to, empty for the server's own.
    """

    id: str
    owner: str
    label: str
    masked: str
    added: str


@dataclass(frozen=True, slots=True)
class ZoneReach:
    """A zone that a token reaches; the permissions that it lacks there, or may lack."""

    name: str
    lacks: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenReach:
    """What Cloudflare said of a token just now; ``problem`` is empty where it is of use.

    ``notes`` say what was not looked at and what needs no looking at.
    """

    id: str
    expires: str = ""
    zones: tuple[ZoneReach, ...] = ()
    problem: str = ""
    notes: tuple[str, ...] = ()


def secret_of(text: bytes) -> Secret:
    """The token in what was pasted; ``Unusable`` says what is wrong, never what was typed."""
    typed = text.strip()
    if not typed:
        raise Unusable("There is no token", hint=MAKE_ONE)
    if re.match(rb"(authorization\s*:\s*)?bearer\b", typed, re.IGNORECASE):
        raise Unusable("What was given begins with Bearer", hint=ALONE)
    if typed[:1] in (b'"', b"'", b"`") or typed[-1:] in (b'"', b"'", b"`"):
        raise Unusable("What was given stands in quotes", hint=ALONE)
    if len(typed.split()) > 1:
        raise Unusable("What was given has spaces or lines in it", hint=ALONE)
    if typed.startswith(b"cfk_") or OLD_GLOBAL_KEY.fullmatch(typed):
        raise Unusable(
            "This is a Global API Key: it can do everything in the whole Cloudflare account",
            hint=MAKE_ONE,
        )
    if not TOKEN.fullmatch(typed) or not SHORTEST <= len(typed) <= LONGEST:
        raise Unusable("What was given is no API token", hint=MAKE_ONE)
    return Secret(typed)


def label_of(text: str) -> str:
    """The label of a token, or ``Unusable``."""
    label = text.strip()
    if len(label) > LONGEST_LABEL or not label.isprintable():
        raise Unusable(
            "The label cannot be used", hint=f"At most {LONGEST_LABEL} printable characters."
        )
    return label


def id_of(text: str) -> str:
    """The id of a token, or ``Unusable``."""
    if not ID.fullmatch(text):
        raise Unusable("That is no id of a token", hint="See `origin-pulls token list`.")
    return text
