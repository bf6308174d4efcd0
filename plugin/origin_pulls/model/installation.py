"""What an installation consists of towards the panel, and what was found of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

NAME = "originpulls"  # one spelling towards the panel, everywhere


class State(StrEnum):
    """How one part of the installation was found, and what became of it."""

    GOOD = "good"
    BAD = "bad"
    REPAIRED = "repaired"
    NOT_REPAIRED = "not repaired"


@dataclass(frozen=True, slots=True)
class Part:
    """One part: what it is, how it is, what was wrong (or is), and what to type if it still is."""

    name: str
    state: State
    said: str = ""
    hint: str = ""

    @property
    def is_good(self) -> bool:
        """Whether it is as it should be now."""
        return self.state in (State.GOOD, State.REPAIRED)


def application(conf: str) -> dict[str, str]:
    """The ``name=value`` lines of an AppConfig file."""
    lines = (line.partition("=") for line in conf.splitlines() if not line.startswith("#"))
    return {name.strip(): value.strip() for name, equals, value in lines if equals}


def wrong_registration(wanted: Mapping[str, str], answer: object) -> str:
    """What is wrong with an application as WHM lists it; empty where nothing is.

    ``answer`` is the data of ``get_appconfig_application_list``: services with their
    applications. A wrong ACL is dropped without a word, so the list is what counts.
    """
    services = answer if isinstance(answer, dict) else {}
    listed = services.get(wanted.get("service", "whostmgr"))
    entries = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    found = next((one for one in entries if one.get("name") == wanted.get("name")), None)
    if found is None:
        return "WHM does not list it"
    acls = found.get("acls")
    given = acls if isinstance(acls, list) else str(acls or "").split(",")
    if set(wanted.get("acls", "").split(",")) - set(map(str, given)):
        return "WHM lists it without its ACL, so nobody sees it"
    if found.get("entryurl") != wanted.get("entryurl"):
        return "WHM lists it without its menu entry"
    return ""


def described_hooks(text: str) -> list[tuple[str, str, str]]:
    """Category, event and command of each hook that ``--describe`` prints."""
    try:
        given = json.loads(text)
        return [(str(one["category"]), str(one["event"]), str(one["hook"])) for one in given]
    except (ValueError, TypeError, KeyError):
        return []


def missing_hooks(wanted: Sequence[tuple[str, str, str]], listed: str) -> list[str]:
    """The events of hooks that ``manage_hooks list --output JSON`` does not know once each."""
    try:
        registry = json.loads(listed[listed.index("{") :])
    except ValueError:
        registry = {}
    missing = []
    for category, event, command in wanted:
        events = registry.get(category) if isinstance(registry, dict) else None
        hooks = events.get(event) if isinstance(events, dict) else None
        entries = hooks if isinstance(hooks, list) else []
        same = [one for one in entries if isinstance(one, dict) and one.get("hook") == command]
        if len(same) != 1:
            missing.append(f"{category}::{event}")
    return missing
