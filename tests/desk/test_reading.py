"""The store under the web services' user id, while others write, and where nobody has it open."""

from __future__ import annotations

import pytest

from origin_pulls.actions import pages
from origin_pulls.model.policy import Mode
from origin_pulls.model.rows import Question
from origin_pulls.sandbox import Sandbox
from origin_pulls.server import users
from tests.desk.conftest import Desk, agent_of
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
