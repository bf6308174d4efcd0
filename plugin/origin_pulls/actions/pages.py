"""What the pages read from the store, page by page; no lock, no root, no agent is needed.

An account holder's page gives ``only`` (or ``account``) on each question: nothing of another
account is in the answer, whatever number or name is asked for.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace

from origin_pulls.config import Config
from origin_pulls.errors import Refused
from origin_pulls.model import rights
from origin_pulls.model.caller import Kind, is_itself
from origin_pulls.model.edge_rows import VhostAtEdge
from origin_pulls.model.job import Item
from origin_pulls.model.names import domain
from origin_pulls.model.rows import (
    ActivityPage,
    ByItself,
    Deed,
    JobPage,
    JobRow,
    Question,
    VhostPage,
    VhostRow,
)
from origin_pulls.model.settings import Permission, Settings
from origin_pulls.store import (
    Store,
    auditing,
    edge_listing,
    jobs,
    listing,
    memory_store,
    read_store,
    setting,
)

MOST_SELECTED = 10_000
AT_ONCE = 500
COLUMNS = (
    *("name", "account", "owner", "mode", "trust", "port80", "https", "suspended", "names"),
    *("proxied", "direct", "last_proof", "proof_held", "attention", "locked", "notes"),
)


def vhost_page(config: Config, question: Question) -> VhostPage:
    """One page of vhosts with their counts."""
    with _store(config) as store:
        found = listing.page(store, question)
    if not question.only:
        return found
    return replace(found, rows=tuple(map(_row_for_account, found.rows)))


def vhost_row(config: Config, user: str, server_name: str, *, only: str = "") -> VhostRow:
    """One vhost; ``Refused`` when there is none, or none that the caller may see."""
    with _store(config) as store:
        found = listing.one(store, user, server_name) if only in ("", user) else None
    if found is None:
        raise Refused(f"There is no vhost {server_name} here", hint="Choose one of the list.")
    return _row_for_account(found) if only else found


def at_edge(config: Config, user: str, server_name: str, *, account: str = "") -> VhostAtEdge:
    """Cloudflare's side of a vhost as it was left, proven or found by the watch."""
    with _store(config) as store:
        found = edge_listing.of_vhost(store, user, server_name, account=account)
    if not account:
        return found
    waiting = rights.as_told_to_accounts(found.progress.waiting, "")[0]
    return replace(found, progress=replace(found.progress, waiting=waiting))


def zones_in_use(config: Config, owners: Collection[str]) -> dict[str, list[str]]:
    """The zones in which something is presented, by whose tokens they are looked after with.

    ``owners`` are the accounts that have tokens; the server's (an empty name) serve all others.
    """
    with _store(config) as store:
        found = edge_listing.zones_in_use(store)
    zones: dict[str, dict[str, None]] = {}
    for user, zone in found:
        zones.setdefault(user if user in owners else "", {})[zone] = None
    return {owner: list(names) for owner, names in zones.items()}


def matching(
    config: Config, question: Question, *, most: int = MOST_SELECTED
) -> list[tuple[str, str]]:
    """(account, ServerName) of all that match, for *select all matching*; page is ignored.

    Those without HTTPS are left out: they can have no mode. ``Refused`` when more than ``most``
    match.
    """
    with _store(config) as store:
        found = listing.keys(store, question, most)
    if len(found) > most:
        raise Refused(
            f"More than {most} vhosts match", hint="Narrow the search, or use the command line."
        )
    return found


def export(config: Config, question: Question, form: str) -> Iterator[str]:
    """All that match as text, in pieces: ``form`` is ``csv`` or ``json``."""
    if form not in ("csv", "json"):
        raise Refused("There is no such form", hint="csv or json.")
    return _csv(config, question) if form == "csv" else _json(config, question)


def job_page(
    config: Config, number: int, *, after: int = 0, account: str = "", items_page: int = 1
) -> JobPage:
    """A job with its progress after line ``after``; ``Refused`` when there is none to be seen."""
    with _store(config) as store:
        found = jobs.page(store, number, after=after, account=account, items_page=items_page)
        may = setting.kept(store).accounts_may
    if found is None:
        raise Refused(f"There is no job {number} here", hint="Choose one of the list.")
    if account:
        return _for_account(found, may)
    return replace(found, job=replace(found.job, who=_who(found.job.who, found.job.caller_kind)))


def by_itself(config: Config, user: str, server_name: str, *, account: str = "") -> ByItself | None:
    """Why a vhost has its mode, where nobody asked for that."""
    with _store(config) as store:
        found = jobs.by_itself(store, user, server_name)
    if found is None or not account:
        return found
    return replace(found, why=rights.as_told_to_accounts(found.why, "")[0])


def job_rows(
    config: Config, *, account: str = "", vhost: tuple[str, str] | None = None, most: int = 50
) -> list[JobRow]:
    """The newest jobs: all, those of an account, or those of one vhost (its history)."""
    with _store(config) as store:
        found = jobs.newest(store, account=account, vhost=vhost, most=most)
    return [
        replace(one, who=_who(one.who, one.caller_kind, is_account=bool(account))) for one in found
    ]


