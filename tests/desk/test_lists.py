"""Fifty thousand vhosts in the store: found, filtered, sorted and counted page by page."""

from __future__ import annotations

import csv
import io
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from origin_pulls.actions import pages
from origin_pulls.config import Config
from origin_pulls.errors import Refused, Unusable
from origin_pulls.model.inventory import Inventory, Vhost
from origin_pulls.model.policy import Mode
from origin_pulls.model.rows import Question, Sort, Standing, read_question
from origin_pulls.store import Store
from origin_pulls.store.marks import Marks
from tests.desk import fleet

COUNT = 50_000
GENEROUS = 1.0  # seconds of this process's own time; benchmarks/ has what it really takes


@dataclass(frozen=True)
class Fleet:
    config: Config
    store: Store
    vhosts: list[Vhost]


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """A big server's store, never changed by a test but for marks that it takes away again."""
    config = Config.at(tmp_path_factory.mktemp("big"))
    listed = list(fleet.vhosts(COUNT))
    store = fleet.filled(config.store, COUNT, policies=2_000)
    fleet.note_states(store, listed[0], proxied=5, direct=2)
    fleet.note_states(store, listed[1], proxied=7, direct=0)
    fleet.note_states(store, listed[2], proxied=0, direct=7)
    yield Fleet(config, store, listed)
    store.close()


QUESTIONS = {
    "all": Question(),
    "the last page": Question(page=1000),
    "a name": Question(search="site4999"),
    "two words": Question(search="webmail.site1 acct"),
    "nothing": Question(search="no-such-thing"),
    "a mode": Question(mode=Mode.ENFORCE, page=5),
    "sorted by mode": Question(sort=Sort.MODE, is_descending=True, page=500),
    "sorted by proof": Question(sort=Sort.PROOF, is_descending=True),
    "an owner": Question(owner="res", sort=Sort.ACCOUNT),
    "attention": Question(attention=True),
    "proxied": Question(proxied=Standing.UNKNOWN, sort=Sort.PROXIED),
    "one account": Question(only="acct00077"),
    "everything": Question(search="example", sort=Sort.PROOF, page=100),
}


@pytest.mark.parametrize("question", QUESTIONS.values(), ids=QUESTIONS)
def test_every_page_comes_soon_and_holds_what_it_says(big: Fleet, question: Question) -> None:
    begun = time.process_time()
    page = pages.vhost_page(big.config, question)
    assert time.process_time() - begun < GENEROUS
    assert len(page.rows) == max(0, min(50, page.total - (page.page - 1) * 50))
    assert len({row.key for row in page.rows}) == len(page.rows)


def test_the_order_of_a_page_comes_from_an_index(big: Fleet) -> None:
    for order in ("server_name, user", "user, server_name", "mode, server_name, user"):
        plan = big.store.rows(
            f"EXPLAIN QUERY PLAN SELECT * FROM vhost_row ORDER BY {order} LIMIT 50 OFFSET 100"
        )
        said = " ".join(str(tuple(row)) for row in plan)
        assert "USING INDEX" in said
        assert "TEMP B-TREE" not in said


def test_a_search_finds_any_name_account_or_owner(big: Fleet) -> None:
    def found(text: str) -> int:
        return pages.vhost_page(big.config, read_question({"search": text})).total

    assert found("webmail.site49999.example") == 1
    assert found("ACCT00007") == 5
    assert found("site77.example acct00015") == 1
    assert found("site77.example acct00016") == 0
    assert found("%") == found("_") == found("'; DROP TABLE vhost_row; --") == 0


def test_the_counts_are_those_of_all_that_may_be_seen(big: Fleet) -> None:
    page = pages.vhost_page(big.config, Question(search="site1.example"))
    assert page.total == 1
    assert page.modes == {Mode.OFF: 48_000, Mode.ENFORCE: 1_000, Mode.OBSERVE: 1_000}
    own = pages.vhost_page(big.config, Question(only="acct00000"))
    assert own.modes == {Mode.OFF: 0, Mode.ENFORCE: 3, Mode.OBSERVE: 2}


def test_an_account_sees_its_own_whatever_it_asks(big: Fleet) -> None:
    for question in (
        Question(only="acct00003", search="site"),
        Question(only="acct00003", account="acct00004"),
        Question(only="acct00003", owner="res"),
        Question(only="acct00003", mode=Mode.ENFORCE, sort=Sort.ACCOUNT),
    ):
        rows = pages.vhost_page(big.config, question).rows
        assert {row.user for row in rows} <= {"acct00003"}
        assert {user for user, _ in pages.matching(big.config, question)} <= {"acct00003"}
    with pytest.raises(Refused):
        pages.vhost_row(big.config, "acct00004", "site20.example", only="acct00003")


def test_a_row_counts_proxied_names_and_says_what_is_wrong(big: Fleet) -> None:
    row = pages.vhost_row(big.config, "acct00000", "site0.example")
    assert (row.proxied, row.direct, row.unknown, len(row.names)) == (5, 2, 0, 7)
    assert row.attention == ("site0.example is not behind Cloudflare: visitors there are refused.",)
    assert row.mode is Mode.ENFORCE
    assert row.proof_held is True
    names = {
        standing: [
            one.server_name for one in pages.vhost_page(big.config, Question(proxied=standing)).rows
        ]
        for standing in (Standing.ALL, Standing.SOME, Standing.NONE)
    }
    assert names == {
        Standing.ALL: ["site1.example"],
        Standing.SOME: ["site0.example"],
        Standing.NONE: ["site2.example"],
    }


