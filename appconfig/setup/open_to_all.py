"""Asks vhosts of this server as visitors without a certificate: ``open_to_all.py FILE NAME…``.

It needs no store: after an uninstallation every vhost has to answer, whatever was its policy. FILE
gets the names of those that did not, one a line; a name that nobody serves has nothing to prove.
The exit code is 1 where they could not be asked at all.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

from origin_pulls.config import Config
from origin_pulls.engine import looking
from origin_pulls.engine.proving import Before, Prover
from origin_pulls.engine.server import Server
from origin_pulls.errors import OriginPullsError, Refused
from origin_pulls.model.inventory import Vhost
from origin_pulls.model.policy import Policy
from origin_pulls.model.proof import Check

PATIENCE = 10.0  # seconds: a graceful restart changes over while requests come in


def main() -> int:
    """Ask them all; say what each answers."""
    place, *names = sys.argv[1:]
    try:
        left = unproven(names)
    except (OriginPullsError, OSError) as error:
        sys.stdout.write(f"  nobody could be asked: {error}\n")
        return 1
    Path(place).write_text("".join(f"{name}\n" for name in left), encoding="utf-8")
    return 0


def unproven(names: list[str]) -> list[str]:
    """Those of the names whose vhosts do not answer a visitor without a certificate."""
    # A store that cannot be read must not keep anybody from looking.
    server = Server.dry(replace(Config.at(Path("/")), store=Path("/nonexistent/store")))
    prover = Prover(server.config, server.probe())
    found = looking.Names(looking.look(server))
    asked: list[tuple[str, Check]] = []
    for name in names:
        try:
            vhost = found.find(name)
        except Refused:
            sys.stdout.write(f"  {name}: not served any more\n")
            continue
        asked += [(name, check) for check in _checks(prover, vhost)]
    results = prover.until_they_hold(
        [check for _, check in asked], is_hopeless=lambda: False, patience=PATIENCE
    )
    failed = []
    for (name, _), result in zip(asked, results, strict=True):
        sys.stdout.write(f"  {'holds' if result.holds else 'NO'}  {result}\n")
        if not result.holds and name not in failed:
            failed.append(name)
    return failed


def _checks(prover: Prover, vhost: Vhost) -> list[Check]:
    checks = prover.checks(vhost, Policy(), Before())
    return [replace(check, before=None) for check in checks]


if __name__ == "__main__":
    sys.exit(main())
