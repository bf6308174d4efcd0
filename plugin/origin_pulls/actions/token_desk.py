"""What the pages ask of the agent about tokens; a secret goes in and never comes out again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from origin_pulls.actions.desk import ask
from origin_pulls.config import Config
from origin_pulls.model import tokens
from origin_pulls.model.caller import Caller
from origin_pulls.model.token_wish import (
    AddToken,
    CheckTokens,
    Forgetting,
    ListTokens,
    RemoveToken,
    TokenWish,
)
from origin_pulls.model.tokens import TokenReach, TokenSeen, ZoneReach


def listing(config: Config, caller: Caller) -> list[TokenSeen]:
    """The tokens that the caller may know of, masked."""
    found = _done(config, caller, ListTokens())["tokens"]
    return [TokenSeen(**one) for one in found if isinstance(found, Sequence)]


def add(
    config: Config,
    caller: Caller,
    typed: str,
    *,
    account: str = "",
    label: str = "",
    replaces: str = "",
) -> TokenSeen:
    """Have a token verified at Cloudflare and kept; what was kept, masked.

    ``replaces`` is the id of one of the same owner, in whose place it comes.

    ``Unusable`` when it is no token, ``Refused`` when Cloudflare does not accept it.
    """
    wish = AddToken(
        secret=tokens.secret_of(typed.encode("utf-8", "replace")),
        account=account,
        label=tokens.label_of(label),
        replaces=tokens.id_of(replaces) if replaces else "",
    )
    return TokenSeen(**_done(config, caller, wish)["token"])


def remove(config: Config, caller: Caller, token: str) -> tuple[TokenSeen, str]:
    """Have a token forgotten; which it was, and in words what can no longer be done (or empty).

    ``Refused`` when there is none of this id to be known of.
    """
    done = _done(config, caller, RemoveToken(tokens.id_of(token)))
    return TokenSeen(**done["token"]), str(done.get("lost") or "")


def forgetting(config: Config, caller: Caller, token: str) -> tuple[TokenSeen, str]:
    """A token, and in words what could no longer be done without it (or empty).

    ``Refused`` when there is none of this id to be known of.
    """
    found = _done(config, caller, Forgetting(tokens.id_of(token)))
    return TokenSeen(**found["token"]), str(found.get("lost") or "")


def check(config: Config, caller: Caller) -> list[TokenReach] | None:
    """What Cloudflare says now of the tokens that the caller may know of.

    ``None`` while it is still being asked; then the same is asked again a little later.
    """
    found = ask(config, caller, CheckTokens()).get("checked")
    return list(map(_reach, found)) if isinstance(found, Sequence) else None


def _reach(record: Mapping[str, Any]) -> TokenReach:
    zones = tuple(
        ZoneReach(one["name"], tuple(one["lacks"]), tuple(one["unknown"]))
        for one in record["zones"]
    )
    return TokenReach(**{**record, "zones": zones, "notes": tuple(record["notes"])})


def _done(config: Config, caller: Caller, wish: TokenWish) -> Mapping[str, Any]:
    done = ask(config, caller, wish)["done"]
    return done if isinstance(done, Mapping) else {}
