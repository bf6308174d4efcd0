"""What the pages say when their own files, the agent or other people get in the way."""

from __future__ import annotations

import re
import socket
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from origin_pulls.errors import OriginPullsError
from origin_pulls.sandbox import services
from origin_pulls.secret import Secret
from origin_pulls.web.protection import check_token, make_token
from tests.web.conftest import Served
from tests.web.test_changes import FINGERPRINT, JOB, ended, followed

pytestmark = pytest.mark.apache

KEY = "dedi/dedi.example"
OTHER = "plain/plain.example"
GARBAGE = b"this is no database" * 500


@pytest.fixture(autouse=True)
def nothing_is_staged(served: Served) -> Iterator[None]:
    yield
    served.whm.post("r=/discard", {})


@contextmanager
def garbage_in(path: Path) -> Iterator[None]:
    """A file that is none of ours any more for a while."""
    kept, found = path.read_bytes(), path.stat()
    path.write_bytes(GARBAGE)
    try:
        yield
    finally:
        path.write_bytes(kept)
        assert path.stat().st_uid == found.st_uid


def drafts(served: Served, side: str = "admin") -> Path:
    return served.sandbox.path(f"/var/lib/origin-pulls-web/{side}.sqlite")


def staged(served: Served) -> dict[str, str]:
    """What root has staged: the modes by key."""
    with sqlite3.connect(drafts(served)) as connection:
        rows = connection.execute("SELECT user, server_name, wish FROM staged").fetchall()
    return {
        f"{user}/{name}": re.findall('"mode": "([a-z]+)"', wish)[0] for user, name, wish in rows
    }


def test_damaged_drafts_take_no_page_away_that_needs_none(served: Served) -> None:
    whm = served.whm
    token = whm.get().token
    with garbage_in(drafts(served)):
        for page in ("help", "relax", "jobs", "activity", "settings", "doctor"):
            answer = whm.get(f"r=/{page}")
            assert answer.status == 200, page
            assert "you have staged cannot be read" in answer.text, page
        listed = whm.get()
        assert listed.status == 200
        assert "delete that file" in listed.text
        assert "emptied" in whm.post("r=/relax", {"sure": "yes"}, token=token).text
        services.stop(served.sandbox.layout, ["web-admin"])
        served.sandbox.start_services()
        assert whm.get("r=/relax").status == 200
    served.under.json("observe", "blog.example")


def test_locked_drafts_take_no_page_away_that_needs_none(served: Served) -> None:
    connection = sqlite3.connect(drafts(served), isolation_level=None)
    connection.execute("BEGIN EXCLUSIVE")
    try:
        answer = served.whm.get("r=/relax")
    finally:
        connection.execute("ROLLBACK")
        connection.close()
    assert "you have staged cannot be read" in answer.text
    assert 'name="sure"' in answer.text


def test_who_deletes_damaged_drafts_goes_on_at_once(served: Served) -> None:
    drafts(served).unlink()
    assert KEY in served.whm.get().text
    served.whm.post("r=/stage", {"do": "observe", "pick": KEY})
    assert staged(served) == {KEY: "observe"}


def test_what_was_done_is_said_whatever_became_of_the_drafts(served: Served) -> None:
    whm = served.whm
    token = whm.get().token
    with garbage_in(drafts(served)):
        answer = whm.post("r=/settings", {"revert_minutes": "7"}, token=token)
        said = answer.headers["location"].partition("said=")[2]
        assert "Saved." not in served.in_whm("boss").get(f"r=/settings&said={said}").text
        assert "Saved." in followed(whm, answer).text
        assert "Saved." not in followed(whm, answer).text
        assert 'value="7"' in whm.get("r=/settings").text
    whm.post("r=/settings", {"revert_minutes": "0"})


def test_a_job_is_shown_also_where_its_drafts_cannot_be_forgotten(served: Served) -> None:
    whm = served.whm
    token = whm.get().token
    whm.post("r=/stage", {"do": "observe", "pick": KEY})
    found = FINGERPRINT.search(whm.get("r=/review").text)
    assert found
    drafts(served).chmod(0o400)  # as a full disk: it can be read and not written
    try:
        answer = whm.post("r=/apply", {"fingerprint": found[1]}, token=token)
    finally:
        drafts(served).chmod(0o600)
    job = JOB.search(answer.headers["location"])
    assert job, answer.headers["location"]
    assert "Done and proven" in ended(whm, job[1]).text
    assert staged(served) == {KEY: "observe"}
    served.under.json("off", "dedi.example")


@contextmanager
def agent_that_ends(served: Served) -> Iterator[list[bytes]]:
    """An agent that hears each wish and is gone before it answers."""
    services.stop(served.sandbox.layout, ["agent"])
    path = served.under.config.agent_socket
    path.unlink(missing_ok=True)
    heard: list[bytes] = []
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        path.chmod(0o666)
        listening.listen()

        def hear() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                with connection:
                    # Who only looks whether an agent is there says nothing.
                    if line := connection.makefile("rb").readline():
                        heard.append(line)

        hearing = threading.Thread(target=hear, daemon=True)
        hearing.start()
        try:
            yield heard
        finally:
            listening.shutdown(socket.SHUT_RDWR)
            hearing.join()
            path.unlink()
            served.sandbox.start_services()


