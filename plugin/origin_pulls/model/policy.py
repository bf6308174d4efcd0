"""What is wanted for one vhost: mode, trust, exemptions and what port 80 does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import TypeVar

from origin_pulls.errors import Unusable
from origin_pulls.model import names

LONGEST_LIST = 200
LONGEST_CA = 200_000

Choice = TypeVar("Choice", bound=StrEnum)


class Mode(StrEnum):
    """What the origin does with a visitor's client certificate."""

    OFF = "off"
    OBSERVE = "observe"
    ENFORCE = "enforce"


class Trust(StrEnum):
    """Whose certificate counts."""

    OWN = "own"
    CLOUDFLARE = "cloudflare"
    CUSTOM = "custom"


class Port80(StrEnum):
    """What happens to plain HTTP, which Authenticated Origin Pulls do not cover."""

    LEAVE = "leave"
    REDIRECT = "redirect"
    CLOUDFLARE = "cloudflare"


class OnDrift(StrEnum):
    """What is done when Cloudflare no longer presents what an origin demands."""

    OBSERVE = "observe"
    TELL = "tell"


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What is wanted for one vhost.

    ``ca`` holds PEM text and is set for trust ``custom`` alone. ``edge_ready`` records that a
    person said Cloudflare presents the certificate already.
    """

    mode: Mode = Mode.OFF
    trust: Trust = Trust.OWN
    exempt_names: tuple[str, ...] = ()
    exempt_paths: tuple[str, ...] = ()
    exempt_networks: tuple[str, ...] = ()
    port80: Port80 = Port80.LEAVE
    ca: str = ""
    edge_ready: bool = False
    on_drift: OnDrift = OnDrift.OBSERVE

    def in_mode(self, mode: Mode) -> Policy:
        """The same policy in another mode."""
        return replace(self, mode=mode)

    @property
    def is_exempting(self) -> bool:
        """Whether anything at all is exempt."""
        return bool(self.exempt_names or self.exempt_paths or self.exempt_networks)

    @property
    def is_idle(self) -> bool:
        """Whether this policy leaves the vhost exactly as cPanel made it."""
        return self.mode is Mode.OFF and self.port80 is Port80.LEAVE

    def begins_to_demand(self, now: Policy) -> bool:
        """Whether a visitor who needs no certificate under ``now`` needs one under this policy.

        That a person vouched for what Cloudflare presents counts for that demand alone.
        """
        if self.mode is not Mode.ENFORCE:
            return False
        is_vouched = now.edge_ready and not self.edge_ready
        is_closing = not set(now.exempt_names) <= set(self.exempt_names)
        return now.mode is not Mode.ENFORCE or is_vouched or is_closing

    def vouched(self, now: Policy, *, is_said: bool) -> Policy:
        """The same with a person's word that Cloudflare is ready: said now, or of what is in force.

        What was said of another certificate, or of an earlier demand, says nothing of this one.
        """
        goes_on = self.mode is now.mode is Mode.ENFORCE
        is_same = (self.trust, self.ca) == (now.trust, now.ca)
        return replace(self, edge_ready=is_said or (now.edge_ready and goes_on and is_same))

    def as_record(self) -> dict[str, object]:
        """The policy as plain values, the shape that ``read_policy`` takes."""
        record: dict[str, object] = {}
        for field in fields(self):
            value = getattr(self, field.name)
            record[field.name] = list(value) if isinstance(value, tuple) else value
        return {
            name: str(value) if isinstance(value, StrEnum) else value
            for name, value in record.items()
        }


def read_policy(record: Mapping[str, object]) -> Policy:
    """The policy of a record that came over a border; ``Unusable`` names what is wrong in it."""
    unknown = set(record) - {field.name for field in fields(Policy)}
    if unknown:
        raise Unusable(
            f"A policy has no {names.shown(min(map(str, unknown)))}",
            hint=f"It has {', '.join(field.name for field in fields(Policy))}.",
        )
    trust = _choice(record, "trust", Trust, Trust.OWN)
    ca = record.get("ca") or ""
    if not isinstance(ca, str) or len(ca) > LONGEST_CA:
        raise Unusable("The policy's ca must be PEM text", hint="Give the certificates as PEM.")
    if (trust is Trust.CUSTOM) != bool(ca):
        raise Unusable(
            "Trust custom needs a CA file" if not ca else "A CA file belongs to trust custom only",
            hint="Use `--trust custom --ca FILE`.",
        )
    ready = record.get("edge_ready", False)
    if not isinstance(ready, bool):
        raise Unusable("edge_ready must be true or false", hint="Leave it out for false.")
    return Policy(
        mode=_choice(record, "mode", Mode, Mode.OFF),
        trust=trust,
        exempt_names=_each(record, "exempt_names", names.host_name),
        exempt_paths=_each(record, "exempt_paths", names.url_path),
        exempt_networks=_each(record, "exempt_networks", lambda text: str(names.network(text))),
        port80=_choice(record, "port80", Port80, Port80.LEAVE),
        ca=ca,
        edge_ready=ready,
        on_drift=_choice(record, "on_drift", OnDrift, OnDrift.OBSERVE),
    )


def _choice(
    record: Mapping[str, object], field: str, kind: type[Choice], default: Choice
) -> Choice:
    value = record.get(field, default)
    # PyYAML reads a bare `off` as False (YAML 1.1); it is meant as the word.
    value = "off" if value is False and field == "mode" else value
    try:
        return kind(str(value))
    except ValueError as error:
        raise Unusable(
            f"{names.shown(str(value))} is no {field}", hint=f"Choose {', '.join(kind)}."
        ) from error


def _each(record: Mapping[str, object], field: str, check: Callable[[str], str]) -> tuple[str, ...]:
    values = record.get(field) or ()
    if not isinstance(values, Sequence) or isinstance(values, str):
        raise Unusable(f"{field} must be a list", hint="Write it as a YAML list.")
    if len(values) > LONGEST_LIST:
        raise Unusable(f"{field} has {len(values)} entries", hint=f"At most {LONGEST_LIST}.")
    return tuple(sorted({check(str(value)) for value in values}))
