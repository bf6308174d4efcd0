"""A job's page: what it offers is what can still be done, and nothing is taken back unreviewed."""

from __future__ import annotations

import re
import time

import pytest

from origin_pulls.store import open_store
from tests.web.browsing import Answer, Visitor
from tests.web.conftest import Served
from tests.web.test_changes import JOB, PATIENCE, applied, ended, followed

pytestmark = pytest.mark.apache

PLAIN = "plain/plain.example"


def enforced(whm: Visitor, minutes: int = 30) -> str:
    """Have a site enforced that goes back by itself; the address of the job's page."""
    whm.post("r=/stage", {"do": "enforce", "pick": PLAIN})
    fields = {"edge_ready": "yes", "revert_minutes": minutes}
    return applied(whm, {name: str(value) for name, value in fields.items()}, "&edge_ready=yes")


def undone(whm: Visitor, page: str) -> Answer:
    """Take a job back by the review that its page leads to."""
    review = re.search(r'href="\?(r=/jobs/[0-9]+/undo/review)"', whm.get(page).text)
    assert review, "the job's page leads to a review"
    text = whm.get(review[1]).text
    print_ = re.search(r'name="fingerprint" value="([0-9a-f]+)"', text)
    assert print_, text
    answer = whm.post(f"{page}/undo", {"fingerprint": print_[1]})
    number = JOB.search(answer.headers["location"])
    assert number
    return ended(whm, number[1])


def test_an_undo_is_reviewed_and_then_there_is_nothing_to_confirm(served: Served) -> None:
    whm = served.whm
    page = enforced(whm)
    text = whm.get(page).text
    assert "unless you confirm it" in text
    assert "waits for a confirmation" in whm.get("r=/jobs").text
    assert f'action="?{page}/undo"' not in text, "nothing is taken back unreviewed"
    assert "done" in undone(whm, page).text
    text = whm.get(page).text
    assert "Undone by" in text
    assert "unless you confirm it" not in text
    assert "waits for a confirmation" not in whm.get("r=/jobs").text
    # A page that was open meanwhile still has the button.
    assert "does not wait" in followed(whm, whm.post(f"{page}/confirm", {})).text
    assert served.under.is_open("plain.example")


def test_what_was_set_anew_meanwhile_neither_goes_back_nor_asks(served: Served) -> None:
    whm = served.whm
    page = enforced(whm)
    whm.post("r=/stage", {"do": "off", "pick": PLAIN})
    applied(whm)
    assert "unless you confirm it" not in whm.get(page).text


def test_what_went_back_by_itself_says_so_at_the_top_of_its_page(served: Served) -> None:
    whm, plain = served.whm, served.account("plain")
    page = enforced(whm)
    store = open_store(served.under.config.store)
    with store.writing() as connection:
        connection.execute("UPDATE confirmation SET due='2026-01-01T00:00:00.000+00:00'")
    store.close()
    number, end = page.rpartition("/")[2], time.monotonic() + PATIENCE
    here = "r=/vhosts/plain/plain.example"
    while "by itself, " not in (text := plain.get(here).text):
        assert time.monotonic() < end, text
        time.sleep(0.2)
    assert "It went back to off by itself, " in text
    assert f"nobody confirmed job {number} in time." in text
    for visitor in (plain, whm):
        assert "this server itself" in visitor.get("r=/jobs").text
        assert "by this server itself" in visitor.get(f"r=/jobs/{int(number) + 1}").text
    assert ">this server itself <" in whm.get("r=/activity").text
    assert served.under.is_open("plain.example")
    # Somebody's wish is no news.
    whm.post("r=/stage", {"do": "observe", "pick": PLAIN})
    applied(whm)
    assert "by itself, " not in plain.get(here).text
    whm.post("r=/stage", {"do": "off", "pick": PLAIN})
    applied(whm)


def test_the_tab_above_a_page_is_marked(served: Served) -> None:
    whm = served.whm
    whm.post("r=/stage", {"do": "observe", "pick": PLAIN})
    for query, tab in (
        ("r=/jobs", 'aria-current="page">Jobs'),
        ("r=/jobs/1", 'aria-current="true">Jobs'),
        ("r=/review", 'aria-current="true">Domains'),
        ("r=/vhosts/blog/blog.example", 'aria-current="true">Domains'),
        ("r=/vhosts/blog/blog.example/rotate", 'aria-current="true">Domains'),
    ):
        text = whm.get(query).text
        assert tab in text, query
        assert text.count("aria-current") == 1, query
    whm.post("r=/discard", {})
