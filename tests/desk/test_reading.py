"""The store under the web services' user id, while others write, and where nobody has it open."""

from __future__ import annotations

import pytest

from origin_pulls.actions import pages
from origin_pulls.model.desk_wish import Doctor, Relax
from origin_pulls.model.policy import Mode
from origin_pulls.model.rows import Question
from origin_pulls.sandbox import Sandbox
from origin_pulls.server import users
from tests.desk.conftest import ROOT, SHOP, Desk, agent_of
from tests.desk.test_callers import READ
from tests.server_under_test import UnderTest

pytestmark = pytest.mark.apache


def test_the_store_is_read_with_an_agent_without_one_and_after_one_was_killed(
    sandbox: Sandbox,
) -> None:
    one = UnderTest(sandbox)
    web = users.ids(one.config.passwd, one.config.web_user)
    assert web is not None
    desk = Desk(one, web)
    assert one.run("observe", "shop.example").code == 0  # no agent: the store is closed again
    assert not one.config.store.with_name("store.sqlite-wal").exists()
    total = str(pages.vhost_page(one.config, Question()).total)
    assert desk.python(READ).stdout.split()[0] == total
    with agent_of(one) as agent:
        assert one.run("observe", "blog.example").code == 0
        ran = desk.python(READ)
        assert ran.stdout.split()[0] == total, ran.stderr
        agent.kill()
        agent.wait()
    ran = desk.python(READ)
    assert ran.stdout.split()[0] == total, ran.stderr
    assert pages.vhost_row(one.config, "blog", "blog.example").mode is Mode.OBSERVE


def test_the_panic_button_works_while_the_store_is_damaged(fresh_sandbox: Sandbox) -> None:
    one = UnderTest(fresh_sandbox)
    web = users.ids(one.config.passwd, one.config.web_user)
    assert web is not None
    desk = Desk(one, web)
    assert one.run("enforce", "shop.example", "--edge-ready").code == 0
    assert one.is_enforced("shop.example")
    one.config.store.write_bytes(b"no store at all, but long enough to be taken for one" * 100)
    with agent_of(one):
        assert "refused" in desk.ask(Relax(), SHOP)
        assert "cannot be used" in desk.ask(Doctor(), ROOT)["refused"]
        relaxed = desk.ask(Relax(), ROOT)["relaxed"]
    assert relaxed["emptied"] >= 1
    assert relaxed["problems"]
    assert one.is_open("shop.example")


def test_the_panic_button_stands_in_the_activity(sandbox: Sandbox) -> None:
    one = UnderTest(sandbox)
    web = users.ids(one.config.passwd, one.config.web_user)
    assert web is not None
    assert one.run("observe", "shop.example").code == 0
    with agent_of(one):
        relaxed = Desk(one, web).ask(Relax(), ROOT)["relaxed"]
    assert relaxed["job"]
    newest = pages.activity_page(one.config).deeds[0]
    assert (newest.action, newest.address) == ("relaxed everything", "192.0.2.1")
