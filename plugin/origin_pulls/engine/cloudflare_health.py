"""The doctor's look at Cloudflare's side, by what was noted when it was last looked at."""

from __future__ import annotations

from origin_pulls.engine import reaching
from origin_pulls.engine.server import Server
from origin_pulls.model.checks import Check, Health
from origin_pulls.model.saying import named
from origin_pulls.server.tokens import Tokens
from origin_pulls.store.marks import EDGE, WATCH
from origin_pulls.store.rollouts import EdgeStore

TITLE = "Cloudflare"
NAME = "cloudflare"


def examine(server: Server) -> Check:
    """Whether what vhosts here depend on at Cloudflare is watched, and in order. Asks nobody."""
    relied_on = EdgeStore(server.store).relied_on()
    if not relied_on:
        return Check(NAME, TITLE, Health.GOOD, "No vhost depends on what was set there.")
    tokens = Tokens(server.config.tokens_directory)
    alone = sorted(
        {
            one.server_name
            for one in relied_on
            if not tokens.of(*reaching.SERVER) and not tokens.of(one.user, one.incarnation)
        }
    )
    if alone:
        return Check(
            *(NAME, TITLE, Health.WARNING, f"There is no token for {named(alone)}: nobody watches"),
            "Add one: `origin-pulls token add`. Without, nothing steps back by itself.",
        )
    rows = server.store.rows(
        "SELECT server_name, said FROM attention WHERE kind IN (?,?) ORDER BY server_name",
        (EDGE, WATCH),
    )
    if rows:
        first = rows[0]
        more = f" (and {len(rows) - 1} more)" if len(rows) > 1 else ""
        return Check(
            *(NAME, TITLE, Health.WARNING, f"{first['server_name']}: {first['said']}{more}"),
            f"`origin-pulls edge {first['server_name']}` asks Cloudflare now; "
            "`origin-pulls list --attention` names all.",
        )
    count = len({one.place for one in relied_on})
    said = f"{count} vhost{'s' if count != 1 else ''} depend{'s' if count == 1 else ''} on it; "
    return Check(NAME, TITLE, Health.GOOD, f"{said}what was last seen there is in order.")
