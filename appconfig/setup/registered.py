"""``whmapi1 get_appconfig_application_list | registered.py FILE``: 0 when FILE is listed whole.

WHM drops an ACL that it does not know without a word, and an item without its menu entry is
nowhere to be seen: so both are compared, wherever in the answer the application stands.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path


def main() -> int:
    """Compare what WHM lists with what was registered."""
    text = Path(sys.argv[1]).read_text(encoding="utf-8")
    wanted = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    answer = sys.stdin.read()
    try:
        # Lines of a log may come before the document.
        listed = json.loads(answer[answer.index("{") :])
    except ValueError:
        return 1
    return 0 if any(is_same(one, wanted) for one in mappings(listed)) else 1


def mappings(value: object) -> Iterator[dict[str, object]]:
    """Every mapping in a document, however deep."""
    if isinstance(value, dict):
        yield value
        for one in value.values():
            yield from mappings(one)
    elif isinstance(value, list):
        for one in value:
            yield from mappings(one)


def is_same(found: dict[str, object], wanted: dict[str, str]) -> bool:
    """Whether an application is ours, with the ACL and the entry that were asked for."""
    if found.get("name") != wanted["name"]:
        return False
    return all(
        words(found.get(key)) == words(wanted[key]) for key in ("acls", "entryurl") if key in found
    )


def words(value: object) -> list[str]:
    """A list of WHM, written as a list or with commas between."""
    if isinstance(value, list):
        return sorted(map(str, value))
    return sorted(str(value).replace(" ", "").split(","))


if __name__ == "__main__":
    sys.exit(main())
