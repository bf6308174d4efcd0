"""What the agent does by itself: a chore that fails is told once, and harms no other."""

from __future__ import annotations

import logging
import threading

import pytest

from origin_pulls.agent.chores import Chore, Chores
from origin_pulls.engine.server import Seen, Server
from origin_pulls.errors import Refused
from origin_pulls.sandbox import Sandbox
from tests.server_under_test import UnderTest

pytestmark = pytest.mark.apache


def test_a_chore_that_fails_is_told_once_and_not_tried_without_a_pause(
    sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    tried, done, enough = [], [], threading.Event()

    def fail(_: Server) -> None:
        tried.append(1)
        raise Refused("It cannot be done", hint="Mend it.")

    def go_on(_: Server) -> None:
        done.append(1)
        if len(done) == 20:
            enough.set()

    due = [Chore("failing", 0.0, fail), Chore("other", 0.0, go_on)]
    running = Chores(UnderTest(sandbox).config, Seen(), due)
    with caplog.at_level(logging.ERROR):
        running.start()
        assert enough.wait(60)
        for _ in range(2):
            told = len(tried)
            running.hurry("failing")
            while len(tried) == told:
                assert running.is_alive()
        running.stop()
        running.join(60)
    assert len(tried) < len(done)
    assert caplog.text.count("It cannot be done. Mend it.") == 1
