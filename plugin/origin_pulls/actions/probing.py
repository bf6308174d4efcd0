"""The probe's certificate for monitors of the administrator's own."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from origin_pulls.config import Config
from origin_pulls.engine.server import Server
from origin_pulls.errors import Refused
from origin_pulls.server import files


def write_probe(config: Config, certificate: Path, key: Path, *, days: int) -> datetime:
    """Write a fresh client certificate below the probe CA and its key; until when it is valid."""
    server = Server.of(config)
    now = server.clock()
    pem, secret = server.probe().issue("Origin Pulls monitor", now=now, days=days)
    try:
        files.make_directory(key.parent, mode=0o700)
        files.replace(key, secret.reveal(), mode=files.PRIVATE)
        files.replace(certificate, pem, mode=files.PRIVATE)
    except OSError as error:
        raise Refused(
            f"{key.parent} cannot be written: {error.strerror}", hint="Name another folder."
        ) from error
    return now + timedelta(days=days)
