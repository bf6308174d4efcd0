"""What the agent does by itself: a chore that fails is told once, and harms no other."""

from __future__ import annotations

import logging
import os
import threading
import time

import pytest

from origin_pulls.agent.chores import Chore, Chores, InstallerWatch
from origin_pulls.engine.server import Seen, Server
from origin_pulls.errors import Refused
from origin_pulls.sandbox import Sandbox
from origin_pulls.store import letters
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


def test_an_installer_that_was_cut_off_is_told_after_an_hour_and_once(sandbox: Sandbox) -> None:
    config = UnderTest(sandbox).config
    mark, now = config.installation_under_way, time.time()
    mark.parent.mkdir(parents=True, exist_ok=True)
    mark.write_text("action=install\n")
    server = Server.of(config)
    watch = InstallerWatch()
    watch.look(server)
    assert letters.waiting(server.store) == []
    os.utime(mark, (now - 3700, now - 3700))
    for _ in range(2):
        watch.look(server)
        (told,) = letters.waiting(server.store)
        assert told.said == "install.sh (install) was cut off: start it again"
    letters.forget(server.store, [told])
    watch.look(server)
    mark.unlink()
    InstallerWatch().look(server)
    assert letters.waiting(server.store) == []
    server.store.close()
