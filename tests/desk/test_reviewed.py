"""Preview, fingerprint, confirm or revert: what was reviewed is done, and it can go back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from origin_pulls.actions import pages
from origin_pulls.engine import reverting, working
from origin_pulls.engine.server import Server
from origin_pulls.model import preview as previews
from origin_pulls.model.desk_wish import Confirm
from origin_pulls.model.job import State
from origin_pulls.model.policy import Mode, Port80
from origin_pulls.model.preview import Preview as Previewed
from origin_pulls.model.rows import JobPage
from origin_pulls.model.wish import Preview, Reviewed, Undo
from origin_pulls.sandbox import Sandbox
from tests.desk.conftest import ROOT, SHOP, Desk, policy, until
from tests.server_under_test import UnderTest

pytestmark = [pytest.mark.apache, pytest.mark.timeout(300)]
NAME = "shop.example"


@pytest.fixture(autouse=True)
def as_found(request: pytest.FixtureRequest) -> Iterator[None]:
    """Everything off again after each test that used the shared desk."""
    yield
    if "desk" in request.fixturenames:
        request.getfixturevalue("desk").done(policy(NAME, Mode.OFF), ROOT)


def previewed(desk: Desk, wish: Reviewed) -> Previewed:
    """What the agent says it would do."""
    answer = desk.ask(Preview(wish), ROOT)
    assert "preview" in answer, answer
    return previews.read_preview(answer["preview"])


def test_a_preview_says_what_will_happen_and_touches_nothing(desk: Desk) -> None:
    seen = previewed(desk, policy(NAME, Mode.ENFORCE, edge_ready=True))
    one = seen.vhosts[0]
    assert (seen.total, seen.refusals, seen.would_be_done) == (1, 0, True)
    assert (one.before.mode, one.wanted.mode) == (Mode.OFF, Mode.ENFORCE)
    assert "Who does not come through Cloudflare is refused from now on." in one.words
    assert "webmail.shop.example" in one.services
    assert {"shop.example", "shop-parked.example"} <= {name.name for name in one.names}
    assert "+SSLVerifyClient require" in one.diff.replace("+    ", "+")
    assert not desk.one.include("shop", NAME).exists()
    assert not list(desk.one.config.keys_directory.glob("[0-9a-f]*"))


def test_two_previews_have_one_fingerprint_and_apply_takes_it(desk: Desk) -> None:
    wish = policy(NAME, Mode.OBSERVE)
    first, second = previewed(desk, wish), previewed(desk, wish)
    assert first.fingerprint == second.fingerprint
    assert desk.done(replace(wish, fingerprint=first.fingerprint), ROOT) == "done"


def test_what_looks_different_meanwhile_is_refused(desk: Desk) -> None:
    wish = policy(NAME, Mode.ENFORCE, edge_ready=True)
    fingerprint = previewed(desk, wish).fingerprint
    assert desk.done(policy(NAME, Mode.OBSERVE), ROOT) == "done"
    assert desk.done(replace(wish, fingerprint=fingerprint), ROOT) == "refused"
    page = pages.job_page(desk.one.config, pages.job_rows(desk.one.config)[0].number)
    assert "looked different meanwhile" in page.job.message
    assert desk.one.is_open(NAME)


def test_an_undo_that_was_reviewed_is_refused_when_it_looks_different_meanwhile(desk: Desk) -> None:
    assert desk.done(policy(NAME, Mode.OBSERVE), ROOT) == "done"
    number = pages.job_rows(desk.one.config)[0].number
    other = previewed(desk, policy(NAME, Mode.OFF, port80=Port80.REDIRECT))
    assert desk.done(Undo(number, fingerprint=other.fingerprint), ROOT) == "refused"
    refused = pages.job_page(desk.one.config, pages.job_rows(desk.one.config)[0].number)
    assert "looked different meanwhile" in refused.job.message
    seen = previewed(desk, Undo(number))
    assert desk.done(Undo(number, fingerprint=seen.fingerprint), ROOT) == "done"


def test_a_refusal_is_shown_with_its_hint_before_it_is_asked_for(desk: Desk) -> None:
    seen = previewed(desk, policy(NAME, Mode.ENFORCE))
    assert (seen.refusals, seen.would_be_done) == (1, False)
    assert seen.vhosts[0].refused
    assert seen.vhosts[0].hint


def test_a_job_page_goes_on_from_the_line_that_was_read_last(desk: Desk) -> None:
    assert desk.done(policy(NAME, Mode.OBSERVE), SHOP) == "done"
    number = pages.job_rows(desk.one.config, account="shop")[0].number
    whole = pages.job_page(desk.one.config, number, account="shop")
    assert len(whole.lines) > 2
    rest = pages.job_page(desk.one.config, number, after=whole.lines[1].number, account="shop")
    assert rest.lines == whole.lines[2:]
    assert whole.counts == {"done": 1}
    assert whole.can_undo
    with pytest.raises(Exception, match="There is no job"):
        pages.job_page(desk.one.config, number, account="blog")


def test_a_vhost_that_is_gone_is_refused_by_itself_and_the_others_are_done(desk: Desk) -> None:
    gone = policy("gone.shop.example", Mode.ENFORCE).items
    wish = replace(policy(NAME, Mode.OBSERVE), is_partial=True)
    wish = replace(wish, items=(*wish.items, *gone))
    seen = previewed(desk, wish)
    assert (seen.total, seen.refusals, seen.would_be_done) == (2, 1, True)
    assert "no longer on this server" in seen.vhosts[0].refused
    assert seen.vhosts[1].server_name == NAME
    whole = previewed(desk, replace(wish, is_partial=False))
    assert (whole.refusals, whole.would_be_done) == (2, False)
    answer = desk.ask(replace(wish, is_partial=False, fingerprint=whole.fingerprint), ROOT)
    assert "There is no vhost gone.shop.example" in answer["refused"]
    # For an account holder it looks as another's does.
    assert "There is no vhost" in desk.ask(Preview(wish), SHOP)["refused"]
    desk.done(replace(wish, fingerprint=seen.fingerprint), ROOT)
    job = pages.job_page(desk.one.config, pages.job_rows(desk.one.config)[0].number)
    assert {item.server_name: item.state for item in job.items} == {
        NAME: State.DONE,
        "gone.shop.example": State.REFUSED,
    }


def due_at_once(server: Server, job: int) -> None:
    """Let a job's time be over now, instead of waiting for a minute."""
    with server.store.writing() as connection:
        done = connection.execute("UPDATE confirmation SET due='2000' WHERE job=?", (job,))
        assert done.rowcount == 1


