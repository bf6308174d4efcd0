"""A store with many vhosts in it, as a big server has; no Apache is needed for that."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from origin_pulls.model.inventory import Inventory, Kind, Name, Proxied, Vhost
from origin_pulls.model.job import Item, Job, State
from origin_pulls.model.policy import Mode, Policy
from origin_pulls.store import Store, open_store
from origin_pulls.store.marks import Marks

AT = "2026-01-02T03:04:05.678+00:00"
LABELS = ("www", "mail", "cpanel", "webmail", "webdisk", "autodiscover")


def vhosts(count: int) -> Iterator[Vhost]:
    """So many vhosts: five an account, an account in eight of the reseller ``res``."""
    for number in range(count):
        user, name = f"acct{number // 5:05d}", f"site{number}.example"
        names = [Name(name, Kind.MAIN)]
        names += [Name(f"{label}.{name}", Kind.SERVICE) for label in LABELS]
        yield Vhost(
            user=user,
            server_name=name,
            owner="res" if number // 5 % 8 == 0 else "root",
            incarnation="1",
            is_ssl=number % 100 != 99,
            names=tuple(names),
            addresses=("192.0.2.1:443",),
        )


def filled(path: Path, count: int, *, policies: int) -> Store:
    """A store that lists them; the first ones are observed and enforced by turns."""
    store = open_store(path)
    listed = list(vhosts(count))
    store.keep_snapshot(Inventory(tuple(listed)), "signature")
    give(store, listed[:policies])
    return store


def give(store: Store, listed: Sequence[Vhost], modes: Sequence[Mode] = ()) -> int:
    """A job that gave each of these a mode; its number."""
    chosen = modes or (Mode.ENFORCE, Mode.OBSERVE)
    items = tuple(
        Item(
            user=one.user,
            server_name=one.server_name,
            incarnation=one.incarnation,
            wanted=Policy(mode=chosen[number % len(chosen)]),
            state=State.DONE,
            diff="+ changed\n",
            proof=("https://… came: HTTP 200",),
        )
        for number, one in enumerate(listed)
    )
    job = Job(number=0, kind="change", who="root", asked=AT, items=items, caller_kind="root")
    number = store.add_job(job)
    done = tuple(replace(item, after_job=number) for item in items)
    store.finish([replace(job, number=number, items=done, state=State.DONE)], at=AT)
    return number


def note_states(store: Store, one: Vhost, *, proxied: int, direct: int) -> None:
    """So many of its names are behind Cloudflare, so many are not, the others nobody knows.

    The last of its names are those behind it, and so its own comes last.
    """
    states = {}
    for number, name in enumerate(reversed(one.host_names)):
        if number < proxied:
            states[name] = Proxied.PROXIED
        else:
            states[name] = Proxied.DIRECT if number < proxied + direct else Proxied.UNKNOWN
    Marks(store).keep_name_states(one, states, at=AT)
