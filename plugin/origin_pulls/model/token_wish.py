"""Wishes about tokens, and their form on the wire. What carries a secret prints as ``***``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from origin_pulls.errors import Unusable
from origin_pulls.model import names, tokens
from origin_pulls.secret import Secret

NAMES = ("add token", "remove token", "list tokens", "forgetting", "check tokens")


@dataclass(frozen=True, slots=True)
class AddToken:
    """Verify a token and keep it: for one account, or (``account`` empty) for the server.

    ``replaces`` is the id of a token in whose place it comes, or empty.
    """

    secret: Secret
    account: str = ""
    label: str = ""
    replaces: str = ""
    who: str = "root"


@dataclass(frozen=True, slots=True)
class RemoveToken:
    """Forget a token; where ``account`` is given, only if it is this account's."""

    token: str
    account: str | None = None
    who: str = "root"


@dataclass(frozen=True, slots=True)
class ListTokens:
    """All tokens, masked; those of one account where ``account`` is given."""

    account: str | None = None
    who: str = "root"


@dataclass(frozen=True, slots=True)
class Forgetting:
    """What it would mean to forget a token; where ``account`` is given, only of this account's."""

    token: str
    account: str | None = None
    who: str = "root"


@dataclass(frozen=True, slots=True)
class CheckTokens:
    """Ask Cloudflare what the tokens may, and which zones they reach; of one account's, or all."""

    account: str | None = None
    who: str = "root"


TokenWish = AddToken | RemoveToken | ListTokens | Forgetting | CheckTokens


def as_record(wish: TokenWish) -> dict[str, object]:
    """The wish as plain values, for the agent's socket alone: a secret stands in it openly."""
    match wish:
        case AddToken():
            return {
                "wish": "add token",
                "who": wish.who,
                "secret": wish.secret.reveal().decode("ascii"),
                "account": wish.account,
                "label": wish.label,
                "replaces": wish.replaces,
            }
        case RemoveToken():
            record = {"wish": "remove token", "token": wish.token}
            return {**record, "who": wish.who, "account": wish.account}
        case ListTokens():
            return {"wish": "list tokens", "who": wish.who, "account": wish.account}
        case Forgetting():
            record = {"wish": "forgetting", "token": wish.token}
            return {**record, "who": wish.who, "account": wish.account}
        case CheckTokens():
            return {"wish": "check tokens", "who": wish.who, "account": wish.account}


def read(record: Mapping[str, object]) -> TokenWish | None:
    """The wish of a record, ``None`` when it is of another kind; ``Unusable`` for a wrong one."""
    if record.get("wish") not in NAMES:
        return None
    who = _text(record, "who")
    if not who.isprintable() or len(who) > 128:
        raise Unusable("The wish does not say who asks", hint="Give `who`.")
    match record["wish"]:
        case "add token":
            replaces = _text(record, "replaces")
            return AddToken(
                secret=tokens.secret_of(_text(record, "secret").encode("utf-8", "replace")),
                account=_account(record) or "",
                label=tokens.label_of(_text(record, "label")),
                replaces=tokens.id_of(replaces) if replaces else "",
                who=who,
            )
        case "remove token":
            return RemoveToken(tokens.id_of(_text(record, "token")), _account(record), who)
        case "forgetting":
            return Forgetting(tokens.id_of(_text(record, "token")), _account(record), who)
        case "check tokens":
            return CheckTokens(_account(record), who)
        case _:
            return ListTokens(_account(record), who)


def _account(record: Mapping[str, object]) -> str | None:
    if record.get("account") is None:
        return None
    account = _text(record, "account")
    if account and not names.is_account(account):
        raise Unusable("The wish names no account", hint="Give `account`.")
    return account


def _text(record: Mapping[str, object], name: str) -> str:
    value = record.get(name, "")
    if not isinstance(value, str):
        raise Unusable(f"{name} of the wish is no text", hint="See the documentation.")
    return value
