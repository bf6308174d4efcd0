"""To tend the server from the shell: doctor, settings, locks, confirmations.

The agent does it where one runs, so that the audit and the order of things are the same; where
none runs it is done here.
"""

from __future__ import annotations

import getpass
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from origin_pulls.agent import speaking
from origin_pulls.agent.admitting import Admitted, narrowed
from origin_pulls.agent.answering import Answering
from origin_pulls.config import Config
from origin_pulls.engine import doctor as examination
from origin_pulls.engine import looking
from origin_pulls.engine.server import Seen, Server
from origin_pulls.errors import Damaged, Refused
from origin_pulls.model import wish as wishes
from origin_pulls.model.caller import Caller, Kind
from origin_pulls.model.checks import Check
from origin_pulls.model.desk_wish import ChangeSettings, Confirm, DeskWish, Lock, Unlock
from origin_pulls.model.inventory import Vhost
from origin_pulls.model.names import is_account


def doctor(config: Config) -> list[Check]:
    """All checks of the server; they need no agent, and one of them says whether it answers."""
    try:
        with _dry(config) as server:
            return examination.examine(server)
    except Damaged as damage:
        server = Server.without_store(config)
        try:
            return examination.examine(server, damage=damage)
        finally:
            server.store.close()


def change_settings(config: Config, values: Mapping[str, str]) -> None:
    """Set these settings; the others stay."""
    _have_done(config, ChangeSettings(tuple(sorted(values.items()))))


def lock(config: Config, name: str, reason: str) -> Vhost:
    """Keep the account holder from changing the vhost that serves this name."""
    vhost = _find(config, name)
    _have_done(config, Lock(vhost.user, vhost.server_name, reason))
    return vhost


def unlock(config: Config, name: str) -> Vhost:
    """Let the account holder change the vhost that serves this name again."""
    vhost = _find(config, name)
    _have_done(config, Unlock(vhost.user, vhost.server_name))
    return vhost


def confirm(config: Config, job: int) -> None:
    """Let a job stay that would go back by itself."""
    _have_done(config, Confirm(job))


def require_agent(config: Config) -> None:
    """``Refused`` where no agent runs: then nothing would go back by itself."""
    if not speaking.is_running(config):
        raise Refused(
            "No agent runs here, so nothing would go back by itself",
            hint="Start it (`systemctl start origin-pulls-agent`), or leave `--revert-in` out.",
        )


def _have_done(config: Config, wish: DeskWish) -> None:
    caller = shell_caller()
    try:
        speaking.hand_over(config, wish, caller)
    except ConnectionError:
        # As it would have come over the socket: the same checks, the same spelling.
        read = wishes.read(wishes.write(wish))
        server = Server.of(config)
        try:
            if isinstance(read, ChangeSettings):
                read = narrowed(read, server.store)
            admitted = Admitted(server, read, caller)
            Answering(config, Seen()).answer(admitted)
            admitted.note()
        finally:
            server.store.close()


def shell_caller() -> Caller:
    """Who types at the shell; the CLI has made sure that it is root."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = "root"
    return Caller(Kind.ROOT, user if is_account(user) else "root", via="cli")


def _find(config: Config, name: str) -> Vhost:
    with _dry(config) as server:
        return looking.Names(looking.look(server)).find(name)


@contextmanager
def _dry(config: Config) -> Iterator[Server]:
    server = Server.dry(config)
    try:
        yield server
    finally:
        server.store.close()
