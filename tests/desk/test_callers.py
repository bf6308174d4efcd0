"""Who gets what from a real agent: under the web services' own user id, as WHM, as accounts."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from origin_pulls.actions import pages
from origin_pulls.model import typed
from origin_pulls.model.caller import Caller, Kind
from origin_pulls.model.desk_wish import (
    ChangeSettings,
    Confirm,
    Doctor,
    Lock,
    Prove,
    Relax,
    Show,
    Unlock,
)
from origin_pulls.model.policy import Mode, Policy
from origin_pulls.model.rows import Question
from origin_pulls.model.wish import Change, Preview, Undo, Wanted
from tests.desk.conftest import BLOG, ROOT, SHOP, Desk, policy

pytestmark = [pytest.mark.apache, pytest.mark.timeout(300)]


@pytest.fixture(autouse=True)
def as_found(desk: Desk) -> Iterator[None]:
    """The settings as they were, and an account's minute over, after each test."""
    yield
    values = {"accounts_may": "everything", "account_wishes": "600", "account_vhosts": "200"}
    desk.ask(ChangeSettings(tuple(values.items())), ROOT)


def set_(desk: Desk, **values: str) -> None:
    """Have the administrator set this."""
    assert "settings" in desk.ask(ChangeSettings(tuple(values.items())), ROOT)


def test_an_account_holder_observes_a_vhost_of_its_own(desk: Desk) -> None:
    assert desk.done(policy("shop.example", Mode.OBSERVE), SHOP) == "done"
    row = pages.vhost_row(desk.one.config, "shop", "shop.example")
    assert row.mode is Mode.OBSERVE
    deeds = pages.activity_page(desk.one.config, account="shop").deeds
    assert {(one.who, one.kind, one.address) for one in deeds[:2]} == {
        ("shop", "account", "192.0.2.2")
    }
    assert desk.done(policy("shop.example", Mode.OFF), ROOT) == "done"


@pytest.mark.parametrize(
    "wish",
    [
        policy("blog.example", Mode.OBSERVE, "blog"),
        policy("blog.example", Mode.OBSERVE, "shop"),
        policy("nobody-has.example", Mode.OBSERVE, "shop"),
        Change(
            (Wanted("shop", "shop.example", Policy()), Wanted("blog", "blog.example", Policy()))
        ),
        Preview(policy("blog.example", Mode.OBSERVE, "blog")),
        Show("blog", "blog.example"),
        Prove("blog", "blog.example"),
        Undo(1_000_000),
        Confirm(1_000_000),
        Doctor(),
        Relax(),
        Lock("shop", "shop.example", "mine"),
        Unlock("shop", "shop.example"),
        ChangeSettings((("accounts_may", "everything"),)),
    ],
    ids=lambda wish: type(wish).__name__,
)
def test_nothing_beyond_its_own_is_reached_by_an_account(desk: Desk, wish: Change) -> None:
    answer = desk.ask(wish, SHOP)
    assert "refused" in answer
    assert "blog" not in answer["refused"].replace("blog.example", "")


def test_somebody_elses_job_is_not_undone_nor_seen(desk: Desk) -> None:
    answer = desk.ask(policy("blog.example", Mode.OBSERVE, "blog"), BLOG)
    number = int(answer["job"])
    for wish in (Undo(number), Preview(Undo(number)), Confirm(number)):
        assert "There is no job" in desk.ask(wish, SHOP)["refused"]
    assert desk.done(policy("blog.example", Mode.OFF, "blog"), BLOG) == "done"


@pytest.mark.parametrize(
    "caller",
    [
        Caller(Kind.ROOT, "root", via="web"),
        None,
        Caller(Kind.WHM, "reseller1", via="web"),
        Caller(Kind.WHM, "shop", via="web"),
    ],
    ids=["root", "nobody", "reseller", "account as WHM user"],
)
def test_the_web_services_cannot_speak_for_root_or_a_reseller(
    desk: Desk, caller: Caller | None
) -> None:
    assert "refused" in desk.ask(Relax(), caller)


