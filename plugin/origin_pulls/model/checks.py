"""What the doctor finds, as values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Health(StrEnum):
    """How it stands with one thing."""

    GOOD = "good"
    WARNING = "warning"
    BAD = "bad"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at: what was found (``said``) and what to do (``hint``)."""

    name: str
    title: str
    state: Health
    said: str
    hint: str = ""

    def as_record(self) -> dict[str, str]:
        """The check as plain values, the shape that ``read_check`` takes."""
        return {name: str(value) for name, value in asdict(self).items()}


def read_check(record: Mapping[str, Any]) -> Check:
    """The check of a record that ``as_record`` made."""
    return Check(**{**record, "state": Health(record["state"])})