def enforced_for_a_while(desk: Desk) -> int:
    """Enforce with a way back by itself; the job's number."""
    wish = replace(policy(NAME, Mode.ENFORCE, edge_ready=True), revert_minutes=60)
    assert desk.done(wish, ROOT) == "done"
    assert desk.one.is_enforced(NAME)
    return pages.job_rows(desk.one.config)[0].number


def page_of(desk: Desk, number: int) -> JobPage:
    """The job as the administrator's page shows it."""
    return pages.job_page(desk.one.config, number)


def test_what_nobody_confirms_goes_back_by_itself(desk: Desk) -> None:
    number = enforced_for_a_while(desk)
    assert page_of(desk, number).revert_at > "2026"
    server = Server.of(desk.one.config)
    due_at_once(server, number)
    server.store.close()
    until(lambda: desk.one.is_open(NAME), "it went back")
    until(lambda: not page_of(desk, number).revert_at, "and is not waited for any more")
    until(lambda: page_of(desk, number).undone_by > 0, "by whom is known")
    undo = page_of(desk, number).undone_by
    until(lambda: page_of(desk, undo).job.state is State.DONE, "the undo is noted")
    assert page_of(desk, undo).job.who == "this server itself"
    assert any("nobody confirmed it" in line.text for line in page_of(desk, number).lines)


def test_what_is_confirmed_stays(desk: Desk) -> None:
    number = enforced_for_a_while(desk)
    assert "administrator" in desk.ask(Confirm(number), SHOP)["refused"]
    assert desk.ask(Confirm(number), ROOT) == {"done": True}
    assert page_of(desk, number).revert_at == ""
    assert "does not wait" in desk.ask(Confirm(number), ROOT)["refused"]
    assert desk.one.is_enforced(NAME)


def test_what_was_changed_since_is_not_taken_back(desk: Desk) -> None:
    number = enforced_for_a_while(desk)
    other = policy(NAME, Mode.ENFORCE, edge_ready=True, exempt_paths=("/api",))
    assert desk.done(other, ROOT) == "done"
    server = Server.of(desk.one.config)
    due_at_once(server, number)
    server.store.close()
    assert not page_of(desk, number).revert_at
    until(lambda: "stays" in page_of(desk, number).lines[-1].text, "it is given up")
    assert desk.ask(Undo(number), ROOT)["refused"]


def test_an_agent_that_was_away_takes_it_back_when_it_comes_and_tries_until_it_can(
    fresh_sandbox: Sandbox,
) -> None:
    one = UnderTest(fresh_sandbox)
    server = Server.of(one.config)
    said: list[str] = []
    wish = replace(policy(NAME, Mode.ENFORCE, edge_ready=True), revert_minutes=1)
    with working.holding(server, said.append):
        number = working.accept(server, wish)
        working.work(server, said.append)
    assert one.is_enforced(NAME)
    due_at_once(server, number)
    broken = one.root / "etc/apache2/conf.d/broken.conf"
    broken.write_text("NoSuchDirective\n")
    woken: list[bool] = []
    for _ in range(2):  # it is asked for, it is refused, and that is noticed
        reverting.revert(server, lambda: woken.append(True))
        with working.holding(server, said.append):
            working.work(server, said.append)
    assert woken == [True]
    assert "tried again in a minute" in server.store.progress(number)[-1][2]
    broken.unlink()
    due_at_once(server, number)
    reverting.revert(server, lambda: woken.append(True))
    with working.holding(server, said.append):
        working.work(server, said.append)
    assert one.is_open(NAME)
    reverting.revert(server, lambda: woken.append(True))
    assert pages.job_page(one.config, number).revert_at == ""
    server.store.close()
