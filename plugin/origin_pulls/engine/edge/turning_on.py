"""The stages of turning on: edge, observe, proof through the edge, enforce; or all of it back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from origin_pulls.engine.edge import looking
from origin_pulls.engine.edge.left_over import absent, left_over
from origin_pulls.engine.edge.legs import deadline
from origin_pulls.engine.edge.stages import Stages, step_item
from origin_pulls.model.job import Item
from origin_pulls.model.policy import Mode
from origin_pulls.model.rollout import Rollout, Stage

# Looks at the panel, after which the store knows what became of an account.
NAMES_LEARNED = 3


class TurningOn(Stages):
    """The way to a demand."""

    def go_on(self, rollout: Rollout) -> Rollout | None:
        """The rollout after its next step; ``None`` when it is at its end."""
        match rollout.stage:
            case Stage.EDGE:
                aims = [(leg, looking.aim_of(self.server, leg)) for leg in rollout.open_legs()]
                return self.reach_aims(rollout, aims, Stage.OBSERVING)
            case Stage.OBSERVING:
                return self._observe(rollout)
            case Stage.PROBING:
                return self._probe(rollout)
            case Stage.ENFORCING:
                return self._enforce(rollout)
            case _:
                return self._relax(rollout)

    def turn_back(self, rollout: Rollout) -> Rollout:
        """The origin first."""
        until = self.later(NAMES_LEARNED * self.server.config.look_again_every)
        return rollout.at(Stage.RELAXING, deadline=until)

    def _observe(self, rollout: Rollout) -> Rollout:
        failed = rollout.failed
        items = [
            self.items[key]
            for key in rollout.keys
            if key not in failed and not self._demands_already(rollout, self.items[key])
        ]
        if not rollout.step:
            self._trust(rollout, items)
        wanted = [
            step_item(
                item,
                replace(item.wanted, mode=Mode.OBSERVE, port80=item.before.policy.port80),
            )
            for item in items
        ]
        rollout, reasons = self.run(rollout, wanted)
        if reasons is None:
            return rollout
        if reasons:
            rollout = self.failing(rollout, reasons)
            if rollout.stage is not Stage.OBSERVING:
                return rollout
        return rollout.at(Stage.PROBING, deadline=deadline(self.server))

    def _demands_already(self, rollout: Rollout, item: Item) -> bool:
        """Whether a vhost demands what is presented to it by all we know: it need not cease to."""
        before = item.before.policy
        is_same = before.trust is item.wanted.trust and not before.edge_ready
        if before.mode is not Mode.ENFORCE or not is_same:
            return False
        relied_on = {
            (one.zone, one.form, one.material)
            for one in self.store.relied_on()
            if one.place == (item.user, item.incarnation, item.server_name)
        }
        return all(
            not leg.is_fresh and (leg.zone, leg.form, leg.material) in relied_on
            for leg in rollout.legs
            if item.key in leg.keys
        )

    def _trust(self, rollout: Rollout, items: Sequence[Item]) -> None:
        """From the next run on the vhosts trust what their zones will present."""
        for item in items:
            numbers = [leg.material for leg in rollout.legs if item.key in leg.keys]
            place = item.user, item.incarnation, item.server_name
            if any(numbers):
                self.server.store.keep_material(*place, " ".join(dict.fromkeys(numbers)))

    def _probe(self, rollout: Rollout) -> Rollout:
        rollout, problems = self.probe(rollout, rollout.open_legs())
        if not problems:
            rounds = rollout.rounds + 1
            most = self.server.config.edge_rounds
            self.note(f"proven through Cloudflare, round {rounds} of {most}")
            if rounds < most:
                pause = self.later(self.server.config.edge_round_pause)
                return replace(rollout, rounds=rounds, due=pause)
            self.store.replace_presented(self.presented(rollout, is_void=False))
            self._mend(rollout)
            return rollout.at(Stage.ENFORCING)
        rollout = replace(rollout, rounds=0)
        if not self.is_late(rollout):
            waiting = self.wait(rollout, next(iter(problems.values())))
            return self.back_at_edge(rollout) or waiting
        hint = (
            "Nothing was demanded. See `origin-pulls edge NAME`; a Configuration Rule at "
            "Cloudflare may set another encryption mode for this name."
        )
        rollout = self.failing(rollout, {key: (text, hint) for key, text in problems.items()})
        return replace(rollout, due="")

    def _mend(self, rollout: Rollout) -> None:
        """What was just proven is not amiss any more."""
        for leg in rollout.legs:
            amiss = [one for one in self.store.drifts() if one.zone == leg.zone]
            self.store.keep_drifts(leg.zone, [one for one in amiss if one.key not in leg.keys])

    def _enforce(self, rollout: Rollout) -> Rollout | None:
        failed = rollout.failed
        wanted = [
            step_item(item, item.wanted) for key, item in self.items.items() if key not in failed
        ]
        rollout, reasons = self.run(rollout, wanted)
        if reasons is None:
            return rollout
        # As in any run: a vhost whose proof fails is taken back, the others stay.
        rollout = rollout.failing(reasons)
        return self.turn_back(rollout) if rollout.failures else None

    def _relax(self, rollout: Rollout) -> Rollout | None:
        """The vhosts that failed are given back what they had; then the edge (``tidying``)."""
        left = left_over(self.server, self.job, rollout)
        gone = absent(self.server, left) if not rollout.step else []
        if gone and not self.is_late(rollout):
            # Renamed, and the store has not followed yet; or removed, and then it forgets it.
            return self.wait(rollout, f"{gone[0]}, which is not on this server at the moment")
        back = [
            step_item(item, before, after_job=item.before.job) for item, before in left.values()
        ]
        rollout, reasons = self.run(rollout, back)
        if reasons is None:
            return rollout
        for reason, _ in reasons.values():
            self.note(f"it could not be relaxed: {reason}")
        if rollout.touched:
            self._give_up(rollout)
        self.store.keep(rollout)
        return None

    def _give_up(self, rollout: Rollout) -> None:
        """What was brought for those that failed is to go; what they were presented before stays.

        The watch goes on looking at that, and tells what is amiss with it.
        """
        before = {one.identity for one in self.store.valid()}
        brought = self.presented(rollout, is_void=True)
        self.store.keep_presented(
            [one for one in brought if one.removes or one.identity not in before]
        )
