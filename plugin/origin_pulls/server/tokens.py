"""Cloudflare's tokens in root's own files: one file each, 0600, in a folder of 0700."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from pathlib import Path

from origin_pulls.errors import Damaged, Refused
from origin_pulls.model import tokens
from origin_pulls.model.tokens import TokenSeen
from origin_pulls.secret import Secret
from origin_pulls.server import files

logger = logging.getLogger(__name__)

LARGEST = 4096
MOST = 1000


@dataclass(frozen=True, slots=True)
class Token:
    """One token. ``owner`` is an account with its ``incarnation``; empty: it is the server's."""

    id: str
    secret: Secret
    owner: str = ""
    incarnation: str = ""
    label: str = ""
    added: str = ""

    @property
    def seen(self) -> TokenSeen:
        """As it may be shown."""
        last = self.secret.reveal()[-4:].decode("ascii", "replace")
        return TokenSeen(self.id, self.owner, self.label, f"…{last}", self.added)


class Tokens:
    """The tokens of a server, below ``Config.tokens_directory``."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def all(self) -> list[Token]:
        """All that can be read, the oldest first; a damaged one is logged and left out."""
        found: list[Token] = []
        try:
            places = sorted(self._directory.glob("*.json"))[:MOST]
        except OSError as error:
            raise Damaged(
                f"{self._directory} cannot be read: {error.strerror}", hint="Look at its mode."
            ) from error
        for place in places:
            if not tokens.ID.fullmatch(place.stem):
                continue
            try:
                token = self._read(place)
            except Damaged as error:
                logger.warning("%s", error)
                continue
            if token is not None:
                found.append(token)
        return sorted(found, key=lambda token: (token.added, token.id))

    def of(self, owner: str, incarnation: str) -> list[Token]:
        """The tokens of one life of an account; those of the server for empty names."""
        return [one for one in self.all() if (one.owner, one.incarnation) == (owner, incarnation)]

    def get(self, token_id: str) -> Token:
        """One token; ``Refused`` when there is none of this id."""
        found = self._read(self._place(token_id))
        if found is None:
            raise Refused(f"There is no token {token_id}", hint="See `origin-pulls token list`.")
        return found

    def keep(self, token: Token) -> None:
        """Write a token, in the place of one of the same id where there is one."""
        files.make_directory(self._directory, mode=0o700)
        record = {
            "account": token.owner,
            "incarnation": token.incarnation,
            "label": token.label,
            "added": token.added,
            "secret": token.secret.reveal().decode("ascii"),
        }
        files.replace(self._place(token.id), json.dumps(record).encode(), mode=files.PRIVATE)

    def remove(self, token_id: str) -> None:
        """Take a token's file away; one that is gone already is no error."""
        files.remove(self._place(token_id))

    def _place(self, token_id: str) -> Path:
        return self._directory / f"{tokens.id_of(token_id)}.json"

    def _read(self, place: Path) -> Token | None:
        try:
            text = files.read(place, limit=LARGEST)
            if text is None:
                return None
            record = json.loads(text)
            owner, incarnation, label, added, secret = (
                str(record[name]) for name in ("account", "incarnation", "label", "added", "secret")
            )
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            # Not chained: what cannot be parsed may hold the secret, and errors quote it.
            raise Damaged(
                f"The token in {place} cannot be read",
                hint="Remove the file, and add the token again with `origin-pulls token add`.",
            ) from None
        return Token(
            id=place.stem,
            secret=Secret(secret.encode()),
            owner=owner,
            incarnation=incarnation,
            label=label,
            added=added,
        )