def activity_page(
    config: Config,
    *,
    account: str = "",
    who: str = "",
    search: str = "",
    kind: str = "",
    page: int = 1,
    per_page: int = 50,
) -> ActivityPage:
    """Who did what, newest first. ``account`` bounds it to what concerns that account."""
    with _store(config) as store:
        found = auditing.page(
            store,
            account=account,
            who=who,
            search=search,
            kind=kind,
            number=page,
            per_page=per_page,
        )
        numbers = sorted({one.job for one in found.deeds if one.job})
        found = replace(found, undoable=jobs.undoable(store, numbers))
    if not account:
        return found
    return replace(found, deeds=tuple(_deed_for_account(one, account) for one in found.deeds))


def settings(config: Config) -> Settings:
    """The settings in force."""
    with _store(config) as store:
        return setting.kept(store)


@contextmanager
def _store(config: Config) -> Iterator[Store]:
    store = read_store(config.store) or memory_store()
    try:
        yield store
    finally:
        store.close()


def _all(config: Config, question: Question) -> Iterator[VhostRow]:
    number = 1
    while True:
        page = vhost_page(config, replace(question, page=number, per_page=AT_ONCE))
        yield from page.rows
        if number >= page.pages:
            return
        number += 1


def _csv(config: Config, question: Question) -> Iterator[str]:
    yield _line(COLUMNS)
    for row in _all(config, question):
        cells = (
            *(domain(row.server_name), row.user, row.owner, row.mode, row.trust, row.port80),
            *("yes" if row.is_ssl else "no", "yes" if row.is_suspended else "no"),
            *(" ".join(row.names), row.proxied, row.direct, row.proof_at),
            {None: "", True: "yes", False: "no"}[row.proof_held],
            *(domain("; ".join(row.attention)), row.locked, domain("; ".join(row.notes))),
        )
        yield _line(tuple(map(str, cells)))


def _line(cells: tuple[str, ...]) -> str:
    written = io.StringIO()
    # A cell that begins so would be a formula to a spreadsheet.
    safe = [f"'{cell}" if cell[:1] in "=+-@\t\r" and cell else cell for cell in cells]
    csv.writer(written).writerow(safe)
    return written.getvalue()


def _json(config: Config, question: Question) -> Iterator[str]:
    yield '{"vhosts": ['
    for number, row in enumerate(_all(config, question)):
        yield (",\n" if number else "\n") + json.dumps(asdict(row))
    yield "\n]}\n"


def _who(who: str, kind: str, *, is_account: bool = False) -> str:
    """Who asked for a job, in words for who reads it."""
    if is_itself(who, kind):
        return "this server itself"
    return "the administrator" if is_account and kind != Kind.ACCOUNT else who


def _for_account(page: JobPage, may: Permission) -> JobPage:
    """A job as its account holder may read it, where account holders may do so much."""
    message, hint = rights.as_told_to_accounts(page.job.message, page.job.hint)
    items = tuple(_item_for_account(item, page.others) for item in page.items)
    job = replace(page.job, items=items, message=message, hint=hint)
    edge = page.edge
    if edge is not None:
        edge = replace(edge, waiting=rights.as_told_to_accounts(edge.waiting, "")[0])
    is_anothers = job.caller_kind != Kind.ACCOUNT
    job = replace(
        job,
        who=_who(job.who, job.caller_kind, is_account=True),
        address="" if is_anothers else job.address,
    )
    return replace(
        page,
        job=job,
        items=items,
        edge=edge,
        is_anothers=is_anothers,
        may_change=_may_change(items, may),
        may_cancel=may is Permission.EVERYTHING,
    )


def _may_change(items: Sequence[Item], may: Permission) -> bool:
    """Whether account holders may take back, confirm or repeat these (the agent looks again)."""
    if may not in (Permission.OBSERVE, Permission.EVERYTHING):
        return False
    return not any(
        rights.of_touching(may, (one.before.policy, one.wanted), locked="", name="")
        for one in items
    )


def _row_for_account(row: VhostRow) -> VhostRow:
    said = tuple(rights.as_told_to_accounts(text, "")[0] for text in row.attention)
    return replace(row, attention=said)


def _deed_for_account(deed: Deed, account: str) -> Deed:
    if deed.kind == Kind.ACCOUNT and deed.who == account:
        return deed
    return replace(deed, who=_who(deed.who, deed.kind, is_account=True), address="", via="")


def _item_for_account(item: Item, others: Collection[str]) -> Item:
    message, hint = rights.as_told_to_accounts(item.message, item.hint)
    if any(name in text for text in (message, hint) for name in others):
        message, hint = f"{rights.TOGETHER}.", rights.ASK_ADMIN
    return replace(item, message=message, hint=hint)
