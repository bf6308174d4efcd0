"""The audit: who did what, when and from where."""

from __future__ import annotations

from origin_pulls.model.caller import Caller
from origin_pulls.model.deeds import ASKED
from origin_pulls.model.rows import ActivityPage, Deed
from origin_pulls.store.parts import Reading, Writing

LONGEST = 500
# What a job did to each of its vhosts, alike, is one deed; so is everything else by itself.
ONE = "CASE WHEN job>0 AND via='' THEN job || ' ' || action ELSE rowid END"
# That a job was asked for is told by what it did, as soon as it did something.
NOT_TOLD_ANEW = (
    f"NOT (job>0 AND via<>'' AND action LIKE '{ASKED}%' "  # noqa: S608 - fixed texts
    "AND EXISTS (SELECT 1 FROM audit AS did WHERE did.job=audit.job AND did.via=''))"
)


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
    """One page, newest first; ``account`` bounds it to what that account did or suffered.

    What was done to many vhosts alike by one job is one deed.
    """
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
    where = " AND ".join([NOT_TOLD_ANEW, *parts])
    total = int(
        store.rows(f"SELECT count(DISTINCT {ONE}) FROM audit WHERE {where}", values)[0][0]  # noqa: S608
    )
    number = min(number, max(1, -(-total // per_page)))
    # Of a group, SQLite takes the other columns out of the row with the largest number.
    rows = store.rows(
        "SELECT max(rowid) AS number, count(*) AS count, at, who, kind, address, via, action, "  # noqa: S608
        f"subject, job FROM audit WHERE {where} GROUP BY {ONE} ORDER BY number DESC "
        "LIMIT ? OFFSET ?",
        (*values, per_page, (number - 1) * per_page),
    )
    columns = ("number", "at", "who", "kind", "address", "via", "action", "subject", "job", "count")
    deeds = tuple(Deed(**{name: row[name] for name in columns}) for row in rows)
    return ActivityPage(deeds=deeds, total=total, page=number, per_page=per_page)
