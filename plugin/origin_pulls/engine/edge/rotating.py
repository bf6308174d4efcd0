"""The stages of a rotation: no moment in which the edge shows what the origin does not trust."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from origin_pulls.engine import looking as local
from origin_pulls.engine import preparing
from origin_pulls.engine.edge import looking
from origin_pulls.engine.edge.legs import deadline
from origin_pulls.engine.edge.stages import Stages, step_item
from origin_pulls.errors import EdgeUnknown, Refused
from origin_pulls.model import edge_steps
from origin_pulls.model.edge import Form
from origin_pulls.model.edge_obstacles import next_on
from origin_pulls.model.edge_steps import Ready, Waiting
from origin_pulls.model.job import Applied
from origin_pulls.model.policy import Mode
from origin_pulls.model.rollout import Leg, Rollout, Stage


class Rotating(Stages):
    """Old and new are trusted, then the new one is presented, then the old one goes."""

    def go_on(self, rollout: Rollout) -> Rollout | None:
        """The rollout after its next step; ``None`` when it is at its end."""
        match rollout.stage:
            case Stage.WIDENING:
                return self._widen(rollout)
            case Stage.EDGE:
                aims = [(leg, looking.aim_of(self.server, leg)) for leg in rollout.open_legs()]
                return self.reach_aims(rollout, aims, Stage.PROBING)
            case Stage.PROBING:
                return self._probe(rollout)
            case Stage.REMOVING:
                return self._remove(rollout)
            case Stage.RETURNING:
                return self._return(rollout)
            case _:
                return self._narrow(rollout)

    def turn_back(self, rollout: Rollout) -> Rollout:
        """The old certificate again; the origin trusts both until it is presented."""
        stage = Stage.RETURNING if rollout.touched else Stage.NARROWING
        return rollout.at(stage, deadline=deadline(self.server))

    def _widen(self, rollout: Rollout) -> Rollout:
        if not rollout.step:
            self._trust(rollout, without=())
        rollout, reasons = self._run_as_is(rollout)
        if reasons is None:
            return rollout
        if reasons:
            return self.turn_back(self.failing(rollout, reasons))
        return rollout.at(Stage.EDGE, deadline=deadline(self.server))

    def _probe(self, rollout: Rollout) -> Rollout:
        rollout, problems = self.probe(rollout, self._asking(rollout.open_legs()))
        if not problems:
            rounds = rollout.rounds + 1
            most = self.server.config.edge_rounds
            self.note(f"the new certificate came through Cloudflare, round {rounds} of {most}")
            if rounds < most:
                pause = self.later(self.server.config.edge_round_pause)
                return replace(rollout, rounds=rounds, due=pause)
            self._adopt(rollout)
            return rollout.at(Stage.REMOVING, deadline=deadline(self.server))
        rollout = replace(rollout, rounds=0)
        if not self.is_late(rollout):
            waiting = self.wait(rollout, next(iter(problems.values())))
            return self.back_at_edge(rollout) or waiting
        hint = "The old certificate goes on being presented. See `origin-pulls edge NAME`."
        return self.failing(rollout, {key: (text, hint) for key, text in problems.items()})

    def _adopt(self, rollout: Rollout) -> None:
        """From now on the new certificate is what is presented; the old one is to go."""
        self.store.replace_presented(self.presented(rollout, is_void=False))
        for leg in rollout.open_legs():
            if leg.form is Form.ZONE:
                self.store.keep_zone_material(leg.zone, leg.material)

    def _remove(self, rollout: Rollout) -> Rollout:
        """The old leaves go from Cloudflare; where that fails, tidying tries it again."""
        legs = rollout.open_legs()
        for leg in () if self._is_nobodys(legs) else legs:
            try:
                waiting = self._delete(leg, leg.old)
            except Refused as error:
                self.note(error.message)
                continue
            if waiting and not self.is_late(rollout):
                return self.wait(rollout, waiting)
            if waiting:
                self.note(f"the old certificate stays at Cloudflare: {waiting}")
        return rollout.at(Stage.NARROWING)

    def _return(self, rollout: Rollout) -> Rollout:
        """The old certificate is presented again, then the new one goes from Cloudflare."""
        legs = [leg for leg in rollout.legs if all(key in rollout.failed for key in leg.keys)]
        if self._is_nobodys(legs):
            # What was brought goes without anybody waiting for it (``tidying``).
            self.store.keep_presented(self.presented(rollout, is_void=True))
            return rollout.at(Stage.NARROWING)
        stays = False
        for leg in legs:
            try:
                waiting = self._return_leg(leg)
            except Refused as error:
                self.note(error.message)
                stays = True
                continue
            if waiting and not self.is_late(rollout):
                return self.wait(rollout, waiting)
            stays = stays or bool(waiting)
        if stays:
            # It may be presented at any time from now on; ``tidying`` tries again to be rid of it.
            self.store.keep_presented(self.presented(rollout, is_void=True))
        if Mode.ENFORCE not in self._modes(legs):
            return rollout.at(Stage.NARROWING)
        if stays:
            return self._trusting_both(rollout, "the new certificate is still at Cloudflare")
        _, problems = self.probe(rollout, self._asking(legs), is_old=True)
        if not problems:
            return rollout.at(Stage.NARROWING)
        if not self.is_late(rollout):
            return self.wait(rollout, next(iter(problems.values())))
        return self._trusting_both(rollout, "it is not proven which one comes")

    def _trusting_both(self, rollout: Rollout, why: str) -> Rollout:
        self.note(f"the origin goes on trusting both certificates: {why}")
        return replace(rollout.at(Stage.NARROWING), step=-1)

    def _is_nobodys(self, legs: Sequence[Leg]) -> bool:
        """Whether all vhosts of these legs were relaxed meanwhile, so nobody can be refused."""
        return self._modes(legs) <= {Mode.OFF}

    def _modes(self, legs: Sequence[Leg]) -> set[Mode]:
        """The modes of the vhosts of these legs, as they are now."""
        modes = self._modes_now()
        return {modes[key] for leg in legs for key in leg.keys if key in modes}

    def _modes_now(self) -> dict[str, Mode]:
        policies = self.server.store.policies()
        return {
            item.key: policies.get(
                (item.user, item.incarnation, item.server_name), Applied()
            ).policy.mode
            for item in self.job.items
        }

    def _asking(self, legs: Sequence[Leg]) -> list[Leg]:
        """The legs with the vhosts that ask for a certificate: others have none to be seen by."""
        modes = self._modes_now()
        asking = [
            replace(leg, keys=tuple(key for key in leg.keys if modes.get(key) is not Mode.OFF))
            for leg in legs
        ]
        return [leg for leg in asking if leg.keys]

    def _return_leg(self, leg: Leg) -> str:
        """One step back; what is waited for, or empty when the leg is back.

        Raises ``Refused`` where the new certificate stays at Cloudflare.
        """
        try:
            if leg.form is Form.HOSTNAME:
                client = self.server.reach.client(
                    leg.user, leg.incarnation, leg.zone, leg.zone_name
                )
                aim = looking.aim_of(self.server, leg, number=leg.old)
                found = next_on(aim, looking.glance(client, leg))
                if isinstance(found, edge_steps.Associate):
                    looking.do(self.server, client, leg, aim, found)
                    return "the old certificate to be set again"
                if isinstance(found, Waiting):
                    return found.what
        except EdgeUnknown as error:
            return error.message
        except Refused as error:
            self.note(error.message)
        return self._delete(leg, leg.material)

    def _delete(self, leg: Leg, number: str) -> str:
        """Delete a certificate of ours; what is waited for, or empty when it is gone.

        Raises ``Refused`` where Cloudflare does not let it go.
        """
        try:
            client = self.server.reach.client(leg.user, leg.incarnation, leg.zone, leg.zone_name)
            aim = looking.aim_of(self.server, leg, number=number)
            aim = replace(aim, ours=frozenset((aim.leaf,)))
            found = edge_steps.removal(aim, looking.glance(client, leg))
            if isinstance(found, Ready):
                self.store.forget(leg.zone, looking.kind(leg.form), aim.leaf)
                return ""
            if not isinstance(found, Waiting):
                # Said when it is done: what is still being deployed cannot go, and is asked again.
                looking.do(self.server, client, leg, aim, found)
                self.note(edge_steps.describe(found, leg.zone_name))
        except EdgeUnknown as error:
            return error.message
        return "the certificate to be deleted at Cloudflare"

    def _narrow(self, rollout: Rollout) -> Rollout | None:
        """The origin trusts one alone again: the new one, or where it failed the old one."""
        if rollout.step < 0:
            return None
        if not rollout.step:
            failed = rollout.failed
            self._trust(
                rollout,
                without=[
                    leg.material if all(key in failed for key in leg.keys) else leg.old
                    for leg in rollout.legs
                ],
            )
        rollout, reasons = self._run_as_is(rollout, is_all=True)
        if reasons is None:
            return rollout
        for reason, _ in reasons.values():
            self.note(f"the origin still trusts both certificates: {reason}")
        self.store.keep(rollout)
        return None

    def _trust(self, rollout: Rollout, *, without: tuple[str, ...] | list[str]) -> None:
        """The certificates whose CAs the vhosts trust from the next run on."""
        for item in self.job.items:
            legs = [leg for leg in rollout.legs if item.key in leg.keys]
            place = item.user, item.incarnation, item.server_name
            now = self.server.store.material(*place).split()
            added = [number for leg in legs for number in (leg.old, leg.material)]
            numbers = dict.fromkeys((*now, *added))
            kept = [number for number in numbers if number not in without]
            if legs and kept:
                self.server.store.keep_material(*place, " ".join(kept))

    def _run_as_is(
        self, rollout: Rollout, *, is_all: bool = False
    ) -> tuple[Rollout, dict[str, tuple[str, str]] | None]:
        """A run with the policies as they are now: only the CA files change."""
        applied = preparing.applied_now(self.server, local.look(self.server))
        items = [
            step_item(item, now.policy, after_job=now.job)
            for key, item in self.items.items()
            if is_all or key not in rollout.failed
            if key in rollout.keys and (now := applied.get(key, Applied())).job
        ]
        rollout, reasons = self.run(rollout, items)
        return rollout, None if reasons is None else dict(reasons)
