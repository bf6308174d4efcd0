"""A deed without an answer is neither done nor refused: nobody is told that it is either."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from origin_pulls.actions import desk
from origin_pulls.config import Config
from origin_pulls.errors import Refused, Unanswered
from origin_pulls.model.desk_wish import Enter, Lock, Relax
from origin_pulls.model.policy import Mode
from origin_pulls.model.wish import Preview, Wish
from tests.desk.conftest import ROOT, SHOP, policy

CHANGE = policy("shop.example", Mode.OFF)


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """A server's, with little patience."""
    found = replace(Config.at(tmp_path), page_patience=0.3)
    found.agent_socket.parent.mkdir(parents=True)
    return found


@contextmanager
def agent(config: Config, answer: bytes | None) -> Iterator[None]:
    """One that hears a wish and then says this and ends, or says nothing at all."""
    is_over = threading.Event()
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(config.agent_socket))
        listening.listen()

        def hear() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.makefile("rb").readline()
                if answer is None:
                    is_over.wait(60)
                else:
                    connection.sendall(answer)

        hearing = threading.Thread(target=hear, daemon=True)
        hearing.start()
        try:
            yield
        finally:
            is_over.set()
            hearing.join()


SAYS = {"nothing": None, "its end": b"", "half": b'{"jo', "something else": b"7\n"}


@pytest.mark.parametrize("said", SAYS)
@pytest.mark.parametrize("wish", [CHANGE, Lock("shop", "shop.example", "why"), Relax()])
def test_a_deed_that_was_asked_for_may_be_done(config: Config, wish: Wish, said: str) -> None:
    with agent(config, SAYS[said]), pytest.raises(Unanswered) as told:
        desk.ask(config, ROOT, wish)
    assert "may be done all the same" in told.value.hint
    assert "nothing" not in told.value.message.lower()


@pytest.mark.parametrize("said", SAYS)
@pytest.mark.parametrize("wish", [Preview(CHANGE), Enter()])
def test_a_question_without_an_answer_changed_nothing(
    config: Config, wish: Wish, said: str
) -> None:
    with agent(config, SAYS[said]), pytest.raises(Refused) as told:
        desk.ask(config, SHOP, wish)
    assert "Nothing is changed by looking" in told.value.hint


@pytest.mark.parametrize("is_dead", [False, True], ids=["none", "dead"])
def test_where_no_agent_is_nothing_was_done(config: Config, is_dead: bool) -> None:
    if is_dead:
        with socket.socket(socket.AF_UNIX) as dead:
            dead.bind(str(config.agent_socket))
    with pytest.raises(Refused, match="so nothing was done"):
        desk.ask(config, ROOT, CHANGE)
