"""One sandbox with a running agent, and somebody who asks it under the pages' own user id."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from origin_pulls.actions import pages
from origin_pulls.agent import speaking
from origin_pulls.model import wish as wishes
from origin_pulls.model.caller import Caller, Kind
from origin_pulls.model.policy import Mode, Policy
from origin_pulls.model.rows import Question
from origin_pulls.model.wish import Change, Wanted, Wish
from origin_pulls.sandbox import Sandbox
from origin_pulls.server import users
from tests.forked import Command
from tests.server_under_test import UnderTest, replace_program

ROOT = Caller(Kind.WHM, "root", "192.0.2.1", "web")
SHOP = Caller(Kind.ACCOUNT, "shop", "192.0.2.2", "web")
BLOG = Caller(Kind.ACCOUNT, "blog", "192.0.2.3", "web")
SPEAK = """
import socket, sys
asking = socket.socket(socket.AF_UNIX)
asking.connect(sys.argv[1])
asking.sendall(sys.stdin.buffer.read())
sys.stdout.buffer.write(asking.makefile("rb").readline())
"""
# The interpreter of a test may lie where only root comes by: it starts as root, reads the
# modules, and is somebody else before it touches anything.
DROP = """
import os, sys
from pathlib import Path
from origin_pulls.actions import pages
from origin_pulls.config import Config
from origin_pulls.model.rows import Question
os.setgroups([])
os.setgid(int(sys.argv[3]))
os.setuid(int(sys.argv[2]))
"""
# cPanel's Feature Manager: who has a file in this folder has the feature.
FEATURES = """
case "$*" in *verify_user_has_feature*)
  user=$(echo "$*" | sed 's/.*user=\\([a-z0-9]*\\).*/\\1/')
  echo asked >> {root}/feature-questions
  if [ -e {root}/no-answer ]; then exit 1; fi
  if [ -e {root}/has/$user ]; then has=1; else has=0; fi
  echo '{{"metadata":{{"result":1,"version":1}},"data":{{"has_feature":'$has'}}}}'
  exit 0;;
esac
exec "$REAL" "$@"
"""


def until(holds: Callable[[], bool], what: str, seconds: float = 120) -> None:
    """Wait for an event that comes by itself."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"waited in vain: {what}"
        time.sleep(0.02)


def policy(name: str, mode: Mode, user: str = "shop", **others: Any) -> Change:
    """The wish to put one vhost into a mode."""
    return Change((Wanted(user, name, Policy(mode=mode, **others)),))


@dataclass(frozen=True)
class Desk:
    """The product with its agent on a sandbox, seen from the web services."""

    one: UnderTest
    web: tuple[int, int]

    def ask(
        self, wish: Wish, caller: Caller | None, *, uid: int | None = None
    ) -> Mapping[str, Any]:
        """The agent's answer to who has another user id than root."""
        given = self.web[0] if uid is None else uid
        asked = subprocess.run(
            ["/usr/bin/python3", "-c", SPEAK, str(self.one.config.agent_socket)],
            input=wishes.write(wish, caller),
            stdout=subprocess.PIPE,
            user=given,
            group=self.web[1],
            cwd="/",
            check=True,
        )
        answer = json.loads(asked.stdout)
        assert isinstance(answer, dict)
        return answer

    def done(self, wish: Wish, caller: Caller) -> str:
        """Have a change carried out; the state in which its job ends."""
        answer = self.ask(wish, caller)
        assert "job" in answer, answer
        number = answer["job"]
        until(lambda: self.state(number) not in ("waiting", "running"), f"job {number} ends")
        return self.state(number)

    def state(self, job: int) -> str:
        """How far a job has come."""
        return str(self.one.json("job", str(job))["state"])

    def python(self, script: str) -> subprocess.CompletedProcess[str]:
        """Run a script of ours as the web services' user, with the sandbox's directory."""
        return subprocess.run(
            [sys.executable, "-c", DROP + script, str(self.one.root), *map(str, self.web)],
            capture_output=True,
            text=True,
            cwd="/",
            check=False,
        )


@contextmanager
def agent_of(one: UnderTest) -> Iterator[Command]:
    """A running agent, ended by its process number."""
    process = one.start("agent", log=one.root / "agent.log")
    try:
        until(lambda: speaking.is_running(one.config), "the agent listens")
        yield process
    finally:
        process.terminate()
        try:
            process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise


@pytest.fixture(scope="module")
def desk(sandbox: Sandbox) -> Iterator[Desk]:
    """One agent for all tests of a module; ``shop`` and ``blog`` have the feature."""
    one = UnderTest(sandbox)
    web = users.ids(one.config.passwd, one.config.web_user)
    assert web is not None
    replace_program(one.config.whmapi_program, FEATURES.format(root=one.root))
    give_feature(one.root, "shop", "blog", "closed", "reseller1")
    with agent_of(one):
        until(lambda: pages.vhost_page(one.config, Question()).total > 0, "the list is there")
        yield Desk(one, web)


def give_feature(root: Path, *accounts: str) -> None:
    """Let these accounts have the feature."""
    for account in accounts:
        (root / "has").mkdir(exist_ok=True)
        (root / "has" / account).touch()
