"""How both command-line interfaces answer: options, values, and JSON with its irregularities."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

from origin_pulls.sandbox.switches import Switches


@dataclass(frozen=True, slots=True)
class Question:
    """A call as it was typed: ``--name=value`` options, plain words, ``key=value`` arguments."""

    options: dict[str, str]
    words: tuple[str, ...]
    arguments: dict[str, str]


def parse(typed: Sequence[str]) -> Question:
    """Sort what was typed; values of arguments are URI-encoded."""
    options, words, arguments = {}, [], {}
    for word in typed:
        name, equals, value = word.partition("=")
        if word.startswith("--"):
            options[name.removeprefix("--")] = value
        elif equals:
            arguments[name] = unquote_plus(value)
        else:
            words.append(word)
    return Question(options, tuple(words), arguments)


def write(answer: object, question: Question, switches: Switches) -> None:
    """Print the answer as JSON, numbers in the form and after the log lines that switches say."""
    for number in range(switches.log_lines_before_json):
        sys.stdout.write(f"info [whmapi1] log line {number} that is no JSON\n")
    if question.options.get("output", "json") not in ("json", "jsonpretty"):
        sys.stdout.write("---\nThe sandbox answers in JSON only: --output=json\n")
        return
    sys.stdout.write(json.dumps(_numbered(answer, switches.numbers)) + "\n")


def _numbered(value: Any, form: str) -> Any:
    if isinstance(value, dict):
        return {key: _numbered(inner, form) for key, inner in value.items()}
    if isinstance(value, list):
        return [_numbered(inner, form) for inner in value]
    if form == "strings" and isinstance(value, int):
        return str(int(value))
    if form == "ints" and isinstance(value, str) and value.isdecimal():
        return int(value)
    return value
