"""One agent, one lock: wishes that come together, commands beside the agent, agents that die."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from origin_pulls.actions import changing, reading
from origin_pulls.agent import speaking
from origin_pulls.model.job import State
from origin_pulls.model.policy import Policy, read_policy
from origin_pulls.sandbox import Sandbox
from tests.conftest import standing
from tests.forked import Command
from tests.server_under_test import UnderTest, replace_program

pytestmark = [pytest.mark.apache, pytest.mark.timeout(120)]

MANY = 200


def until(holds: Callable[[], bool], what: str, seconds: float = 60) -> None:
    """Wait for an event that comes by itself."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"waited in vain: {what}"
        time.sleep(0.02)


@contextmanager
def agent_of(one: UnderTest) -> Iterator[Command]:
    """A running agent, ended by its process number."""
    process = one.start("agent", log=one.root / "agent.log")
    try:
        until(lambda: speaking.is_running(one.config), "the agent listens")
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
        try:
            process.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            raise


def counted(program: Path, log: Path, also: str = "") -> None:
    """Let a program write a line into ``log`` each time it is run."""
    replace_program(program, f'echo ran >> {log}\n{also}\nexec "$REAL" "$@"')


def runs(log: Path) -> int:
    """How often a counted program was run."""
    return len(log.read_text().splitlines()) if log.exists() else 0


def enforced(name: str, now: Policy) -> Policy:
    """The wish of everybody in these tests."""
    del name, now
    return read_policy({"mode": "enforce", "edge_ready": True})


@contextmanager
def gate(one: UnderTest) -> Iterator[Path]:
    """Let a rebuild wait until this file is removed, at the latest when the block ends."""
    place = one.root / "gate"
    place.touch()
    script = f'while [ -e {place} ]; do sleep 0.02; done\nexec "$REAL" "$@"'
    replace_program(one.config.rebuild_program, script)
    try:
        yield place
    finally:
        place.unlink(missing_ok=True)


def test_a_second_agent_is_refused(fresh_sandbox: Sandbox) -> None:
    one = UnderTest(fresh_sandbox)
    with agent_of(one):
        second = one.run("agent")
        assert second.code == 3
        assert "Another agent runs" in second.stderr
        assert speaking.is_running(one.config)


def test_a_command_hands_its_wish_to_the_agent_and_tells_the_outcome(
    fresh_sandbox: Sandbox,
) -> None:
    one = UnderTest(fresh_sandbox)
    with agent_of(one):
        ran = one.run("enforce", "blog.example", "--edge-ready")
        assert ran.code == 0, ran.stderr
        assert "proving 1 vhost" in ran.stderr
        refused = one.run("enforce", "nossl.example", "--edge-ready", "--json")
        assert refused.code == 3
        assert "AutoSSL" in refused.record["hint"]
    assert one.is_enforced("blog.example")


def _is_running(one: UnderTest) -> bool:
    return any(job.state is State.RUNNING for job in reading.jobs(one.config, 1))


def test_wishes_that_arrive_during_a_job_are_carried_out_together_after_it(
    fresh_sandbox: Sandbox,
) -> None:
    one = UnderTest(fresh_sandbox)
    reloads = one.root / "reloads"
    counted(one.config.restart_program, reloads)
    names = ["acme.example", "dedi.example", "shop.example", "closed.example"]
    with agent_of(one), ThreadPoolExecutor(8) as pool, gate(one) as closed:
        first = pool.submit(one.run, "enforce", "blog.example", "--edge-ready")
        until(lambda: _is_running(one), "the first job is under way")
        others = [pool.submit(one.run, "enforce", name, "--edge-ready") for name in names]
        until(lambda: len(reading.jobs(one.config, 9)) == 5, "all wishes wait")
        closed.unlink()
        assert [done.result().code for done in (first, *others)] == [0] * 5
    assert runs(reloads) == 2
    assert one.is_enforced("blog.example")
    assert one.is_enforced("shop.example")


def test_two_hundred_toggles_at_once_are_one_rebuild_and_one_reload() -> None:
    with standing(vhosts=MANY + 20) as sandbox:
        one = UnderTest(sandbox)
        rebuilds, reloads = one.root / "rebuilds", one.root / "reloads"
        counted(one.config.rebuild_program, rebuilds)
        counted(one.config.restart_program, reloads)
        names = [f"site{number:05}.example" for number in range(1, MANY + 1)]
        wishes = [changing.wish_for(one.config, [name], enforced) for name in names]
        with agent_of(one) as process:
            os.kill(process.pid, signal.SIGSTOP)  # so that all of them wait together
            with ThreadPoolExecutor(32) as pool:
                asked = [pool.submit(speaking.ask, one.config, wish) for wish in wishes]
                os.kill(process.pid, signal.SIGCONT)
                numbers = [number.result() for number in asked]
            jobs = [changing.follow(one.config, number, lambda text: None) for number in numbers]
        assert {str(job.state) for job in jobs} == {"done"}
        assert len(set(numbers)) == MANY
        assert runs(rebuilds) == 1
        assert runs(reloads) == 1
        assert one.is_enforced(names[0])
        assert one.is_enforced(names[-1])
        assert one.is_open(f"site{MANY + 1:05}.example")


