"""Cloudflare's tokens and zones: what a person can ask for."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from origin_pulls.agent import speaking
from origin_pulls.config import Config
from origin_pulls.engine import token_checking, token_keeping
from origin_pulls.engine.server import Server
from origin_pulls.engine.token_checking import Checked, ZonesSeen
from origin_pulls.errors import Refused
from origin_pulls.model import deeds, tokens
from origin_pulls.model.token_wish import AddToken, RemoveToken, TokenWish
from origin_pulls.model.tokens import TokenSeen
from origin_pulls.server.tokens import Tokens

Say = Callable[[str], None]


def add(
    config: Config,
    typed: bytes,
    *,
    account: str = "",
    label: str = "",
    replaces: str = "",
    who: str = "root",
    say: Say = token_keeping.silent,
) -> Mapping[str, object]:
    """Verify what was typed as a token and keep it; what was kept, masked.

    ``Unusable`` when it is no token, ``Refused`` when Cloudflare does not accept it.
    """
    wish = AddToken(
        secret=tokens.secret_of(typed),
        account=account,
        label=tokens.label_of(label),
        replaces=tokens.id_of(replaces) if replaces else "",
        who=who,
    )
    return _carry_out(config, wish, say)


def remove(
    config: Config, token: str, *, who: str = "root", say: Say = token_keeping.silent
) -> Mapping[str, object]:
    """Forget a token; ``Refused`` when there is none of this id."""
    return _carry_out(config, RemoveToken(tokens.id_of(token), who=who), say)


def listing(config: Config) -> list[TokenSeen]:
    """All tokens, masked."""
    return [token.seen for token in Tokens(config.tokens_directory).all()]


def check(config: Config, say: Say) -> list[Checked]:
    """What each token is good for. Nothing is written at Cloudflare."""
    return token_checking.check(Server.dry(config), say)


def zones(config: Config, say: Say) -> ZonesSeen:
    """The zones that the tokens reach, what could not be read, and whose zone nobody reaches."""
    return token_checking.zones_seen(Server.dry(config), say)


def _carry_out(config: Config, wish: TokenWish, say: Say) -> Mapping[str, object]:
    """By the agent where one runs, so that it alone writes; else here, under the same lock."""
    try:
        answer = speaking.hand_over(config, wish)
    except ConnectionError:
        server = Server.of(config)
        try:
            done = token_keeping.carry_out(server, wish, say)
            said, subject = deeds.words(wish).done, token_keeping.about_done(done)
            server.store.audit(wish.who, said, subject, at=server.stamp())
            return done
        finally:
            server.store.close()
    told = answer.get("done")
    if not isinstance(told, dict):
        raise Refused("The agent answered something else", hint="See `origin-pulls token list`.")
    return told
