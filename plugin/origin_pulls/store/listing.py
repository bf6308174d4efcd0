"""The list of vhosts for the pages: one narrow row each, asked page by page."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from origin_pulls.model.inventory import Vhost
from origin_pulls.model.policy import Mode, Port80, Trust
from origin_pulls.model.rows import Question, Sort, Standing, VhostPage, VhostRow, reasons
from origin_pulls.store.parts import Reading

# What makes a vhost one that needs attention, besides what was noted at it.
NEEDS = "(attention>0 OR (mode='enforce' AND is_ssl=0))"
Noted = dict[tuple[str, str, str], list[str]]
FEW = 500  # rows that are looked up one by one (SQLite takes 999 values at least)
ORDER = {
    Sort.NAME: "server_name {0}, user {0}",
    Sort.ACCOUNT: "user {0}, server_name {0}",
    Sort.OWNER: "owner {0}, server_name {0}, user {0}",
    Sort.MODE: "mode {0}, server_name {0}, user {0}",
    Sort.PROXIED: "proxied {0}, server_name {0}, user {0}",
    Sort.PROOF: "proof_at {0}, server_name {0}, user {0}",
}
STANDING = {
    Standing.ALL: "proxied>0 AND proxied=name_count",
    Standing.SOME: "proxied>0 AND proxied<name_count",
    Standing.NONE: "proxied=0 AND direct>0",
    Standing.UNKNOWN: "proxied=0 AND direct=0",
}


def fill(connection: sqlite3.Connection, vhosts: Sequence[Vhost]) -> None:
    """Make the rows anew for an inventory that was just kept."""
    connection.execute("DELETE FROM vhost_row")
    connection.executemany(
        "INSERT INTO vhost_row (user, incarnation, server_name, owner, is_ssl, is_suspended, "
        "text, name_count) VALUES (?,?,?,?,?,?,?,?)",
        [_row(vhost) for vhost in vhosts],
    )
    for statement in FILLS:
        connection.execute(statement)


def page(store: Reading, question: Question) -> VhostPage:
    """One page of the vhosts that match, with the counts of all that may be seen."""
    where, values = _where(question)
    direction = "DESC" if question.is_descending else "ASC"
    order = ORDER[question.sort].format(direction)
    if _is_scanned(question):
        # Every row has to be looked at. The plus keeps SQLite from doing so criss-cross, in the
        # order of an index: it looks at them as they lie and keeps the first ones.
        order = f"+{order}"
        few = _few(store, where, values)
        if few is not None:
            where, values = f"WHERE rowid IN ({','.join('?' * len(few))})", list(few)
    total = int(store.rows(f"SELECT count(*) FROM vhost_row {where}", values)[0][0])  # noqa: S608
    number = min(question.page, max(1, -(-total // question.per_page)))
    found = store.rows(
        f"SELECT * FROM vhost_row {where} ORDER BY {order} LIMIT ? OFFSET ?",  # noqa: S608
        (*values, question.per_page, (number - 1) * question.per_page),
    )
    modes, attention = _counts(store, question.only)
    return VhostPage(
        rows=tuple(_value(store, row) for row in found),
        total=total,
        page=number,
        per_page=question.per_page,
        modes=modes,
        attention=attention,
        taken=_taken(store),
    )


def _is_scanned(question: Question) -> bool:
    return not question.only and bool(
        question.search
        or question.attention is not None
        or question.locked is not None
        or question.proxied is not None
    )


def _few(store: Reading, where: str, values: Sequence[object]) -> list[int] | None:
    """Where the rows that match lie, if they are few: then one look at all of them is enough."""
    rows = store.rows(
        f"SELECT rowid FROM vhost_row {where} LIMIT ?",  # noqa: S608 - fixed texts
        (*values, FEW + 1),
    )
    return [int(row[0]) for row in rows] if len(rows) <= FEW else None


def keys(store: Reading, question: Question, most: int) -> list[tuple[str, str]]:
    """(account, ServerName) of what matches and has HTTPS, at most so many and one."""
    where, values = _where(question)
    where = f"{where} AND is_ssl=1" if where else "WHERE is_ssl=1"
    rows = store.rows(
        f"SELECT user, server_name FROM vhost_row {where} ORDER BY user, server_name LIMIT ?",  # noqa: S608
        (*values, most + 1),
    )
    return [(row["user"], row["server_name"]) for row in rows]


def one(store: Reading, user: str, server_name: str) -> VhostRow | None:
    """The row of one vhost."""
    rows = store.rows("SELECT * FROM vhost_row WHERE user=? AND server_name=?", (user, server_name))
    return _value(store, rows[0]) if rows else None


def _row(vhost: Vhost) -> tuple[object, ...]:
    # A ServerName such as `_wildcard_.example.com` is no host name, but is searched for too.
    others = " ".join((vhost.server_name, vhost.user, vhost.owner))
    text = f"{' '.join(vhost.host_names)}\n{others}".lower()
    return (
        *(vhost.user, vhost.incarnation, vhost.server_name, vhost.owner),
        *(int(vhost.is_ssl), int(vhost.is_suspended)),
        *(text, len(vhost.names)),
    )


def _filled(table: str, **columns: str) -> str:
    """The statement that brings what a table notes of each vhost into its row."""
    same = "user=vhost_row.user AND server_name=vhost_row.server_name"
    if table != "name_state":
        same += " AND incarnation=vhost_row.incarnation"
    same = same.replace("user=", f"{table}.user=", 1)
    names, found = ", ".join(columns), ", ".join(columns.values())
    return (
        f"UPDATE vhost_row SET ({names}) = (SELECT {found} FROM {table} WHERE {same}) "  # noqa: S608
        f"WHERE EXISTS (SELECT 1 FROM {table} WHERE {same})"
    )


FILLS = (
    _filled(
        "policy",
        mode="json_extract(policy, '$.mode')",
        trust="json_extract(policy, '$.trust')",
        port80="json_extract(policy, '$.port80')",
        exempt="json_array_length(policy, '$.exempt_names') "
        "+ json_array_length(policy, '$.exempt_paths') "
        "+ json_array_length(policy, '$.exempt_networks')",
        job="job",
    ),
    _filled("proven", proof_at="at", proof_held="held"),
    _filled("vhost_lock", locked="reason"),
    _filled("attention", attention="count(*)"),
    _filled(
        "name_state",
        proxied="sum(state='proxied')",
        direct="sum(state='direct')",
    ),
)


def _where(question: Question) -> tuple[str, list[object]]:
    parts: list[str] = []
    values: list[object] = []
    for column, wanted in (
        ("user", question.only),
        ("user", question.account),
        ("owner", question.owner),
        ("mode", str(question.mode or "")),
    ):
        if wanted:
            parts.append(f"{column}=?")
            values.append(wanted)
    for word in question.search.split():
        parts.append("instr(text, ?)")
        values.append(word)
    if question.attention is not None:
        parts.append(NEEDS if question.attention else f"NOT {NEEDS}")
    if question.locked is not None:
        parts.append("locked<>''" if question.locked else "locked=''")
    if question.proxied is not None:
        parts.append(STANDING[question.proxied])
    return (f"WHERE {' AND '.join(parts)}" if parts else ""), values


def _counts(store: Reading, only: str) -> tuple[dict[Mode, int], int]:
    where = "WHERE user=?" if only else ""
    rows = store.rows(
        f"SELECT mode, count(*) AS number, sum({NEEDS}) AS needing "  # noqa: S608 - fixed texts
        f"FROM vhost_row {where} GROUP BY mode",
        (only,) if only else (),
    )
    modes = dict.fromkeys(Mode, 0) | {Mode(row["mode"]): row["number"] for row in rows}
    return modes, sum(row["needing"] for row in rows)


def _taken(store: Reading) -> str:
    """The inventory's signature: empty before the server was looked at for the first time."""
    rows = store.rows("SELECT signature FROM snapshot")
    return str(rows[0]["signature"]) if rows else ""


