"""What the stages of both directions share: the edge, ordinary runs, the proof through it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from origin_pulls.engine import looking as local
from origin_pulls.engine import preparing, recovery, working
from origin_pulls.engine.edge import looking, probing
from origin_pulls.engine.edge.legs import deadline
from origin_pulls.engine.server import Server
from origin_pulls.errors import EdgeLater, EdgeUnknown, Refused
from origin_pulls.model import edge, edge_steps
from origin_pulls.model.edge_obstacles import next_on
from origin_pulls.model.edge_steps import Aim, Next, Ready, Waiting
from origin_pulls.model.job import STEP, Item, Job, State
from origin_pulls.model.policy import Policy
from origin_pulls.model.rollout import Leg, Rollout, Stage
from origin_pulls.store.presented import Presented
from origin_pulls.store.rollouts import EdgeStore

SOON = 6  # looks that come quickly; after them it is looked less often
MOST_AT_ONCE = 12  # steps without a pause between them
MOST_RETURNS = 3  # to the edge, for what vanished there while it was proven
Reasons = Mapping[str, tuple[str, str]]


class Stages:
    """What the stages of both directions share."""

    def __init__(self, server: Server, job: Job, note: Callable[[str], None]) -> None:
        self.server = server
        self.job = job
        self.note = note
        self.store = EdgeStore(server.store)
        self.items = {item.key: item for item in job.items}

    def go_on(self, rollout: Rollout) -> Rollout | None:
        """The rollout after its next step; ``None`` when it is at its end."""
        raise NotImplementedError

    def turn_back(self, rollout: Rollout) -> Rollout:
        """The rollout on the way back."""
        raise NotImplementedError

    def cancelled(self, rollout: Rollout, who: str) -> Rollout:
        """The rollout of a job that somebody cancelled and that does not lead back yet."""
        self.note(f"cancelled by {who}: taking it back")
        reasons = dict.fromkeys(self.items, (f"Cancelled by {who}.", ""))
        return self.turn_back(rollout.failing(reasons))

    def failing(self, rollout: Rollout, reasons: Reasons) -> Rollout:
        """The rollout with these failed: all of it turns back, or in a partial job they alone."""
        for message, _ in dict.fromkeys(reasons.values()):
            self.note(message)
        if not self.job.is_partial:
            refused = {key: Refused(message, hint=hint) for key, (message, hint) in reasons.items()}
            others = preparing.carried_along(self.job.items, refused)
            reasons = {
                **{key: (one.message, one.hint) for key, one in others.items()},
                **reasons,
            }
        rollout = rollout.failing(reasons)
        return rollout if rollout.open_legs() else self.turn_back(rollout)

    # -- the edge ---------------------------------------------------------------------------

    def reach_aims(
        self, rollout: Rollout, aims: Iterable[tuple[Leg, Aim]], following: Stage
    ) -> Rollout:
        """One look and at most one step for each leg; at ``following`` when all are ready."""
        waiting: dict[str, str] = {}
        reasons: dict[str, tuple[str, str]] = {}
        did, pause = False, 0.0
        for leg, aim in aims:
            try:
                found = self._next(leg, aim)
            except EdgeUnknown as error:
                pause = max(pause, error.seconds if isinstance(error, EdgeLater) else 0.0)
                found = Waiting(f"an answer from Cloudflare ({error.message})")
            except Refused as error:
                reasons |= dict.fromkeys(leg.keys, (error.message, error.hint))
                continue
            if isinstance(found, Waiting):
                waiting |= dict.fromkeys(leg.keys, found.what)
            elif not isinstance(found, Ready):
                did = True
        rollout = replace(rollout, touched=rollout.touched or did)
        if reasons:
            return self.failing(rollout, reasons)
        if not waiting and not did:
            return rollout.at(following, deadline=deadline(self.server))
        if did and not self.is_late(rollout):
            # At once again; but not for ever, should what was written not be seen afterwards.
            due = self.later(self.server.config.edge_poll) if rollout.looks > MOST_AT_ONCE else ""
            return replace(rollout, looks=rollout.looks + 1, said="", due=due)
        if self.is_late(rollout):
            waiting = waiting or dict.fromkeys(rollout.keys, "Cloudflare to take what was set")
            late = {
                key: (
                    f"It took too long to wait for {what}",
                    "Nothing was demanded. Ask for it again later.",
                )
                for key, what in waiting.items()
            }
            return self.failing(rollout, late)
        return self.wait(rollout, next(iter(waiting.values())), pause=pause)

    def back_at_edge(self, rollout: Rollout) -> Rollout | None:
        """The rollout at the edge again, where what was set there is no longer as it was.

        Somebody else may have taken it away while it was proven; no request can tell.
        """
        is_gone = any(self._is_gone(leg) for leg in rollout.open_legs())
        if not is_gone or rollout.returns >= MOST_RETURNS:
            return None
        self.note("what was set is no longer set at Cloudflare: back to it")
        back = rollout.at(Stage.EDGE, deadline=rollout.deadline)
        return replace(back, returns=rollout.returns + 1)

    def _is_gone(self, leg: Leg) -> bool:
        if leg.form is edge.Form.SHARED:
            return False
        try:
            client = self.server.reach.client(leg.user, leg.incarnation, leg.zone, leg.zone_name)
            aim = looking.aim_of(self.server, leg)
            return not isinstance(next_on(aim, looking.glance(client, leg)), Ready)
        except EdgeUnknown:
            return False
        except Refused:
            return True  # it is said where the edge is looked at in whole

    def _next(self, leg: Leg, aim: Aim) -> Next:
        """The next step for a leg, which is done when this returns."""
        client = self.server.reach.client(leg.user, leg.incarnation, leg.zone, leg.zone_name)
        if aim.form is not edge.Form.SHARED:
            found = next_on(aim, looking.glance(client, leg))
            if isinstance(found, Waiting | Ready):
                return found
        # Before anything is written there the whole zone is looked at.
        seen = looking.look(client, client.zone(leg.zone), leg.hosts)
        found = next_on(aim, seen)
        if not isinstance(found, Waiting | Ready):
            self.note(edge_steps.describe(found, leg.zone_name))
            looking.do(self.server, client, leg, aim, found)
        return found

    def is_late(self, rollout: Rollout) -> bool:
        """Whether it has been waited for long enough."""
        return bool(rollout.deadline) and self.server.clock() >= datetime.fromisoformat(
            rollout.deadline
        )

    def wait(self, rollout: Rollout, what: str, *, pause: float = 0.0) -> Rollout:
        """The same, to be looked at again a little later; what is waited for is said once.

        After ``pause`` seconds at the earliest, but not later than it is waited for.
        """
        config = self.server.config
        soon = config.edge_poll if rollout.looks < SOON else config.edge_poll_later
        due = self.later(max(pause, soon))
        if pause > soon and rollout.deadline:
            due = min(due, rollout.deadline, key=datetime.fromisoformat)
        if what != rollout.said:
            until = rollout.deadline[11:16]
            self.note(f"waiting for {what} (until {until} UTC at the latest)")
        return replace(rollout, looks=rollout.looks + 1, said=what, due=due)

    def later(self, seconds: float) -> str:
        """The time in so many seconds."""
        return (self.server.clock() + timedelta(seconds=seconds)).isoformat()

    # -- the origin -------------------------------------------------------------------------

    def run(self, rollout: Rollout, items: Sequence[Item]) -> tuple[Rollout, Reasons | None]:
        """An ordinary run of these items as a job of its own, and what failed in it.

        ``None`` when it was interrupted and has to be made again.
        """
        if not rollout.step:
            if not items:
                return rollout, {}
            step = Job(
                number=0,
                kind=STEP,
                who=self.job.who,
                asked=self.server.stamp(),
                items=tuple(items),
                undoes=rollout.job,
                is_partial=self.job.is_partial,
            )
            number = self.server.store.add_job(step)
            rollout = replace(rollout, step=number, steps=(*rollout.steps, number))
            self.store.keep(rollout)
        with working.holding(self.server, self.note):
            working.work(self.server, self.note)
        done = self.server.store.job(rollout.step)
        if done is None or done.message == recovery.TAKEN_BACK:
            return replace(rollout, step=0), None
        return rollout, {
            item.key: (item.message, item.hint)
            for item in done.items
            if item.state is not State.DONE
        }

    # -- the proof --------------------------------------------------------------------------

    def probe(
        self, rollout: Rollout, legs: Sequence[Leg], *, is_old: bool = False
    ) -> tuple[Rollout, dict[str, str]]:
        """One round through the edge for every vhost of these legs; what does not hold yet."""
        skipped = () if is_old else rollout.failed
        ways, problems = probing.probe_legs(self.server, legs, skipped, is_old=is_old)
        return replace(rollout, ways=ways), problems

    def presented(self, rollout: Rollout, *, is_void: bool) -> list[Presented]:
        """What the legs present to their vhosts; void: to those that failed, to be taken away."""
        failed = rollout.failed
        places = {item.key: item for item in self.job.items}
        return [
            Presented(
                user=places[key].user,
                incarnation=places[key].incarnation,
                server_name=places[key].server_name,
                zone=leg.zone,
                zone_name=leg.zone_name,
                form=leg.form,
                material=leg.material,
                hosts=leg.hosts if leg.form is edge.Form.HOSTNAME else self._hosts(leg, key),
                since=self.server.stamp(),
                removes=is_void and leg.is_fresh,
                is_void=is_void,
            )
            for leg in rollout.legs
            for key in leg.keys
            if (key in failed) == is_void
        ]

    def _hosts(self, leg: Leg, key: str) -> tuple[str, ...]:
        vhost = next((one for one in local.look(self.server).vhosts if one.key == key), None)
        return tuple(name for name in (vhost.host_names if vhost else ()) if name in leg.hosts)


def step_item(item: Item, wanted: Policy, *, after_job: int = 0) -> Item:
    return Item(
        user=item.user,
        server_name=item.server_name,
        incarnation=item.incarnation,
        wanted=wanted,
        after_job=after_job,
    )