def test_another_user_of_the_machine_does_not_even_reach_the_socket(desk: Desk) -> None:
    uid = int(str(desk.one.sandbox.accounts["shop"]["uid"]))
    place = desk.one.config.agent_socket
    assert place.stat().st_mode & 0o007 == 0
    assert place.parent.stat().st_mode & 0o007 == 0
    # Given the group by mistake, the kernel still says who asks.
    assert "Only root may ask" in desk.ask(Doctor(), ROOT, uid=uid)["refused"]


def test_a_suspended_account_and_one_without_the_feature_are_refused(desk: Desk) -> None:
    closed = Caller(Kind.ACCOUNT, "closed")
    plain = Caller(Kind.ACCOUNT, "plain")
    nobody = Caller(Kind.ACCOUNT, "nobody")
    assert "suspended" in desk.ask(Show("closed", "closed.example"), closed)["refused"]
    assert "features" in desk.ask(Show("plain", "plain.example"), plain)["refused"]
    assert "no such account" in desk.ask(Show("nobody", "x.example"), nobody)["refused"]


def test_it_is_closed_when_cpanel_does_not_answer(desk: Desk) -> None:
    acme = Caller(Kind.ACCOUNT, "acme")
    (desk.one.root / "no-answer").touch()
    try:
        assert "features" in desk.ask(Show("acme", "acme.example"), acme)["refused"]
    finally:
        (desk.one.root / "no-answer").unlink()
    (desk.one.root / "has" / "acme").touch()
    assert "shown" in desk.ask(Show("acme", "acme.example"), acme)


def test_cpanel_is_asked_once_for_many_wishes(desk: Desk) -> None:
    log = desk.one.root / "feature-questions"
    desk.ask(Show("blog", "blog.example"), BLOG)
    before = log.read_text().count("asked")
    for _ in range(3):
        assert "shown" in desk.ask(Show("blog", "blog.example"), BLOG)
    # The answer may have become old by the way, on a slow machine.
    assert log.read_text().count("asked") <= before + 1


def test_what_account_holders_may_do_is_the_administrators_to_say(desk: Desk) -> None:
    set_(desk, accounts_may="nothing")
    assert "not open" in desk.ask(Show("shop", "shop.example"), SHOP)["refused"]
    set_(desk, accounts_may="see")
    assert "shown" in desk.ask(Show("shop", "shop.example"), SHOP)
    assert "refused" in desk.ask(policy("shop.example", Mode.OBSERVE), SHOP)
    set_(desk, accounts_may="observe")
    assert "refused" in desk.ask(policy("shop.example", Mode.ENFORCE), SHOP)
    assert "preview" in desk.ask(Preview(policy("shop.example", Mode.OBSERVE)), SHOP)


def test_a_locked_vhost_is_changed_by_the_administrator_alone(desk: Desk) -> None:
    assert desk.ask(Lock("shop", "blog.shop.example", "under attack"), ROOT) == {"done": True}
    wish = policy("blog.shop.example", Mode.OBSERVE)
    assert "under attack" in desk.ask(wish, SHOP)["refused"]
    assert desk.done(wish, ROOT) == "done"
    number = pages.job_rows(desk.one.config, vhost=("shop", "blog.shop.example"))[0].number
    assert "under attack" in desk.ask(Undo(number), SHOP)["refused"]
    assert desk.ask(Unlock("shop", "blog.shop.example"), ROOT) == {"done": True}
    assert desk.done(Undo(number), SHOP) == "done"


def test_an_account_that_asks_too_often_waits_and_others_do_not(desk: Desk) -> None:
    set_(desk, account_wishes="1")
    answers = [desk.ask(Show("shop", "shop.example"), SHOP) for _ in range(2)]
    assert "within a minute" in answers[-1]["refused"]
    assert "shown" in desk.ask(Show("shop", "shop.example"), ROOT)


def test_an_account_changes_only_so_many_vhosts_at_once(desk: Desk) -> None:
    set_(desk, account_vhosts="1")
    two = Change(
        tuple(
            Wanted("shop", name, Policy(mode=Mode.OBSERVE))
            for name in ("shop.example", "api.shop.example")
        )
    )
    assert "At most 1" in desk.ask(two, SHOP)["hint"]


