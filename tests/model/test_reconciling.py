"""What follows from the life of accounts, as a table of cases."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from origin_pulls.model.inventory import Kind, Name, Vhost
from origin_pulls.model.job import Applied
from origin_pulls.model.policy import Mode, Policy
from origin_pulls.model.reconciling import (
    Decision,
    Event,
    Found,
    LastSeen,
    Life,
    Row,
    decide,
    read_event,
)

ENFORCE = Applied(policy=Policy(mode=Mode.ENFORCE, edge_ready=True), job=1)
OLD = Life("1001", "1700000000")


def vhost(user: str, life: Life = OLD, *names: str) -> Vhost:
    return Vhost(
        user=user,
        server_name="a.example",
        owner="root",
        incarnation=life.incarnation,
        is_ssl=True,
        names=tuple(Name(name, Kind.MAIN) for name in ("a.example", *names)),
    )


def row(user: str, life: Life = OLD) -> Row:
    return user, life.incarnation, "a.example"


def seen(*names: str, asked: float = 0.0) -> LastSeen:
    return LastSeen(is_ssl=True, host_names=("a.example", *names), asked=asked)


def decided(
    lives: Mapping[str, Life],
    *vhosts: Vhost,
    policies: Mapping[Row, Applied] | None = None,
    memory: Mapping[Row, LastSeen] | None = None,
    events: tuple[Event, ...] = (),
    included: tuple[str, ...] = (),
    astray: tuple[str, ...] = (),
    default: Policy = Policy(),  # noqa: B008 - frozen
    is_traceless: bool = False,
    now: float = 10_000.0,
    under_way: tuple[tuple[str, str], ...] = (),
) -> Decision:
    found = Found(
        lives=lives,
        vhosts=vhosts,
        included=included,
        astray=astray,
        traceless=lambda user, name: is_traceless,
    )
    return decide(
        {row("ann"): ENFORCE} if policies is None else policies,
        found,
        memory={row("ann"): seen()} if memory is None else memory,
        events=events,
        inherits=lambda one: default,
        now=now,
        under_way=under_way,
    )


def test_nothing_happened_and_nothing_follows() -> None:
    assert decided({"ann": OLD}, vhost("ann")) == Decision()


def test_the_same_life_under_another_name_is_a_rename() -> None:
    done = decided({"bea": OLD}, vhost("bea"), astray=("bea/a.example",))
    assert [(move.user, move.new_user) for move in done.moves] == [("ann", "bea")]
    assert done.forgotten == ()
    assert [item.policy for item in done.asked] == [ENFORCE.policy]


def test_a_life_of_which_there_is_only_a_job_under_way_is_followed_too() -> None:
    lives = {"bea": OLD}
    assert decided(lives, policies={}).moves == ()
    done = decided(lives, policies={}, under_way=(("ann", OLD.incarnation),))
    assert [(move.user, move.new_user) for move in done.moves] == [("ann", "bea")]
    assert done.forgotten == ()


def test_two_accounts_that_change_names_keep_their_own() -> None:
    other = Life("1002", "1700000001")
    done = decided(
        {"ann": other, "bea": OLD},
        policies={row("ann"): ENFORCE, row("bea", other): Applied()},
    )
    assert {(move.user, move.new_user) for move in done.moves} == {("ann", "bea"), ("bea", "ann")}
    assert done.forgotten == ()


RENAMED = Event(name="Accounts::Modify", at=5, user="ann", new_user="bea")
RESTARTED = Life("1001", "1800000000")


def test_a_noted_rename_counts_where_the_start_was_written_anew() -> None:
    done = decided({"bea": RESTARTED}, events=(RENAMED,))
    assert [(move.new_user, move.new_incarnation) for move in done.moves] == [
        ("bea", RESTARTED.incarnation)
    ]


@pytest.mark.parametrize(
    "events",
    [
        (),
        (RENAMED, Event(name="Accounts::Remove", at=6, user="bea")),
        (RENAMED, Event(name="Accounts::Create", at=6, user="bea")),
        (Event(name="Accounts::Remove", at=4, user="ann"), RENAMED),
    ],
)
def test_a_user_id_that_is_used_again_is_another_life(events: tuple[Event, ...]) -> None:
    done = decided({"bea": RESTARTED}, events=events)
    assert done.moves == ()
    assert done.forgotten == (row("ann"),)


def test_a_rename_to_an_account_with_another_user_id_is_none() -> None:
    assert decided({"bea": Life("1002", "1")}, events=(RENAMED,)).moves == ()


def test_an_account_made_again_inherits_nothing() -> None:
    done = decided({"ann": RESTARTED}, vhost("ann", RESTARTED), included=("ann/a.example",))
    assert done.forgotten == (row("ann"),)
    assert [item.policy.mode for item in done.asked] == [Mode.OFF]


@pytest.mark.parametrize("life", [Life("", ""), Life("1001", ""), Life("", "1700000000")])
def test_an_account_that_cannot_be_read_is_left_alone(life: Life) -> None:
    done = decided({"ann": life}, vhost("ann", life), included=("ann/a.example",))
    assert done == Decision()


def test_a_vhost_without_trace_is_forgotten_and_one_out_of_sight_is_not() -> None:
    assert decided({"ann": OLD}, is_traceless=True).forgotten == (row("ann"),)
    assert decided({"ann": OLD}, is_traceless=False).forgotten == ()


def test_other_names_let_the_include_be_made_anew() -> None:
    done = decided({"ann": OLD}, vhost("ann", OLD, "b.example"))
    assert [item.policy for item in done.asked] == [ENFORCE.policy]


def test_what_is_off_is_not_looked_at_for_its_names() -> None:
    policies = {row("ann"): Applied(job=3)}
    assert decided({"ann": OLD}, vhost("ann", OLD, "b.example"), policies=policies).asked == ()


def test_only_what_is_new_gets_the_default() -> None:
    lives = {"ann": OLD}
    default = ENFORCE.policy
    new = {row("zoe"): seen()}
    assert len(decided(lives, vhost("ann"), policies={}, memory=new, default=default).asked) == 1
    known = {row("ann"): seen()}
    assert decided(lives, vhost("ann"), policies={}, memory=known, default=default).asked == ()
    assert decided(lives, vhost("ann"), policies={}, memory={}, default=default).asked == ()
    without = {row("ann"): LastSeen(is_ssl=False, host_names=("a.example",))}
    assert (
        len(decided(lives, vhost("ann"), policies={}, memory=without, default=default).asked) == 1
    )
    turned_off = {row("ann"): Applied(job=3)}
    assert (
        decided(lives, vhost("ann"), policies=turned_off, memory=new, default=default).asked == ()
    )


def test_what_was_refused_is_asked_again_after_an_hour_or_an_event() -> None:
    lives = {"ann": OLD}
    memory = {row("ann"): seen(asked=9_000.0)}
    astray = ("ann/a.example",)
    assert decided(lives, vhost("ann"), memory=memory, astray=astray).asked == ()
    event = Event(name="SSL::installssl", at=1, user="ann")
    assert decided(lives, vhost("ann"), memory=memory, astray=astray, events=(event,)).asked
    assert decided(lives, vhost("ann"), memory=memory, astray=astray, now=13_000.0).asked


@pytest.mark.parametrize(
    ("text", "event"),
    [
        (
            "event Accounts::Create\nat 5\nuser ann\n",
            Event(name="Accounts::Create", at=5, user="ann"),
        ),
        ("event x\nat 5\nuser ../etc\n", Event(name="x", at=5)),
        ("event x\nat 5\nuser ann\nuser bea\n", Event(name="x", at=5, user="ann")),
        ("event x\nat later\n", None),
        ("at 5\n", None),
        ("event a b\nat 5\n", None),
        ("", None),
        ("\0\n\n \n", None),
    ],
)
def test_a_spool_file_is_read_with_suspicion(text: str, event: Event | None) -> None:
    assert read_event(text) == event
