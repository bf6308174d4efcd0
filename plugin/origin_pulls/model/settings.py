"""What an administrator sets for the whole server in the pages: defaults, rights, limits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum

from origin_pulls.errors import Unusable
from origin_pulls.model import names
from origin_pulls.model.policy import Mode, Policy, Port80, Trust


class Permission(StrEnum):
    """What account holders may do with their own vhosts; each holds the ones before it."""

    NOTHING = "nothing"
    SEE = "see"
    OBSERVE = "observe"
    EVERYTHING = "everything"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The server's settings; those of ``config.yaml`` are another matter (paths, patience).

    ``new_mode`` is what a vhost gets that appears on the server; trust and port 80 are what a
    form starts with where a vhost has no policy yet. ``revert_minutes`` is what an enforcement
    is offered to go back after (0: it stays).
    """

    new_mode: Mode = Mode.OFF
    new_trust: Trust = Trust.OWN
    new_port80: Port80 = Port80.LEAVE
    accounts_may: Permission = Permission.EVERYTHING
    account_wishes: int = 30
    account_vhosts: int = 200
    revert_minutes: int = 10

    def first_policy(self, mode: Mode | None = None) -> Policy:
        """The policy that a vhost without one starts with."""
        chosen = self.new_mode if mode is None else mode
        if chosen is Mode.OFF:
            return Policy()
        return Policy(mode=chosen, trust=self.new_trust, port80=self.new_port80)

    def as_record(self) -> dict[str, str]:
        """The settings as words, the shape that ``read_settings`` takes."""
        return {field.name: str(getattr(self, field.name)) for field in fields(self)}


MARK = "`"
# Enforcing what has never been observed is asked for by name, never by default.
CHOICES: Mapping[str, tuple[StrEnum, ...]] = {
    "new_mode": (Mode.OFF, Mode.OBSERVE),
    "new_trust": (Trust.OWN, Trust.CLOUDFLARE),
    "new_port80": tuple(Port80),
    "accounts_may": tuple(Permission),
}
# account_wishes: per minute and account; account_vhosts: in one wish.
NUMBERS: Mapping[str, tuple[int, int]] = {
    "account_wishes": (1, 600),
    "account_vhosts": (1, 10_000),
    "revert_minutes": (0, 1440),
}
TITLES: Mapping[str, str] = {
    "new_mode": "What a vhost gets that appears on the server",
    "new_trust": "Whose certificate counts, where a vhost has no policy yet",
    "new_port80": "What plain HTTP does, where a vhost has no policy yet",
    "accounts_may": "What account holders may do with their own vhosts",
    "account_wishes": "How often an account may ask for something in a minute",
    "account_vhosts": "How many vhosts an account may change at once",
    "revert_minutes": "Minutes until an enforcement goes back unless confirmed (0: never)",
}


def allowed(name: str) -> str:
    """The values that a setting may have, in words."""
    if name in CHOICES:
        return ", ".join(CHOICES[name])
    least, most = NUMBERS[name]
    return f"{least} to {most}"


def read_settings(record: Mapping[str, str]) -> Settings:
    """The settings of a record, else defaults; ``Unusable`` names what is wrong in it."""
    values: dict[str, object] = {}
    for name, text in record.items():
        if name in CHOICES:
            found = next((one for one in CHOICES[name] if one == text), None)
            if found is None:
                raise _no_value(name, text, f"Choose one of {allowed(name)}.")
            values[name] = found
        elif name in NUMBERS:
            values[name] = _number(name, text)
        else:
            known = ", ".join(Settings().as_record())
            raise Unusable(f"There is no setting {names.shown(name)}", hint=f"Known: {known}.")
    return Settings(**values)  # type: ignore[arg-type]


def _number(name: str, text: str) -> int:
    least, most = NUMBERS[name]
    is_number = text.isascii() and text.isdecimal() and len(text) < 10
    if not is_number or not least <= int(text) <= most:
        raise _no_value(name, text, f"It takes a number from {allowed(name)}.")
    return int(text)


def _no_value(name: str, text: str, hint: str) -> Unusable:
    """In backticks, as at the shell: a page says the setting's title there."""
    return Unusable(f"{names.shown(text)} is no value of {MARK}{name}{MARK}", hint=hint)
