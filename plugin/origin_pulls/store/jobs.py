"""Jobs for the pages: one with its newest progress, and lists; nobody else's where bounded."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from origin_pulls.model.caller import AGENT, is_itself
from origin_pulls.model.job import SEVERITY, STEP, UNDO, Job, State
from origin_pulls.model.rows import ByItself, JobPage, JobRow, Line
from origin_pulls.store import edge_listing, records
from origin_pulls.store.store import Store

MOST_LINES = 1000
MOST_ITEMS = 200
# An account's own, in the life that it has now: who got an old user name inherits no history.
OWN = "user=? AND incarnation IN (SELECT incarnation FROM vhost_row WHERE user=?)"
# What went wrong comes first, then what is still to come.
WORST_FIRST = (
    "CASE state WHEN 'not restored' THEN 0 WHEN 'restored' THEN 1 WHEN 'refused' THEN 2 "
    "WHEN 'done' THEN 4 ELSE 3 END, rowid"
)


def page(store: Store, number: int, *, after: int, account: str, items_page: int) -> JobPage | None:
    """A job as an account (empty: an administrator) may see it; ``None`` when it may not."""
    rows = store.rows("SELECT * FROM job WHERE number=?", (number,))
    mine, values = (f"AND {OWN}", (number, account, account)) if account else ("", (number,))
    counted = store.rows(
        f"SELECT state, count(*) AS number FROM item WHERE job=? {mine} GROUP BY state",  # noqa: S608
        values,
    )
    if not rows or (account and not counted):
        return None
    found = store.rows(
        f"SELECT * FROM item WHERE job=? {mine} ORDER BY {WORST_FIRST} LIMIT ? OFFSET ?",  # noqa: S608
        (*values, MOST_ITEMS, (max(items_page, 1) - 1) * MOST_ITEMS),
    )
    with store.mended():
        items = tuple(records.item(row) for row in found)
        job = replace(records.job(rows[0]), items=items)
    # The steps of a job at Cloudflare name it as well.
    undone = store.rows(
        "SELECT max(number) FROM job WHERE undoes=? AND kind='undo' AND state='done'", (number,)
    )
    others = _others(store, number, account) if account else frozenset()
    if others:
        job = _as_own(job, [row["state"] for row in counted])
    is_there = job.state is State.AT_EDGE
    return JobPage(
        job=job,
        lines=() if others else _lines(store, number, after),
        items=items,
        counts={row["state"]: row["number"] for row in counted},
        revert_at=_revert_at(store, mine, values),
        undone_by=int(undone[0][0] or 0),
        edge=edge_listing.progress(store, number) if is_there and not others else None,
        others=others,
    )


def newest(store: Store, *, account: str, vhost: tuple[str, str] | None, most: int) -> list[JobRow]:
    """The newest jobs: all, an account's, or those of one vhost; no steps of other jobs."""
    parts, values = [f"kind<>'{STEP}'"], tuple[str, ...]()
    if vhost is not None:
        parts.append("number IN (SELECT job FROM item WHERE user=? AND server_name=?)")
        values = vhost
    if account:
        parts.append(f"number IN (SELECT job FROM item WHERE {OWN})")  # noqa: S608 - fixed texts
        values = (*values, account, account)
    rows = store.rows(
        f"SELECT * FROM job WHERE {' AND '.join(parts)} "  # noqa: S608 - fixed texts
        "ORDER BY number DESC LIMIT ?",
        (*values, most),
    )
    with store.mended():
        return [_row(store, records.job(row), account) for row in rows]


def by_itself(store: Store, user: str, server_name: str) -> ByItself | None:
    """Why a vhost has the mode that it has now, where that was nobody's wish; else ``None``."""
    rows = store.rows(
        "SELECT job.*, json_extract(item.wanted, '$.mode') AS mode, "
        "json_extract(item.before, '$.mode') AS was FROM item JOIN job ON job.number=item.job "
        "JOIN vhost_row USING (user, incarnation, server_name) WHERE user=? AND server_name=? "
        "AND item.state='done' AND item.wanted<>item.before AND job.kind<>? "
        "ORDER BY job.number DESC LIMIT 1",
        (user, server_name, STEP),
    )
    if not rows or rows[0]["mode"] == rows[0]["was"]:
        return None
    last = rows[0]
    if last["who"] != AGENT.user or not is_itself(last["who"], last["caller_kind"]):
        return None
    why = f"nobody confirmed job {last['undoes']} in time."
    if last["kind"] != UNDO:
        said = f"{user}/{server_name}: "
        lines = store.rows(
            "SELECT text FROM progress WHERE job=? AND substr(text, 1, ?)=? ORDER BY rowid",
            (last["number"], len(said), said),
        )
        found = dict.fromkeys(line["text"].removeprefix(said) for line in lines)
        why = f"{'; '.join(found)}." if found else ""
    return ByItself(last["number"], last["ended"], last["mode"], why)