def test_commands_without_an_agent_take_turns(fresh_sandbox: Sandbox) -> None:
    one = UnderTest(fresh_sandbox)
    names = ["blog.example", "shop.example", "acme.example", "dedi.example"]
    with ThreadPoolExecutor(4) as pool:
        ran = list(pool.map(lambda name: one.run("enforce", name, "--edge-ready"), names))
    assert [one_of_them.code for one_of_them in ran] == [0] * 4
    assert all(one.is_enforced(name) for name in names[:3])
    assert len(one.json("jobs")["jobs"]) == 4


def test_a_command_goes_on_itself_when_the_agent_is_killed_in_the_middle(
    fresh_sandbox: Sandbox,
) -> None:
    one = UnderTest(fresh_sandbox)
    with agent_of(one) as process, ThreadPoolExecutor(2) as pool, gate(one) as closed:
        first = pool.submit(one.run, "enforce", "blog.example", "--edge-ready")
        until(lambda: bool(reading.jobs(one.config, 1)), "the first job is there")
        number = reading.jobs(one.config, 1)[0].number
        until(
            lambda: any("rebuilding" in text for _, _, text in reading.job(one.config, number)[1]),
            "the rebuild runs",
        )
        second = pool.submit(one.run, "enforce", "shop.example", "--edge-ready")
        until(lambda: len(reading.jobs(one.config, 5)) == 2, "the second wish waits")
        process.kill()
        closed.unlink()
        assert first.result().code == 4
        assert "stopped in the middle" in first.result().stdout
        assert second.result().code == 0
    assert one.is_open("blog.example")
    assert one.is_enforced("shop.example")
    assert one.is_sound()


def test_an_agent_that_is_told_to_stop_finishes_what_it_does(fresh_sandbox: Sandbox) -> None:
    one = UnderTest(fresh_sandbox)
    with agent_of(one) as process, ThreadPoolExecutor(1) as pool, gate(one) as closed:
        first = pool.submit(one.run, "enforce", "blog.example", "--edge-ready")
        until(lambda: bool(reading.jobs(one.config, 1)), "the first job is there")
        process.terminate()
        closed.unlink()
        assert first.result().code == 0
        assert process.wait(60) == 0
    assert not one.config.agent_socket.exists()


def test_an_agent_finishes_what_another_left_when_it_starts(fresh_sandbox: Sandbox) -> None:
    one = UnderTest(fresh_sandbox)
    with gate(one):
        process = one.start("enforce", "blog.example", "--edge-ready")
        until(lambda: (one.config.journal / "current").exists(), "the journal is open")
        process.kill()
        process.communicate()
    with agent_of(one):
        until(lambda: reading.jobs(one.config, 1)[0].state.is_over, "it is taken back")
        assert str(reading.jobs(one.config, 1)[0].state) == "restored"
    assert one.is_open("blog.example")
    assert one.is_sound()


@pytest.mark.parametrize(
    "line",
    [b"\n", b"{}\n", b"[1]\n", b"\xff\n", b'{"wish": "change"}\n', b'{"wish": 1}' * 9],
)
def test_nonsense_on_the_socket_is_refused_and_ends_nothing(sandbox: Sandbox, line: bytes) -> None:
    one = UnderTest(sandbox)
    with agent_of(one):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(one.config.agent_socket))
            connection.sendall(line)
            connection.shutdown(socket.SHUT_WR)
            with connection.makefile("rb") as stream:
                answer = stream.readline()
        assert b"refused" in answer
        assert speaking.is_running(one.config)


def test_only_root_and_the_web_user_may_ask(sandbox: Sandbox) -> None:
    one = UnderTest(sandbox)
    with agent_of(one):
        place = one.config.agent_socket
        for folder in (place.parent, place.parent.parent):
            folder.chmod(0o755)
        place.chmod(0o666)  # even if the file's mode were wrong: the kernel says who asks
        script = (
            "import socket, sys\n"
            "asking = socket.socket(socket.AF_UNIX)\n"
            f"asking.connect({str(place)!r})\n"
            "try:\n"
            '    asking.sendall(b\'{"wish": "undo", "job": 1, "who": "root"}\\n\')\n'
            "except BrokenPipeError:\n"
            "    pass  # the refusal came first\n"
            "print(asking.makefile().readline())\n"
        )
        python = ["/usr/bin/python3", "-c", script]
        asked = subprocess.run(
            python, user=65534, group=65534, capture_output=True, text=True, check=False, cwd="/"
        )
    assert "Only root may ask" in asked.stdout, asked.stderr
