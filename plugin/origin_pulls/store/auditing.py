"""The audit: who did what, when and from where."""

from __future__ import annotations

from origin_pulls.model.caller import Caller
from origin_pulls.model.rows import ActivityPage, Deed
from origin_pulls.store.parts import Reading, Writing

LONGEST = 500


def note(
    store: Writing, caller: Caller, action: str, *, subject: str = "", job: int = 0, at: str
) -> None:
    """Keep that somebody did something; ``subject`` is a vhost's key or another short word."""
    with store.writing() as connection:
        connection.execute(
            "INSERT INTO audit (at, who, action, subject, job, kind, address, via) "
            "VALUES (?,?,?,?,?,?,?,?)",
            (
                *(at, caller.user, action[:LONGEST], subject[:LONGEST], job),
                *(str(caller.kind), caller.address, caller.via),
            ),
        )


def page(
    store: Reading,
    *,
    account: str,
    who: str,
    search: str,
    kind: str,
    number: int,
    per_page: int,
) -> ActivityPage:
    """One page, newest first; ``account`` bounds it to what that account did or suffered."""
    parts: list[str] = []
    values: list[object] = []
    if account:
        # '0' follows '/' in ASCII: what begins with the account's name and a slash.
        parts.append("((subject>=? AND subject<?) OR (who=? AND kind='account'))")
        values += [f"{account}/", f"{account}0", account]
    for column, wanted in (("who", who), ("kind", kind)):
        if wanted:
            parts.append(f"{column}=?")
            values.append(wanted)
    if search:
        parts.append("(instr(lower(subject), ?) OR instr(lower(action), ?))")
        values += [search.lower(), search.lower()]
    where = f"WHERE {' AND '.join(parts)}" if parts else ""
    total = int(store.rows(f"SELECT count(*) FROM audit {where}", values)[0][0])  # noqa: S608
    number = min(number, max(1, -(-total // per_page)))
    rows = store.rows(
        f"SELECT rowid AS number, * FROM audit {where} ORDER BY rowid DESC LIMIT ? OFFSET ?",  # noqa: S608
        (*values, per_page, (number - 1) * per_page),
    )
    columns = ("number", "at", "who", "kind", "address", "via", "action", "subject", "job")
    deeds = tuple(Deed(**{name: row[name] for name in columns}) for row in rows)
    return ActivityPage(deeds=deeds, total=total, page=number, per_page=per_page)
