"""Adds, replaces, removes and lists tokens; the agent and the CLI both do it by this module."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace

from origin_pulls.cloudflare.values import TokenState
from origin_pulls.engine import looking, reaching
from origin_pulls.engine.server import Server
from origin_pulls.errors import EdgeRefused, Refused
from origin_pulls.model.names import domain
from origin_pulls.model.reconciling import Life, Move
from origin_pulls.model.saying import named
from origin_pulls.model.token_wish import (
    AddToken,
    CheckTokens,
    Forgetting,
    ListTokens,
    RemoveToken,
    TokenWish,
)
from origin_pulls.model.tokens import TokenSeen
from origin_pulls.secret import Secret
from origin_pulls.server import certificates, lock
from origin_pulls.server.tokens import MOST, Token, Tokens
from origin_pulls.store.rollouts import EdgeStore

LOCK_PATIENCE = 30.0
Say = Callable[[str], None]


def silent(_: str) -> None:
    """Say nothing."""


def carry_out(server: Server, wish: TokenWish, say: Say = silent) -> Mapping[str, object]:
    """Do what a wish about tokens asks; what was done, as plain values without any secret.

    ``Refused`` for what is asked of Cloudflare alone, which others do (``token_checking``).
    """
    match wish:
        case AddToken():
            return _add(server, wish, say)
        case RemoveToken():
            return _remove(server, wish, say)
        case Forgetting():
            tokens = _kept(server)
            one = _known(tokens, wish)
            return {"token": asdict(one.seen), "lost": _lost(server, tokens, one)}
        case CheckTokens():
            raise Refused("Nobody here answers such a wish", hint="Is it the same version?")
        case ListTokens():
            kept = _kept(server).all()
            shown = [asdict(one.seen) for one in kept if wish.account in (None, one.owner)]
            return {"tokens": shown}


def follow_accounts(server: Server, moves: Sequence[Move], lives: Mapping[str, Life]) -> None:
    """Let accounts' tokens follow the panel: renamed ones keep theirs, of gone ones none stays.

    As long as something is presented for an account that is gone, its token is what takes that
    away at Cloudflare; it goes afterwards.
    """
    kept = _kept(server)
    owned = [token for token in kept.all() if token.owner]
    if not owned:
        return
    names = {(move.user, move.incarnation): (move.new_user, move.new_incarnation) for move in moves}
    needed = {(one.user, one.incarnation) for one in EdgeStore(server.store).presented()}
    with lock.held(server.config.tokens_lock, patience=LOCK_PATIENCE, waiting=silent):
        for token in owned:
            place = token.owner, token.incarnation
            if place in names:
                owner, incarnation = names[place]
                kept.keep(replace(token, owner=owner, incarnation=incarnation))
            elif _is_gone(token, lives) and place not in needed:
                kept.remove(token.id)
                said = "forgot the token of an account that is gone"
                server.store.audit("hook", said, about(token.seen), at=server.stamp())


def _is_gone(token: Token, lives: Mapping[str, Life]) -> bool:
    life = lives.get(token.owner)
    return life is None or (life.is_known and life.incarnation != token.incarnation)


def _add(server: Server, wish: AddToken, say: Say) -> Mapping[str, object]:
    incarnation = _incarnation(server, wish.account)
    # Asked before the lock is taken: Cloudflare may take its time.
    state = _verified(server, wish.secret, say)
    with lock.held(server.config.tokens_lock, patience=LOCK_PATIENCE, waiting=say):
        kept = _kept(server)
        token = _place_for(kept, wish, incarnation, server.stamp())
        kept.keep(token)
    return {
        "token": asdict(token.seen),
        "expires_on": state.expires_on,
        "account_owned": state.is_account_owned,
    }


def _remove(server: Server, wish: RemoveToken, say: Say) -> Mapping[str, object]:
    with lock.held(server.config.tokens_lock, patience=LOCK_PATIENCE, waiting=say):
        kept = _kept(server)
        token = _known(kept, wish)
        kept.remove(token.id)
    return {"token": asdict(token.seen), "lost": _lost(server, kept, token)}


def _known(kept: Tokens, wish: RemoveToken | Forgetting) -> Token:
    """The token that a wish names; ``Refused`` where there is none, or it is another's."""
    token = kept.get(wish.token)
    if wish.account not in (None, token.owner):
        raise Refused(f"There is no token {wish.token}", hint="See the list of tokens.")
    return token


