"""To speak with the running agent: one wish, one answer."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping

from origin_pulls.config import Config
from origin_pulls.errors import Refused, Unanswered, Unusable
from origin_pulls.model import wish as wishes
from origin_pulls.model.caller import Caller

PATIENCE = 120.0  # seconds


class Ended(ConnectionError):
    """The agent ended before it answered: what was asked may be in its store already."""


def is_running(config: Config) -> bool:
    """Whether an agent answers on this server's socket."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(2)
        try:
            connection.connect(str(config.agent_socket))
        except OSError:
            return False
    return True


def ask(config: Config, wish: wishes.JobWish, caller: Caller | None = None) -> int:
    """Hand a wish that makes a job to the running agent; the job's number.

    Raises as ``hand_over`` does.
    """
    return int(str(hand_over(config, wish, caller)["job"]))


def hand_over(
    config: Config, wish: wishes.Wish, caller: Caller | None = None, *, patience: float = PATIENCE
) -> Mapping[str, object]:
    """Hand a wish to the running agent; its answer, which is no refusal.

    ``caller`` is who asks; without one it is root by itself, which only root may say.
    ``patience`` is how many seconds its answer may take.

    Raises what the agent refused, ``Unanswered`` when its answer takes too long, ``Ended`` when
    it never comes, or another ``ConnectionError`` when no agent is there: nothing was asked then.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(patience)
        try:
            connection.connect(str(config.agent_socket))
        except OSError as error:
            raise ConnectionError("no agent answers") from error
        try:
            connection.sendall(wishes.write(wish, caller))
            line = connection.makefile("rb").readline(config.wish_bytes)
        except TimeoutError as error:
            raise Unanswered(
                f"The agent has not answered within {patience:.0f} seconds",
                hint="It may be done all the same: look at `origin-pulls jobs`, then try again.",
            ) from error
        except OSError as error:
            raise Ended("the agent ended before it answered") from error
    try:
        answer = json.loads(line)
    except ValueError as error:
        raise Ended("the agent ended before it answered") from error
    if not isinstance(answer, dict):
        raise Ended("the agent's answer cannot be understood")
    if "refused" in answer:
        kind = Unusable if answer.get("code") == Unusable.exit_code else Refused
        raise kind(str(answer["refused"]), hint=str(answer.get("hint", "")))
    return answer