def test_what_needs_attention_is_found_until_it_needs_none(big: Fleet) -> None:
    one, marks = big.vhosts[40_000], Marks(big.store)
    before = pages.vhost_page(big.config, Question(attention=True)).total
    marks.notice(one, "edge", "Cloudflare presents nothing", at=fleet.AT)
    marks.notice(one, "edge", "Cloudflare presents nothing any more", at=fleet.AT)
    page = pages.vhost_page(big.config, Question(attention=True))
    assert page.total == page.attention == before + 1
    row = pages.vhost_row(big.config, one.user, one.server_name)
    assert row.attention == ("Cloudflare presents nothing any more",)
    marks.forget(one, "edge")
    assert pages.vhost_page(big.config, Question(attention=True)).total == before


def test_a_lock_stands_in_the_row_with_its_reason(big: Fleet) -> None:
    one, marks = big.vhosts[39_999], Marks(big.store)
    marks.lock(one, "<b>under attack</b>", who="root", at=fleet.AT)
    assert [row.locked for row in pages.vhost_page(big.config, Question(locked=True)).rows] == [
        "<b>under attack</b>"
    ]
    assert marks.unlock(one)
    assert not marks.unlock(one)
    assert pages.vhost_page(big.config, Question(locked=True)).total == 0


def test_all_that_match_can_be_selected_up_to_a_limit(big: Fleet) -> None:
    keys = pages.matching(big.config, Question(search="acct00019"))
    assert [name for _, name in keys] == [f"site{number}.example" for number in range(95, 99)]
    with pytest.raises(Refused, match="More than 10000"):
        pages.matching(big.config, Question())


def test_what_matches_is_exported_as_a_table_and_as_json(big: Fleet) -> None:
    question = Question(search="acct0001", sort=Sort.ACCOUNT, page=9, per_page=1)
    table = list(csv.DictReader(io.StringIO("".join(pages.export(big.config, question, "csv")))))
    whole = json.loads("".join(pages.export(big.config, question, "json")))
    assert len(table) == len(whole["vhosts"]) == 50
    assert table[0]["name"] == whole["vhosts"][0]["server_name"] == "site50.example"


def test_a_spreadsheet_is_given_no_formula(big: Fleet) -> None:
    one, marks = big.vhosts[30_000], Marks(big.store)
    marks.lock(one, "=cmd|' /C calc'!A0", who="root", at=fleet.AT)
    text = "".join(pages.export(big.config, Question(locked=True), "csv"))
    marks.unlock(one)
    assert "'=cmd" in text


def test_the_rows_stay_right_when_the_inventory_is_taken_anew(tmp_path: Path) -> None:
    config = Config.at(tmp_path)
    store, listed = fleet.filled(config.store, 50, policies=10), list(fleet.vhosts(50))
    fleet.note_states(store, listed[3], proxied=3, direct=1)
    Marks(store).lock(listed[3], "reason", who="root", at=fleet.AT)
    Marks(store).notice(listed[4], "edge", "gone", at=fleet.AT)
    before = pages.vhost_page(config, Question()).rows
    store.keep_snapshot(Inventory(tuple(listed)), "another")
    assert pages.vhost_page(config, Question()).rows == before
    fleet.give(store, listed[:10], [Mode.OFF])
    assert pages.vhost_page(config, Question()).modes[Mode.OFF] == 50


def test_a_name_that_is_used_again_inherits_nothing(tmp_path: Path) -> None:
    config = Config.at(tmp_path)
    store, listed = fleet.filled(config.store, 5, policies=5), list(fleet.vhosts(5))
    Marks(store).lock(listed[0], "reason", who="root", at=fleet.AT)
    Marks(store).notice(listed[0], "edge", "gone", at=fleet.AT)
    again = tuple(replace(one, incarnation="2") for one in listed)
    store.keep_snapshot(Inventory(again), "another")
    row = pages.vhost_row(config, listed[0].user, listed[0].server_name)
    assert (row.mode, row.locked, row.attention, row.proof_at) == (Mode.OFF, "", (), "")


def test_without_a_store_there_is_an_empty_page(tmp_path: Path) -> None:
    page = pages.vhost_page(Config.at(tmp_path), Question())
    assert (page.rows, page.total, page.pages, page.first) == ((), 0, 1, 0)


@pytest.mark.parametrize(
    "given",
    [
        {"page": "0"},
        {"page": "-1"},
        {"page": "٣"},
        {"per_page": "501"},
        {"mode": "strict"},
        {"sort": "rowid; DROP TABLE job"},
        {"account": "../root"},
        {"attention": "maybe"},
        {"proxied": "half"},
        {"search": "a" * 101},
    ],
)
def test_a_question_that_cannot_be_meant_is_refused(given: dict[str, str]) -> None:
    with pytest.raises(Unusable):
        read_question(given)


def test_who_got_an_old_user_name_sees_no_job_of_before(tmp_path: Path) -> None:
    config = Config.at(tmp_path)
    store = fleet.filled(config.store, 3, policies=0)
    number = fleet.give(store, list(fleet.vhosts(3)))
    assert pages.job_page(config, number, account="acct00000").items
    assert [row.number for row in pages.job_rows(config, account="acct00000")] == [number]
    again = [replace(one, incarnation="2") for one in fleet.vhosts(3)]
    store.keep_snapshot(Inventory(tuple(again)), "another life")
    with pytest.raises(Refused):
        pages.job_page(config, number, account="acct00000")
    assert pages.job_rows(config, account="acct00000") == []
    assert pages.job_page(config, number).items  # an administrator still does
    store.close()
