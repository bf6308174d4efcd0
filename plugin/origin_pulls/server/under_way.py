"""The mark that an installer leaves while it works, and whether one works at this moment."""

from __future__ import annotations

from origin_pulls.config import Config
from origin_pulls.server import files, lock

UNINSTALL = "uninstall"
LIMIT = 64 * 1024


def action(config: Config) -> str:
    """What an installer is at, or was cut off in; empty where nothing is under way.

    A mark that does not say it (a power cut may leave an empty one) is ``unknown``.
    """
    text = files.read(config.installation_under_way, limit=LIMIT)
    if text is None:
        return ""
    for line in text.decode("utf-8", "replace").splitlines():
        key, equals, value = line.partition("=")
        if equals and key == "action" and value.isalpha():
            return value
    return "unknown"


def is_cut_off(config: Config) -> bool:
    """Whether something is under way and nobody is at it any more."""
    return bool(action(config)) and not lock.is_held(config.installation_lock)


def cut_off_since(config: Config) -> float:
    """When an installer that was cut off began (seconds since 1970); 0 where none was."""
    if not is_cut_off(config):
        return 0.0
    try:
        return config.installation_under_way.stat().st_mtime
    except FileNotFoundError:
        return 0.0
