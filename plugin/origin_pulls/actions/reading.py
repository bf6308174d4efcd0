"""To see: vhosts, one vhost with all there is to know, jobs, a proof made now."""

from __future__ import annotations

from origin_pulls.config import Config
from origin_pulls.engine import looking, preparing, showing
from origin_pulls.engine.server import Server
from origin_pulls.engine.showing import Proof, Row, Shown
from origin_pulls.errors import Refused
from origin_pulls.model.job import Applied, Job


def listing(config: Config) -> tuple[list[Row], list[str]]:
    """All vhosts with policies and what needs attention; sentences about what cannot be read."""
    server = Server.dry(config)
    found = looking.look(server)
    return showing.rows(server, found), list(found.problems)


def show(config: Config, name: str) -> Shown:
    """One vhost, found by any of its names."""
    server = Server.dry(config)
    found = looking.look(server)
    return showing.look_at(server, found, looking.Names(found).find(name))


def jobs(config: Config, most: int, *, has_steps: bool = False) -> list[Job]:
    """The newest jobs; the steps that those at Cloudflare make only if they are asked for."""
    return Server.dry(config).store.jobs(most=most, has_steps=has_steps)


def job(config: Config, number: int) -> tuple[Job, list[tuple[int, str, str]]]:
    """One job with its lines of progress; ``Refused`` when there is none of this number."""
    store = Server.dry(config).store
    found = store.job(number)
    if found is None:
        raise Refused(f"There is no job {number}", hint="See `origin-pulls jobs`.")
    return found, store.progress(number)


def prove(config: Config, name: str) -> tuple[Row, Proof]:
    """Prove with real requests, now, that a vhost does what its policy says."""
    server = Server.of(config)
    found = looking.look(server)
    vhost = looking.Names(found).find(name)
    mine = preparing.applied_now(server, found).get(vhost.key, Applied())
    return Row(vhost, mine), showing.prove(server, vhost, mine)