def undoable(store: Store, numbers: Sequence[int]) -> frozenset[int]:
    """Which of these jobs can be taken back: all that they changed is still as they left it."""
    over = [str(state) for state in State if state.is_over]
    rows = store.rows(
        "SELECT item.job AS number FROM item JOIN job ON job.number=item.job "  # noqa: S608 - marks
        "LEFT JOIN policy USING (user, incarnation, server_name) "
        f"WHERE item.job IN ({','.join('?' * len(numbers))}) "
        f"AND job.state IN ({','.join('?' * len(over))}) AND job.kind<>'{STEP}' "
        "AND item.state='done' AND item.wanted<>item.before GROUP BY item.job "
        "HAVING count(*)=sum(policy.job IS item.after_job)",
        (*numbers, *over),
    )
    return frozenset(row["number"] for row in rows)


def _row(store: Store, job: Job, account: str) -> JobRow:
    number = job.number
    mine, values = (f"AND {OWN}", (number, account, account)) if account else ("", (number,))
    summed = store.rows(
        "SELECT count(*) AS number, min(server_name) AS first, "  # noqa: S608 - fixed texts
        "group_concat(DISTINCT json_extract(wanted, '$.mode')) AS modes, "
        "group_concat(DISTINCT state) AS states "
        f"FROM item WHERE job=? {mine}",
        values,
    )[0]
    if account and _others(store, number, account):
        job = _as_own(job, (summed["states"] or "").split(","))
    return JobRow(
        number=number,
        kind=job.kind,
        who=job.who,
        caller_kind=job.caller_kind,
        state=str(job.state),
        asked=job.asked,
        ended=job.ended,
        vhosts=summed["number"],
        first_vhost=summed["first"] or "",
        modes=tuple(sorted((summed["modes"] or "").split(","))) if summed["modes"] else (),
        revert_at=_revert_at(store, mine, values),
    )


def _revert_at(store: Store, mine: str, values: Sequence[object]) -> str:
    """When a job goes back by itself; empty where nothing of it (or of an account's) would.

    What was taken back by hand, or set anew since, is what somebody decided. ``values`` begin with
    the job's number, ``mine`` bounds the items.
    """
    rows = store.rows(
        "SELECT due FROM confirmation WHERE job=? AND undo=0 AND EXISTS ("  # noqa: S608 - fixed texts
        "SELECT 1 FROM item JOIN policy USING (user, incarnation, server_name) "
        "WHERE item.job=confirmation.job AND item.state='done' AND item.wanted<>item.before "
        f"AND policy.job=item.after_job {mine})",
        values,
    )
    return str(rows[0]["due"]) if rows else ""


def _others(store: Store, number: int, account: str) -> frozenset[str]:
    """The vhosts of others in a job: whoever reads it for an account is told nothing of them."""
    rows = store.rows(
        "SELECT DISTINCT server_name FROM item WHERE job=? AND user<>?", (number, account)
    )
    return frozenset(row["server_name"] for row in rows)


def _as_own(job: Job, states: Sequence[str]) -> Job:
    """A job that is others' as well, as what became of an account's own part of it."""
    job = replace(job, message="", hint="")
    own = [state for state in SEVERITY if str(state) in states]
    return replace(job, state=own[-1]) if job.state.is_over and own else job


def _lines(store: Store, number: int, after: int) -> tuple[Line, ...]:
    rows = store.rows(
        "SELECT rowid, at, text FROM progress WHERE job=? AND rowid>? ORDER BY rowid LIMIT ?",
        (number, after, MOST_LINES),
    )
    return tuple(Line(row["rowid"], row["at"], row["text"]) for row in rows)