def test_a_refused_wish_stands_in_the_audit_with_its_reason(desk: Desk) -> None:
    desk.ask(policy("blog.example", Mode.ENFORCE, "blog"), SHOP)
    newest = pages.activity_page(desk.one.config, who="shop").deeds[0]
    assert newest.action.startswith("tried to change to enforce; refused: There is no vhost")
    assert (newest.kind, newest.address) == ("account", "192.0.2.2")


def test_an_account_is_shown_no_path_of_root_and_no_other_site(desk: Desk) -> None:
    text = json.dumps(desk.ask(Show("shop", "shop-addon.shop.example"), SHOP)["shown"])
    for word in ("plain.example", "blog.example", "/keys/", "leaf.key", "/etc/apache2"):
        assert word not in text
    assert "plain.example" in json.dumps(
        desk.ask(Show("shop", "shop-addon.shop.example"), ROOT)["shown"]
    )


@pytest.mark.parametrize("is_partial", [False, True])
def test_of_a_job_for_several_accounts_each_reads_its_own_part(
    desk: Desk, is_partial: bool
) -> None:
    # Nobody has said that Cloudflare is ready for the one: it is refused.
    both = Change(
        (
            Wanted("blog", "blog.example", Policy(mode=Mode.OBSERVE)),
            Wanted("shop", "shop.example", Policy(mode=Mode.ENFORCE)),
        ),
        is_partial=is_partial,
    )
    before = desk.one.json("show", "blog.example")["policy"]["mode"]
    assert before == "off"
    assert desk.done(both, ROOT) == "refused"
    number = pages.job_rows(desk.one.config)[0].number
    seen = pages.job_page(desk.one.config, number, account="blog")
    row = pages.job_rows(desk.one.config, account="blog")[0]
    expected = "done" if is_partial else "refused"
    assert (str(seen.job.state), row.state) == (expected, expected)
    assert [str(item.state) for item in seen.items] == [expected]
    read = [seen.job.message, seen.job.hint, *(one.message + one.hint for one in seen.items)]
    assert "shop" not in " ".join(read)
    assert not seen.lines
    all_of_it = pages.job_page(desk.one.config, number)
    assert "shop.example" in all_of_it.job.message
    assert desk.done(policy("blog.example", Mode.OFF, "blog"), ROOT) == "done"


def test_a_refusal_at_the_door_names_no_command_to_an_account(desk: Desk) -> None:
    answer = desk.ask(Undo(999_999), SHOP)
    assert "origin-pulls" in desk.ask(Undo(999_999), ROOT)["hint"]
    assert answer["refused"]
    assert typed.for_all(answer["hint"]) == (answer["hint"], False)


def test_the_steps_of_a_preview_name_no_path_to_an_account(desk: Desk) -> None:
    wish = Preview(policy("blog.shop.example", Mode.OBSERVE))
    assert "/etc/" in " ".join(desk.ask(wish, ROOT)["preview"]["steps"])
    assert "/" not in " ".join(desk.ask(wish, SHOP)["preview"]["steps"])


def test_no_answer_holds_a_secret(desk: Desk) -> None:
    assert desk.done(policy("api.shop.example", Mode.OBSERVE), ROOT) == "done"
    for wish in (
        Show("shop", "api.shop.example"),
        Preview(policy("api.shop.example", Mode.ENFORCE, edge_ready=True)),
        Prove("shop", "api.shop.example"),
        Doctor(),
    ):
        assert "PRIVATE KEY" not in json.dumps(desk.ask(wish, ROOT))
    assert desk.done(policy("api.shop.example", Mode.OFF), ROOT) == "done"


READ = """
config = Config.at(Path(sys.argv[1]))
print(pages.vhost_page(config, Question()).total)
for path in (config.store, config.keys_directory, config.work_lock):
    for mode in ("r+b", "rb"):
        try:
            open(path, mode).close()
            print("opened", path.name, mode)
        except OSError:
            pass
for folder in (config.state_directory, config.agent_socket.parent, config.run_directory):
    try:
        (folder / "mine").touch()
        print("wrote into", folder)
    except OSError:
        pass
"""


def test_the_web_user_reads_the_store_and_writes_nothing(desk: Desk) -> None:
    total = pages.vhost_page(desk.one.config, Question()).total
    ran = desk.python(READ)
    assert ran.stdout.splitlines() == [str(total), "opened store.sqlite rb"], ran.stderr
