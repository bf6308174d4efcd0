"""The panel's standardized hooks: the registry, and what happens when an event fires.

The protocol is that of facts/cpanel.md §7: one JSON object on the hook's standard input, one line
back that begins with ``1``, ``0`` or ``BAILOUT``. Only a blocking hook before an event stops it.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from typing import Any

from origin_pulls.errors import Refused
from origin_pulls.sandbox import files
from origin_pulls.sandbox.layout import Layout

REGISTRY = "/var/cpanel/hooks.yaml"  # JSON is YAML too
ERROR_LOG = "/usr/local/cpanel/logs/error_log"
PATIENCE = 60  # seconds for one hook
BARE = {"PATH": "/usr/bin:/bin"}  # scripts get nothing of the panel's environment

Hook = Mapping[str, Any]


def registered(layout: Layout) -> list[Hook]:
    """All registered hooks in the order in which they run."""
    try:
        found: list[Hook] = json.loads(layout.at(REGISTRY).read_text())
    except FileNotFoundError:
        return []
    return found


def keep(layout: Layout, hooks: Sequence[Hook]) -> None:
    """Replace the registry."""
    text = json.dumps(sorted(hooks, key=lambda hook: int(hook["weight"])), indent=1)
    files.replace(layout.at(REGISTRY), text + "\n", mode=0o600)


def fire(
    layout: Layout, event: str, data: Mapping[str, object], *, stage: str = "post"
) -> list[str]:
    """Run the hooks of an event (``Category::Event``) one after the other; what failed.

    Raises ``Refused`` where a blocking hook stops what was about to be done.
    """
    category, _, name = event.partition("::")
    problems = []
    for hook in registered(layout):
        if (hook["category"], hook["event"], hook["stage"]) != (category, name, stage):
            continue
        context = {"category": category, "event": name, "stage": stage, "point": "main"}
        problem = _run(layout, hook, {"hook": hook, "context": context, "data": data})
        if problem and stage == "pre" and hook.get("blocking"):
            raise Refused(f"The hook {hook['hook']} stopped {event}: {problem}")
        if problem:
            problems.append(problem)
    return problems


def _run(layout: Layout, hook: Hook, given: Mapping[str, object]) -> str:
    """Run one hook; why it failed, empty where it is content."""
    try:
        done = subprocess.run(
            str(hook["hook"]).split(),
            input=json.dumps(given),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            env=BARE,
            cwd="/",
            check=False,
        )
        said, errors = done.stdout.strip(), done.stderr
        if done.returncode:
            said = f"BAILOUT it ended with exit code {done.returncode}"
    except (OSError, subprocess.TimeoutExpired) as error:
        said, errors = f"BAILOUT {error}", ""
    verdict = said.partition(" ")[0]
    problem = "" if verdict == "1" else said or "it answered nothing"
    if errors or problem:
        _log(layout, f"{errors}{hook['hook']}: {problem}\n")
    return problem


def _log(layout: Layout, text: str) -> None:
    with layout.at(ERROR_LOG).open("a") as opened:
        opened.write(text)
