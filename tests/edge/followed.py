"""Jobs that a running agent is asked for, looked at as a page does; several at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from origin_pulls.actions import changing
from origin_pulls.agent import speaking
from origin_pulls.engine.server import Server
from origin_pulls.model.job import Job
from origin_pulls.model.policy import Policy, read_policy
from origin_pulls.model.wish import Cancel, JobWish
from tests.edge.site import EdgeSite
from tests.engine.test_together import agent_of, until


@dataclass(frozen=True, slots=True)
class Followed:
    """One job of an agent."""

    server: Server
    number: int

    @property
    def job(self) -> Job:
        """The job as it is now."""
        job = self.server.store.job(self.number)
        assert job is not None
        return job

    @property
    def said(self) -> list[str]:
        """Its progress."""
        return [said for _, _, said in self.server.store.progress(self.number)]

    def until_said(self, text: str, seconds: float = 60) -> None:
        """Wait until it says this, and is not over before."""
        until(
            lambda: any(text in said for said in self.said) or self.job.state.is_over,
            f"{text}, after {self.said}",
            seconds,
        )
        assert any(text in said for said in self.said), (self.said, self.job)

    def until_over(self, seconds: float = 60) -> Job:
        """Wait for its end."""
        until(lambda: self.job.state.is_over, f"the end, after {self.said}", seconds)
        return self.job


@dataclass(frozen=True, slots=True)
class Agent:
    """A running agent of one sandbox, and what it is asked."""

    site: EdgeSite
    server: Server

    def to_mode(self, mode: str, *names: str) -> Followed:
        """Ask for this mode."""

        def policy(name: str, now: Policy) -> Policy:
            del name, now
            return read_policy({"mode": mode})

        return self.ask(changing.wish_for(self.site.config, names, policy))

    def rotate(self, name: str) -> Followed:
        """Ask for a new certificate."""
        return self.ask(changing.wish_to_rotate(self.site.config, name, who="root"))

    def ask(self, wish: JobWish) -> Followed:
        """Ask for anything that becomes a job."""
        return Followed(self.server, speaking.ask(self.site.config, wish))

    def cancel(self, one: Followed) -> None:
        """Ask to take a job back."""
        speaking.hand_over(self.site.config, Cancel(one.number, "root"))


@contextmanager
def agent_at(site: EdgeSite) -> Iterator[Agent]:
    """A running agent while the block runs."""
    server = Server.of(site.config)
    try:
        with agent_of(site):
            yield Agent(site, server)
    finally:
        server.store.close()
