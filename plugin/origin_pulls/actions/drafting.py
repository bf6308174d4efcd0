"""What a draft starts from: the policies in force of some vhosts, and whose life it is of."""

from __future__ import annotations

from collections.abc import Sequence

from origin_pulls.config import Config
from origin_pulls.model.policy import Policy
from origin_pulls.store import read_store, records


def policies(config: Config, keys: Sequence[tuple[str, str]]) -> dict[str, Policy]:
    """The policies in force by vhost key; a vhost without one is not in it."""
    store = read_store(config.store)
    if store is None:
        return {}
    found: dict[str, Policy] = {}
    try:
        for user, server_name in keys:
            rows = store.rows(
                "SELECT policy.* FROM vhost_row JOIN policy USING (user, incarnation, server_name) "
                "WHERE user=? AND server_name=?",
                (user, server_name),
            )
            with store.mended():
                found |= {f"{user}/{server_name}": records.applied(row).policy for row in rows}
    finally:
        store.close()
    return found


def life(config: Config, user: str) -> str:
    """An account in the life that its vhosts are of, as the inventory saw them last."""
    store = read_store(config.store)
    if store is None:
        return user
    try:
        rows = store.rows("SELECT incarnation FROM vhost_row WHERE user=? LIMIT 1", (user,))
    finally:
        store.close()
    return f"{user} {rows[0][0]}" if rows else user
