"""What the pages ask of the agent about tokens; a secret goes in and never comes out again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from origin_pulls.actions.desk import ask
from origin_pulls.config import Config
from origin_pulls.model import tokens
from origin_pulls.model.caller import Caller
from origin_pulls.model.token_wish import AddToken, ListTokens, RemoveToken, TokenWish
from origin_pulls.model.tokens import TokenSeen


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


def _done(config: Config, caller: Caller, wish: TokenWish) -> Mapping[str, Any]:
    done = ask(config, caller, wish)["done"]
    return done if isinstance(done, Mapping) else {}
