"""Cloudflare's published networks: those in force here, and putting newer ones in force."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from origin_pulls.actions.changing import Say, carry_out
from origin_pulls.actions.reading import listing
from origin_pulls.cloudflare import ranges
from origin_pulls.config import Config
from origin_pulls.errors import Unusable
from origin_pulls.model.job import Job
from origin_pulls.model.policy import Port80
from origin_pulls.model.wish import Change, Wanted
from origin_pulls.server import files


def cloudflare_ranges(config: Config) -> tuple[str, ...]:
    """Cloudflare's networks in force here."""
    return ranges.read(config.cloudflare_ranges)


def refresh_ranges(
    config: Config, source: Path | None, *, may_shrink: bool, say: Say
) -> tuple[Mapping[str, list[str]], Job | None]:
    """Put a newer list of Cloudflare's networks in force, here and in the vhosts that use it.

    The list comes from a file or from Cloudflare; what came and went, and the job if one ran.
    """
    text = _source(source) if source else ranges.fetch(config.cloudflare_api)
    new = ranges.parse(text)
    compared = ranges.compared(ranges.read(config.cloudflare_ranges), new, may_shrink=may_shrink)
    if not compared["added"] and not compared["gone"]:
        return compared, None
    files.replace(config.cloudflare_ranges, text)
    rows, _ = listing(config)
    users = [row for row in rows if row.applied.policy.port80 is Port80.CLOUDFLARE]
    if not users:
        return compared, None
    items = [Wanted(row.vhost.user, row.vhost.server_name, row.applied.policy) for row in users]
    return compared, carry_out(config, Change(tuple(items), is_partial=True), say)


def _source(path: Path) -> bytes:
    try:
        text = files.read(path, limit=ranges.LARGEST)
    except OSError as error:
        raise Unusable(f"{path} cannot be read: {error.strerror}", hint="Check it.") from error
    if text is None:
        raise Unusable(f"There is no file {path}", hint="Check the name.")
    return text
