"""Cloudflare's published networks: those in force here, and putting newer ones in force."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from origin_pulls.actions.changing import Say, carry_out
from origin_pulls.cloudflare import ranges
from origin_pulls.config import Config
from origin_pulls.engine import networks
from origin_pulls.engine.server import Server
from origin_pulls.errors import Unusable
from origin_pulls.model.job import Job
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
    server = Server.of(config)
    try:
        compared, change = networks.put_in_force(server, text, may_shrink=may_shrink, who="root")
    finally:
        server.store.close()
    return compared, carry_out(config, change, say) if change else None


def _source(path: Path) -> bytes:
    try:
        text = files.read(path, limit=ranges.LARGEST)
    except OSError as error:
        raise Unusable(f"{path} cannot be read: {error.strerror}", hint="Check it.") from error
    if text is None:
        raise Unusable(f"There is no file {path}", hint="Check the name.")
    return text
