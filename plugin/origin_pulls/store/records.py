"""Rows and values: how jobs, items and policies lie in the tables."""

from __future__ import annotations

import json
import sqlite3

from origin_pulls.errors import Unusable
from origin_pulls.model.job import STEP, Applied, Item, Job, State
from origin_pulls.model.policy import Policy, read_policy
from origin_pulls.store import marks


def finish_item(connection: sqlite3.Connection, job: Job, item: Item, at: str) -> None:
    """Keep the outcome of one item, and its policy where it is done."""
    connection.execute(
        "UPDATE item SET state=?, message=?, hint=?, diff=?, proof=?, notes=?, before=?, "
        "before_job=?, after_job=? WHERE job=? AND user=? AND server_name=?",
        (
            *(item.state, item.message, item.hint, item.diff),
            *(json.dumps(item.proof), json.dumps(item.notes)),
            *(packed(item.before.policy), item.before.job, item.after_job),
            *(job.number, item.user, item.server_name),
        ),
    )
    marks.note_outcome(connection, job, item, at)
    if item.state is not State.DONE:
        return
    connection.execute(
        "INSERT INTO policy (user, incarnation, server_name, policy, job, material) "
        "VALUES (?,?,?,?,?,'') ON CONFLICT (user, incarnation, server_name) "
        "DO UPDATE SET policy=?, job=?",
        (
            *(item.user, item.incarnation, item.server_name),
            *(packed(item.wanted), item.after_job, packed(item.wanted), item.after_job),
        ),
    )
    marks.judge_names(connection, item, at)
    if job.kind == STEP:
        return  # the job that it is a step of stands in the audit
    action = _action(job, item)
    connection.execute(
        "INSERT INTO audit (at, who, action, subject, job, kind, address) "
        "SELECT ?,?,?,?,?,?,? WHERE NOT EXISTS "
        "(SELECT 1 FROM audit WHERE job=? AND subject=? AND action=?)",
        (
            *(at, job.who, action, item.key, job.number, job.caller_kind, job.address),
            *(job.number, item.key, action),
        ),
    )


def _action(job: Job, item: Item) -> str:
    """What was done to a vhost by a job, in words."""
    mode = item.wanted.mode
    match job.kind:
        case "change":
            return f"changed to {mode}"
        case "undo":
            return f"undid job {job.undoes}: back to {mode}"
        case "rotate":
            return "brought a new certificate"
        case "relax":
            return f"relaxed: {mode}"
    return f"{job.kind}: {mode}"


def item_row(number: int, item: Item) -> tuple[object, ...]:
    """The item as the values of its row."""
    return (
        *(number, item.user, item.server_name, item.incarnation, packed(item.wanted)),
        *(packed(item.before.policy), item.before.job, item.after_job, item.state),
        *(item.message, item.hint, item.diff, json.dumps(item.proof), json.dumps(item.notes)),
    )


def item(row: sqlite3.Row) -> Item:
    """The item of a row."""
    return Item(
        user=row["user"],
        server_name=row["server_name"],
        incarnation=row["incarnation"],
        wanted=_unpacked(row["wanted"]),
        before=Applied(policy=_unpacked(row["before"]), job=row["before_job"]),
        after_job=row["after_job"],
        state=State(row["state"]),
        message=row["message"],
        hint=row["hint"],
        diff=row["diff"],
        proof=tuple(json.loads(row["proof"])),
        notes=tuple(json.loads(row["notes"])),
    )


def job(row: sqlite3.Row) -> Job:
    """The job of a row, without its items."""
    names = (
        *("number", "kind", "who", "asked", "started", "ended", "undoes", "message", "hint"),
        *("caller_kind", "address", "revert_minutes", "fingerprint"),
    )
    return Job(
        **{name: row[name] for name in names},
        is_partial=bool(row["is_partial"]),
        state=State(row["state"]),
    )


def applied(row: sqlite3.Row) -> Applied:
    """The policy in force of a row."""
    return Applied(policy=_unpacked(row["policy"]), job=row["job"])


def packed(policy: Policy) -> str:
    """The policy as text."""
    return json.dumps(policy.as_record())


def _unpacked(text: str) -> Policy:
    try:
        return read_policy(_object(text))
    except (ValueError, TypeError, Unusable) as error:
        raise sqlite3.DatabaseError(f"a policy in it cannot be read ({error})") from error


def _object(text: str) -> dict[str, object]:
    record = json.loads(text)
    if not isinstance(record, dict):
        raise TypeError("it is no object")
    return record
