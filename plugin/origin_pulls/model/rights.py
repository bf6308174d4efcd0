"""Who may do what: decisions over callers, wishes and what the administrator allows."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from origin_pulls.errors import Refused
from origin_pulls.model import typed
from origin_pulls.model.caller import Caller, Kind
from origin_pulls.model.desk_wish import (
    Confirm,
    Edge,
    Enter,
    Lock,
    Prove,
    Show,
    Unlock,
)
from origin_pulls.model.policy import Mode, Policy, Trust
from origin_pulls.model.settings import Permission
from origin_pulls.model.token_wish import (
    AddToken,
    CheckTokens,
    Forgetting,
    ListTokens,
    RemoveToken,
    TokenWish,
)
from origin_pulls.model.wish import Cancel, Change, Preview, Rotate, Undo, Wish

ASK_ADMIN = "Ask your server's administrator."
TOGETHER = "Not done, because of what was asked together"
OR_ASK_ADMIN = "Or ask your server's administrator."
# What an account holder may ask for at all; each is looked at closer by the functions below.
OPEN_TO_ACCOUNTS = (
    *(Change, Undo, Preview, Enter, Show, Prove, Confirm, Rotate, Cancel, Edge),
    *(AddToken, RemoveToken, ListTokens, Forgetting, CheckTokens),
)
LOOKS_AT_TOKENS = (ListTokens, Forgetting, CheckTokens)
ORDER = tuple(Permission)
# Root's files and other people's sites are named in sentences that are meant for root.
PATH = re.compile(r"(?<![\w.:/-])/(?:etc|var|usr|home\d*|opt|run|root|tmp|scripts)\b")
HIDDEN = "Something in the server's own configuration stands in the way."


@dataclass(frozen=True, slots=True)
class Standing:
    """What is so of an account at this moment."""

    is_known: bool
    is_suspended: bool
    has_feature: bool
    may: Permission


def of_caller(caller: Caller, wish: Wish, *, is_root_level: bool) -> Refused | None:
    """Why this kind of caller may not ask this at all; ``None`` when it may.

    ``is_root_level`` says whether a WHM user is root or has cPanel's ``all``.
    """
    if caller.kind is Kind.WHM and not is_root_level:
        return Refused(
            "Resellers cannot use Origin Pulls yet", hint="Sign in to WHM as root, or ask root."
        )
    if caller.is_account and not isinstance(wish, OPEN_TO_ACCOUNTS):
        return Refused("This is for the server's administrator alone", hint=ASK_ADMIN)
    return None


def of_account(standing: Standing, wish: Wish) -> Refused | None:
    """Why an account holder may not ask this, whatever vhost it is about."""
    if not standing.is_known:
        return Refused("There is no such account on this server", hint=ASK_ADMIN)
    if standing.is_suspended:
        return Refused("The account is suspended", hint=ASK_ADMIN)
    if not standing.has_feature:
        return Refused("Origin Pulls is not part of this account's features", hint=ASK_ADMIN)
    if ORDER.index(standing.may) >= ORDER.index(_needed(wish)):
        return None
    said = {
        Permission.NOTHING: "Origin Pulls is not open to account holders here",
        Permission.SEE: "Account holders may look here, but change nothing",
    }.get(standing.may, "Account holders may observe here, and leave the rest as it is")
    return Refused(said, hint=ASK_ADMIN)


def of_policy(
    may: Permission, now: Policy, wanted: Policy, *, locked: str, name: str
) -> Refused | None:
    """Why an account holder may not give a vhost of its own this policy.

    Exempt networks, names, paths and port 80 are the holder's own affair: they open or close
    nothing but the holder's site, which ``.htaccess`` could as well. What is kept from them:
    saying that the edge is ready, since that switches a check off and leaves a dead site to be
    mended by the administrator; and a CA of their own, which root would have to parse and which
    no account can make Cloudflare present. What an administrator set so may stay so.
    """
    if wanted == now:
        return None
    refused = of_touching(may, (now, wanted), locked=locked, name=name)
    if refused:
        return refused
    if wanted.edge_ready and not wanted.vouched(now, is_said=False).edge_ready:
        return Refused(
            f"{name}: only the administrator can say that Cloudflare is ready",
            hint="Leave it out: the certificate is brought there for you, or you are told how.",
        )
    if wanted.trust is Trust.CUSTOM and not _trusts_the_same(now, wanted):
        return Refused(f"{name}: only the administrator can bring another CA", hint=ASK_ADMIN)
    return None


def of_touching(
    may: Permission, policies: Sequence[Policy], *, locked: str, name: str
) -> Refused | None:
    """Why an account holder may not lay hands on a vhost of its own that has, had or gets these.

    Also what leaves the policy as it is comes by here: to confirm or to cancel what was asked, to
    bring a new certificate, to have one deleted.
    """
    if locked:
        return Refused(f"{name} is locked by the administrator: {locked}", hint=ASK_ADMIN)
    if may is not Permission.EVERYTHING and any(one.mode is Mode.ENFORCE for one in policies):
        return Refused(
            f"{name}: account holders may observe here, but neither enforce nor undo it",
            hint=ASK_ADMIN,
        )
    return None


def as_told_to_accounts(message: str, hint: str) -> tuple[str, str]:
    """A refusal or outcome as an account holder may read it: no root's file, no other site.

    Of the hint what the pages of an account have stays; the rest is the administrator's to do.
    """
    if PATH.search(message) or "bystander" in message or "Another site" in message:
        return HIDDEN, ASK_ADMIN
    if PATH.search(hint):
        return message, ASK_ADMIN
    kept, is_cut = typed.for_all(hint)
    if is_cut:
        kept = f"{kept} {OR_ASK_ADMIN}" if kept else ASK_ADMIN
    return message, kept


def with_who(wish: Wish, caller: Caller) -> Wish:
    """The wish in the name of who really asks."""
    match wish:
        case Undo() if caller.is_account:
            return replace(wish, who=caller.user, is_edge_ready=False)
        case Change() | Undo() | Rotate() | Cancel():
            return replace(wish, who=caller.user)
        case Preview():
            of = with_who(wish.of, caller)
            return replace(wish, of=of) if isinstance(of, Change | Undo) else wish
    if not isinstance(wish, TokenWish):
        return wish
    if caller.is_account:
        # An account holder's tokens are the account's own, whatever the wish says.
        return replace(wish, who=caller.user, account=caller.user)
    return replace(wish, who=caller.user) if caller.kind is Kind.WHM else wish


def named(wish: Wish) -> Mapping[tuple[str, str], Policy | None]:
    """The vhosts that a wish names itself, each with the policy wanted for it."""
    match wish:
        case Change():
            return {(one.user, one.server_name): one.policy for one in wish.items}
        case Preview():
            return named(wish.of)
        case Show() | Prove() | Edge() | Lock() | Unlock() | Rotate():
            return {(wish.user, wish.server_name): None}
        case _:
            return {}


def _needed(wish: Wish) -> Permission:
    match wish:
        case Enter() | Show() | Edge() | ListTokens() | Forgetting() | CheckTokens():
            return Permission.SEE
        case Rotate() | Cancel():  # of what is demanded, or on its way there
            return Permission.EVERYTHING
        case _:
            return Permission.OBSERVE


def _trusts_the_same(now: Policy, wanted: Policy) -> bool:
    return (now.trust, now.ca) == (wanted.trust, wanted.ca)