def noted(store: Reading) -> Noted:
    """What was noted for a person's attention, by (account, incarnation, ServerName)."""
    found: Noted = {}
    for row in store.rows("SELECT * FROM attention ORDER BY at DESC"):
        place = row["user"], row["incarnation"], row["server_name"]
        found.setdefault(place, []).append(str(row["said"]))
    return found


def standing(store: Reading) -> dict[tuple[str, str], tuple[int, int]]:
    """How many names are proxied, and how many direct, by (account, ServerName)."""
    rows = store.rows(
        "SELECT user, server_name, sum(state='proxied') AS proxied, sum(state='direct') AS direct "
        "FROM name_state GROUP BY user, server_name"
    )
    return {(row["user"], row["server_name"]): (row["proxied"], row["direct"]) for row in rows}


def _value(store: Reading, row: sqlite3.Row) -> VhostRow:
    said: list[str] = []
    if row["attention"]:
        noted = store.rows(
            "SELECT said FROM attention WHERE user=? AND incarnation=? AND server_name=? "
            "ORDER BY at DESC",
            (row["user"], row["incarnation"], row["server_name"]),
        )
        said = [one["said"] for one in noted]
    return VhostRow(
        user=row["user"],
        server_name=row["server_name"],
        owner=row["owner"],
        mode=Mode(row["mode"]),
        trust=Trust(row["trust"]),
        port80=Port80(row["port80"]),
        is_ssl=bool(row["is_ssl"]),
        is_suspended=bool(row["is_suspended"]),
        names=tuple(row["text"].partition("\n")[0].split()),
        proxied=row["proxied"],
        direct=row["direct"],
        proof_at=row["proof_at"],
        proof_held=None if row["proof_held"] is None else bool(row["proof_held"]),
        notes=tuple(_notes(row)),
        attention=(*said, *reasons(Mode(row["mode"]), is_ssl=bool(row["is_ssl"]))),
        locked=row["locked"],
        job=row["job"],
    )


def _notes(row: sqlite3.Row) -> list[str]:
    notes = []
    if not row["is_ssl"]:
        notes.append("no HTTPS: it has no certificate")
    if row["is_suspended"]:
        notes.append("the account is suspended")
    if row["exempt"]:
        notes.append(f"{row['exempt']} exemption{'s' if row['exempt'] != 1 else ''}")
    if row["port80"] == Port80.REDIRECT:
        notes.append("plain HTTP is sent to HTTPS")
    if row["port80"] == Port80.CLOUDFLARE:
        notes.append("plain HTTP is for Cloudflare alone")
    return notes