def _lost(server: Server, kept: Tokens, gone: Token) -> str:
    """What can no longer be done without a token, in words; empty: all goes on.

    It may still be among those that are ``kept``.
    """

    def others(user: str, incarnation: str) -> list[Token]:
        return [one for one in kept.of(user, incarnation) if one.id != gone.id]

    if others(*reaching.SERVER):
        return ""
    left = {
        one.server_name: one
        for one in EdgeStore(server.store).presented()
        if gone.owner in ("", one.user)
        and not one.is_void
        and not others(one.user, one.incarnation)
    }
    if not left:
        return ""
    rows = [certificates.kept(server.config.keys_directory / one.material) for one in left.values()]
    ends = min((row.expires for row in rows if row is not None), default=None)
    until = f" The first ends on {ends:%Y-%m-%d}." if ends else ""
    return (
        f"No token is left for {named(list(map(domain, left)))}: "
        "it is no longer watched whether Cloudflare presents the certificate, so they will not "
        "step back to observe by themselves; their "
        f"certificates are not renewed, and `off` leaves Cloudflare's side on.{until}"
    )


def _verified(server: Server, secret: Secret, say: Say) -> TokenState:
    with reaching.client(server.config, secret, say=say) as client:
        try:
            state = client.verify()
        except EdgeRefused as error:
            raise Refused(error.message, hint=error.hint) from error
    if not state.is_good:
        raise Refused(
            f"Cloudflare says that this token is {ascii(state.status)[1:-1]}",
            hint="Enable it or make another at https://dash.cloudflare.com/profile/api-tokens.",
        )
    return state


def _place_for(kept: Tokens, wish: AddToken, incarnation: str, now: str) -> Token:
    """The token as it is to be kept: in the place of another, or of itself, or as a new one."""
    new = Token("", wish.secret, wish.account, incarnation, wish.label, now)
    if wish.replaces:
        old = kept.get(wish.replaces)
        if (old.owner, old.incarnation) != (wish.account, incarnation):
            raise Refused(
                f"Token {old.id} belongs to {old.owner or 'the server'}",
                hint="A token takes the place of one of the same owner only.",
            )
        return replace(new, id=old.id, label=wish.label or old.label)
    mine = kept.of(wish.account, incarnation)
    for old in mine:
        if hmac.compare_digest(old.secret.reveal(), wish.secret.reveal()):
            return replace(new, id=old.id, label=wish.label or old.label, added=old.added)
    if len(kept.all()) >= MOST:
        raise Refused(f"There are {MOST} tokens already", hint="Remove some first.")
    return replace(new, id=secrets.token_hex(4))


def _incarnation(server: Server, account: str) -> str:
    """The life of an account that a token is for; ``Refused`` where there is no such account."""
    if not account:
        return ""
    for vhost in looking.look(server).vhosts:
        if vhost.user == account:
            return vhost.incarnation
    raise Refused(
        f"There is no account {account} with a domain on this server",
        hint="See `origin-pulls list`.",
    )


def _kept(server: Server) -> Tokens:
    return Tokens(server.config.tokens_directory)


def about_done(done: Mapping[str, object]) -> str:
    """The token that something was done to, as the audit names it; empty where it was to none."""
    token = done.get("token")
    return about(TokenSeen(**token)) if isinstance(token, Mapping) else ""


def about(token: TokenSeen) -> str:
    """A token as the audit names it."""
    return f"token {token.id} of {token.owner or 'the server'}"