def test_nobody_is_told_that_nothing_was_done_when_nobody_knows(served: Served) -> None:
    whm = served.whm
    whm.post("r=/stage", {"do": "observe", "pick": KEY})
    found = FINGERPRINT.search(whm.get("r=/review").text)
    assert found
    with agent_that_ends(served) as heard:
        told = [
            whm.post("r=/apply", {"fingerprint": found[1]}),
            whm.post(f"r=/vhosts/{KEY}/lock", {"reason": "why"}),
            whm.post("r=/settings", {"revert_minutes": "5"}),
            whm.post("r=/relax", {"sure": "yes"}),
        ]
        looked = whm.get(f"r=/vhosts/{KEY}")
    assert len(heard) == len(told) + 1
    for answer in told:
        assert answer.status == 200
        assert "may be done all the same" in answer.text
        assert "?r=/jobs" in answer.text
        assert not re.search("[Nn]othing was|Not applied|Not saved", answer.text)
    assert "Nothing is changed by looking" in looked.text
    assert staged(served) == {KEY: "observe"}


def test_a_damaged_store_leaves_the_panic_button_and_tells_accounts_no_path(
    served: Served,
) -> None:
    store = served.under.config.store
    with garbage_in(store):
        asked = served.whm.get("r=/relax")
        told = served.account("shop").get()
    assert "cannot be read" in asked.text
    assert 'name="sure"' in asked.text
    assert "sqlite" not in told.text
    assert "systemctl" not in told.text
    assert "administrator" in told.text


def test_a_list_that_is_old_stages_only_the_switches_that_were_moved(served: Served) -> None:
    whm, blog, key = served.whm, served.account("blog"), "blog/blog.example"
    whm.post("r=/settings", {"accounts_may": "observe"})
    try:
        assert f'name="row" value="{key}:on"' in blog.get().text
        # The list was opened when it was off still, and nobody moved its switch.
        blog.post("r=/stage", {"do": "switches", "row": f"{key}:off"})
        assert "Nothing is staged" in blog.get("r=/review").text
        blog.post("r=/stage", {"do": "switches", "row": f"{key}:on"})
        assert "blog.example" in blog.get("r=/review").text
        # Opened with that staged: as it was shown it stays, and moved back it is forgotten.
        assert f'name="row" value="{key}:off"' in blog.get().text
        blog.post("r=/stage", {"do": "switches", "row": f"{key}:off"})
        assert "Nothing is staged" not in blog.get("r=/review").text
        blog.post("r=/stage", {"do": "switches", "row": f"{key}:off", "on": key})
        assert "Nothing is staged" in blog.get("r=/review").text
        assert blog.post("r=/stage", {"do": "switches", "row": f"{key}:maybe"}).status == 404
    finally:
        whm.post("r=/settings", {"accounts_may": "everything"})


def test_who_gets_a_used_name_gets_none_of_its_drafts(served: Served) -> None:
    shop, store = served.account("shop"), served.under.config.store
    shop.post("r=/stage", {"do": "observe", "pick": "shop/api.shop.example"})
    assert "api.shop.example" in shop.get("r=/review").text
    change = "UPDATE vhost_row SET incarnation=? WHERE user='shop'"
    with sqlite3.connect(store) as connection:
        rows = connection.execute("SELECT DISTINCT incarnation FROM vhost_row WHERE user='shop'")
        ((life,),) = rows.fetchall()
        connection.execute(change, ("another life",))
    try:
        assert "Nothing is staged" in shop.get("r=/review").text
        assert "Review and apply" not in shop.get().text
    finally:
        with sqlite3.connect(store) as connection:
            connection.execute(change, (life,))
    assert "api.shop.example" in shop.get("r=/review").text
    shop.post("r=/discard", {})


def test_what_was_staged_after_the_review_is_neither_applied_nor_forgotten(served: Served) -> None:
    whm = served.whm
    whm.post("r=/stage", {"do": "observe", "pick": KEY})
    found = FINGERPRINT.search(whm.get("r=/review").text)
    assert found
    whm.post("r=/stage", {"do": "observe", "pick": OTHER})
    told = followed(whm, whm.post("r=/apply", {"fingerprint": found[1]})).text
    assert "not what was reviewed" in told
    assert set(staged(served)) == {KEY, OTHER}
    # Nor is it done in another way than was reviewed.
    found = FINGERPRINT.search(whm.get("r=/review").text)
    assert found
    answer = whm.post("r=/apply", {"fingerprint": found[1], "partial_ok": "yes"})
    assert "not what was reviewed" in followed(whm, answer).text


def test_a_button_that_is_pressed_four_times_makes_one_job(served: Served) -> None:
    whm = served.whm
    whm.post("r=/stage", {"do": "observe", "pick": KEY})
    found = FINGERPRINT.search(whm.get("r=/review").text)
    assert found
    values, token = {"fingerprint": found[1]}, whm.get().token
    led: list[str] = []

    def press() -> None:
        led.append(whm.post("r=/apply", values, token=token).headers["location"])

    pressing = [threading.Thread(target=press) for _ in range(4)]
    for one in pressing:
        one.start()
    for one in pressing:
        one.join()
    assert len(led) == 4
    (where,) = set(led)
    job = JOB.search(where)
    assert job
    assert "Done and proven" in ended(whm, job[1]).text
    served.under.json("off", "dedi.example")


@pytest.mark.parametrize("origin", ["http://[", "//[x", "https://[::1"])
def test_an_origin_that_is_none_is_refused(served: Served, origin: str) -> None:
    assert served.whm.post("r=/discard", {}, Origin=origin).status == 403


def test_a_clock_that_is_set_back_leaves_open_forms_good() -> None:
    key, now = Secret(b"k" * 32), 1_000_000.0
    token = make_token(key, "root", now)
    for later in (now, now - 3000, now + 3000):
        check_token(key, "root", token, later, hours=1)
    for later in (now - 4000, now + 4000):
        with pytest.raises(OriginPullsError):
            check_token(key, "root", token, later, hours=1)
