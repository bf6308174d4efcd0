"""The desk's commands at the shell, with an agent and without one."""

from __future__ import annotations

import pytest

from origin_pulls.sandbox import Sandbox
from tests.desk.conftest import agent_of
from tests.server_under_test import UnderTest

pytestmark = pytest.mark.apache


def test_settings_locks_and_activity_are_the_same_with_an_agent_and_without(
    sandbox: Sandbox,
) -> None:
    one = UnderTest(sandbox)
    told = [tend(one, "blog.example")]
    with agent_of(one):
        told.append(tend(one, "plain.example"))
    assert told[0] == told[1]


def tend(one: UnderTest, name: str) -> list[str]:
    """Lock, set, unlock; what the activity says of it, without the vhost's name."""
    assert one.json("lock", name, "--reason", "busy  season")["locked"] == "busy  season"
    assert one.json("settings", "accounts_may=see")["settings"]["accounts_may"] == "see"
    assert one.run("settings", "accounts_may=root").code == 2
    assert one.run("settings", "nonsense").code == 2
    assert one.json("settings", "accounts_may=everything")["settings"]["revert_minutes"] == "10"
    assert one.json("unlock", name)["locked"] == ""
    assert one.run("confirm", "999").code == 3
    deeds = one.json("activity", "--most", "4")["activity"]
    assert {deed["kind"] for deed in deeds} == {"root"}
    return [deed["action"] for deed in deeds]


def test_a_way_back_by_itself_needs_the_agent(sandbox: Sandbox) -> None:
    one = UnderTest(sandbox)
    ran = one.run("enforce", "shop.example", "--edge-ready", "--revert-in", "5")
    assert ran.code == 3
    assert "No agent runs" in ran.stderr
    assert one.is_open("shop.example")
    with agent_of(one):
        ran = one.run("observe", "shop.example", "--revert-in", "5")
        assert ran.code == 0
        assert "goes back by itself in 5 minutes" in ran.stdout
        job = one.json("jobs", "--most", "1")["jobs"][0]["job"]
        assert one.json("confirm", str(job))["confirmed"] is True


def test_everything_can_be_seen_in_plain_words(sandbox: Sandbox) -> None:
    one = UnderTest(sandbox)
    for command in ("settings", "activity", "doctor"):
        ran = one.run(command)
        assert ran.code in (0, 1)
        assert ran.stdout
        assert "None" not in ran.stdout
