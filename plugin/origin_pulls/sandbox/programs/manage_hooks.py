"""``bin/manage_hooks add|delete|list|prune``: the registry of the panel's hooks.

``add`` and ``delete`` run the script with ``--describe``: once it is gone its hooks stay. Adding
twice registers twice.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from origin_pulls.errors import Refused
from origin_pulls.sandbox import hooked
from origin_pulls.sandbox.layout import Layout

SAME = ("category", "event", "stage", "hook", "exectype")


def main(layout: Layout, words: Sequence[str]) -> int:
    """Do what the first word says."""
    options = _options(words)
    match options.act:
        case "list":
            _list(layout, options.output)
        case "prune":
            kept = [hook for hook in hooked.registered(layout) if _program(hook).exists()]
            hooked.keep(layout, kept)
        case "add":
            new = _described(options)
            hooked.keep(layout, [*hooked.registered(layout), *map(_identified, new)])
            for hook in new:
                sys.stdout.write(f"Added hook for {hook['category']}::{hook['event']}\n")
        case _:
            gone = [tuple(hook[key] for key in SAME) for hook in _described(options)]
            kept = [
                hook
                for hook in hooked.registered(layout)
                if tuple(hook[key] for key in SAME) not in gone
            ]
            hooked.keep(layout, kept)
            sys.stdout.write("Deleted hooks\n")
    return 0


def _options(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("manage_hooks")
    parser.add_argument("act", choices=("add", "delete", "list", "prune"))
    parser.add_argument("kind", nargs="?", choices=("script", "module"))
    parser.add_argument("path", nargs="?", type=Path)
    parser.add_argument("--manual", action="store_true")
    for name in ("category", "event", "action", "output"):
        parser.add_argument(f"--{name}", default="")
    parser.add_argument("--stage", default="post")
    parser.add_argument("--escalateprivs", type=int, default=0)
    parser.add_argument("--weight", type=int, default=100)
    return parser.parse_args(words)


def _described(options: argparse.Namespace) -> list[dict[str, Any]]:
    """The hooks that a script says it has, or the one that was named by hand."""
    path = options.path
    if options.kind != "script" or path is None or not path.is_absolute() or " " in str(path):
        raise Refused("manage_hooks: name a script by its absolute path, without spaces")
    if options.manual:
        hook = f"{path} {options.action}".strip()
        given = {"category": options.category, "event": options.event, "stage": options.stage}
        return [{**given, "hook": hook, "exectype": "script", "weight": options.weight}]
    if not path.is_file() or not path.stat().st_mode & 0o100 or path.stat().st_uid != 0:
        raise Refused(f"manage_hooks: {path} is no executable script of root")
    done = subprocess.run(
        [str(path), "--describe"], capture_output=True, text=True, check=False, env=hooked.BARE
    )
    try:
        described = json.loads(done.stdout)
    except ValueError:
        described = None
    if done.stderr or done.returncode or not isinstance(described, list):
        raise Refused(f"manage_hooks: {path} --describe gave no clean JSON array")
    for hook in described:
        if not {"category", "event", "stage", "hook", "exectype"} <= set(hook):
            raise Refused(f"manage_hooks: {path} describes a hook without one of {SAME}")
    return described


def _identified(hook: dict[str, Any]) -> dict[str, Any]:
    kept = {"escalateprivs": 0, "weight": 100, "blocking": 0}
    return {"id": uuid.uuid4().hex[:24], **kept, **hook}


def _program(hook: hooked.Hook) -> Path:
    return Path(str(hook["hook"]).partition(" ")[0])


def _list(layout: Layout, form: str) -> None:
    found: dict[str, dict[str, list[hooked.Hook]]] = {}
    for hook in hooked.registered(layout):
        found.setdefault(hook["category"], {}).setdefault(hook["event"], []).append(hook)
    if form.upper() == "JSON":
        sys.stdout.write(json.dumps(found) + "\n")
        return
    for category, events in found.items():
        sys.stdout.write(f"{category}:\n\tActive Events:\n")
        for event, hooks in events.items():
            lines = "".join(f"\t\t\thook: {hook['hook']}\n" for hook in hooks)
            sys.stdout.write(f"\t\t{event}:\n{lines}")
