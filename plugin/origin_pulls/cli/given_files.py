"""Files that people give: policies as YAML, certificates as PEM."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from origin_pulls import yaml_text
from origin_pulls.errors import Unusable
from origin_pulls.model.policy import Policy, read_policy
from origin_pulls.server import files

LARGEST_FILE = 16 * 1024 * 1024
LARGEST_PEM = 1024 * 1024


def policies(file: Path) -> Mapping[str, Policy]:
    """The policies that a YAML file names, by the names of its vhosts.

    ``Unusable`` says what is wrong in it, a vhost that stands there twice among others.
    """
    entries = _entries(file)
    found = {entry["name"]: _policy(entry, file) for entry in entries}
    if len(found) != len(entries):
        raise Unusable(f"{file} names a vhost twice", hint="One entry a vhost.")
    if not found:
        raise Unusable(f"{file} names no vhosts", hint="Its list `vhosts:` is empty.")
    return found


def pem(path: Path) -> str:
    """The text of a CA's file; ``Unusable`` where there is none."""
    try:
        text = files.read(path, limit=LARGEST_PEM)
    except OSError as error:
        said = error.strerror or _line(error)
        raise Unusable(f"{path} cannot be read: {said}", hint="Check the file.") from error
    if text is None:
        raise Unusable(f"There is no file {path}", hint="It should be the CA's PEM file.")
    if not text.strip():
        raise Unusable(f"{path} is empty", hint="It should hold the CA's certificate as PEM.")
    return text.decode("utf-8", "replace")


def _entries(file: Path) -> list[Mapping[str, Any]]:
    try:
        text = files.read(file, limit=LARGEST_FILE)
        document = yaml_text.load(text) if text is not None else None
    except (OSError, yaml.YAMLError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise Unusable(f"{file} cannot be read as YAML: {_line(error)}", hint="Mend it.") from error
    if text is None:
        raise Unusable(f"There is no file {file}", hint="Check the name.")
    listed = document.get("vhosts") if isinstance(document, dict) else None
    if not isinstance(listed, list):
        raise Unusable(
            f"{file} has no list `vhosts:`", hint="`origin-pulls export` shows how it looks."
        )
    for number, entry in enumerate(listed, 1):
        if not isinstance(entry, dict) or not isinstance(entry.get("name"), str):
            raise Unusable(
                f"{file}: entry {number} has no `name` that is a text",
                hint="Each entry needs `name:` and `mode:`.",
            )
        if "ca" in entry and "ca_file" in entry:
            raise Unusable(
                f"{file}: {entry['name']} has both ca and ca_file", hint="Give one of them."
            )
        if "mode" not in entry:
            raise Unusable(f"{file}: {entry['name']} has no `mode`", hint="off, observe, enforce.")
    return listed


def _policy(entry: Mapping[str, Any], file: Path) -> Policy:
    record = {field: value for field, value in entry.items() if field not in ("name", "ca_file")}
    if "ca_file" in entry:
        record["ca"] = pem(file.parent / str(entry["ca_file"]))
    try:
        return read_policy(record)
    except Unusable as error:
        raise Unusable(f"{file}: {entry['name']}: {error.message}", hint=error.hint) from error


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]
