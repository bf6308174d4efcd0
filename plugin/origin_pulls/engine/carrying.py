"""Carries a prepared run out inside the journal, proves it, and takes back what fails."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace

from origin_pulls.engine import giving_way, looking, settling, stopping
from origin_pulls.engine.outcomes import Outcome, ended
from origin_pulls.engine.preparing import Prepared, carried_along
from origin_pulls.engine.run_proof import RunProof
from origin_pulls.engine.server import Server
from origin_pulls.engine.settling import Say
from origin_pulls.errors import NotRestored, OriginPullsError, Overtaken, Refused, Restored
from origin_pulls.model import include, plan
from origin_pulls.model.job import Job, State, as_record
from origin_pulls.model.plan import Change, Step
from origin_pulls.model.policy import Mode, Port80
from origin_pulls.model.proof import Result
from origin_pulls.server import journal
from origin_pulls.server.journal import Deed

logger = logging.getLogger(__name__)

MOST_PROOF = 60  # lines kept with an item


class _SetbackError(Exception):
    """Something failed that concerns the whole run: everything is taken back."""


class _StillDifferentError(Exception):
    """Everything was put back, and Apache has it; yet a site answers otherwise than before."""

    def __init__(self, failed: Sequence[Result]) -> None:
        super().__init__(f"It was taken back, but the site answers otherwise now: {failed[0]}")
        self.keys = {result.check.vhost for result in failed}


class Carrying:
    """One run: its steps, and what became of each vhost."""

    def __init__(self, server: Server, prepared: Prepared, say: Say) -> None:
        self.server = server
        self.prepared = prepared
        self.say = say
        self.changes = {change.key: change for change in prepared.changes}
        self.asked = RunProof(server, self.changes, prepared.bystanders)
        self.outcomes: dict[str, Outcome] = {
            key: Outcome(error) for key, error in prepared.refused.items()
        }

    def carry_out(self, jobs: Sequence[Job]) -> list[Job]:
        """Do all steps; gives the jobs with their outcomes, which are in the store by then.

        Raises ``Overtaken`` when everything is relaxed meanwhile: the journal stays open for that.
        """
        if self.prepared.swept:
            self.say(f"emptying {len(self.prepared.swept)} includes that no policy stands behind")
        self._refuse_together(jobs, self.asked.look_before())
        steps = self._steps_left()
        if steps:
            try:
                run = journal.begin(
                    self.server.config.journal, {"jobs": [job.number for job in jobs]}
                )
            except OSError as error:
                full = Refused(
                    f"The journal cannot be written: {error.strerror}",
                    hint="Make room or make the file system writable; nothing was touched.",
                )
                self._close_all(Outcome(full))
                return self._finish(jobs)
            return self._carry_out(run, steps, jobs)
        for key in self._open():
            self.outcomes[key] = Outcome()
        return self._finish(jobs)

    def _carry_out(self, run: journal.Run, steps: Sequence[Step], jobs: Sequence[Job]) -> list[Job]:
        try:
            numbers = self.prepared.gathering.keep_made(self._open())
            for key, number in numbers.items():
                vhost = self.changes[key].facts.vhost
                place = vhost.user, vhost.incarnation, vhost.server_name
                self.server.store.keep_material(*place, number)
            for kind, group in itertools.groupby(steps, key=type):
                self._do(run, kind, list(group))
            done = self._ended(jobs)
            run.commit({"jobs": [as_record(job) for job in done]})
        except Overtaken:
            raise  # whoever relaxes everything empties more than would be taken back here
        except (_SetbackError, OriginPullsError, OSError, KeyboardInterrupt) as error:
            self._take_all_back(run, _sentence(error))
            done = self._ended(jobs)
        self.server.store.finish(done, at=self.server.stamp())
        # What could not be taken back stays in the journal: the next run tries again.
        if not any(outcome.state is State.NOT_RESTORED for outcome in self.outcomes.values()):
            run.close()
        return done

    # -- before -----------------------------------------------------------------------------

    def _refuse_together(self, jobs: Sequence[Job], refused: Mapping[str, Refused]) -> None:
        """A job is refused as a whole here too, unless it may be done in part."""
        for job in jobs:
            mine = {item.key: refused[item.key] for item in job.items if item.key in refused}
            others = carried_along(job.items, mine) if mine and not job.is_partial else {}
            for key, error in {**mine, **others}.items():
                self.outcomes[key] = Outcome(error)

    def _steps_left(self) -> list[Step]:
        """The steps without those of vhosts that were refused just now."""
        left = [change for change in self.prepared.changes if change.key not in self.outcomes]
        if len(left) == len(self.prepared.changes):
            return list(self.prepared.steps)
        return plan.steps(self.prepared.facts, left) if left else []

    # -- the steps --------------------------------------------------------------------------

    def _do(self, run: journal.Run, kind: type[Step], group: Sequence[Step]) -> None:
        giving_way.check(self.server.config)
        if kind in (plan.Write, plan.Remove):
            self._change_files(run, group)
            return
        for step in group:
            match step:
                case plan.Rebuild():
                    self._rebuild(run, step)
                case plan.Reload():
                    self._reload()
                case plan.Prove():
                    self._prove(run, step)
                case plan.Present():
                    self.server.edge.present(step.vhost, step.anchors)
                case plan.Withdraw():
                    self.server.edge.withdraw(step.vhost)

    def _change_files(self, run: journal.Run, group: Sequence[Step]) -> None:
        deeds = [
            _deed(step)
            for step in group
            if isinstance(step, plan.Write | plan.Remove) and not self._has_failed(step.vhost)
        ]
        verb = "removing" if all(deed.text is None for deed in deeds) else "writing"
        self.say(f"{verb} {len(deeds)} file{'s' if len(deeds) != 1 else ''}")
        run.carry_out(deeds)

    def _rebuild(self, run: journal.Run, step: plan.Rebuild) -> None:
        self.say("rebuilding httpd.conf")
        with stopping.to_its_end():
            ran = self.server.apache.rebuild()
        if not ran.is_good:
            raise _SetbackError(f"cPanel refused to rebuild httpd.conf: {ran.last_words}")
        conf = looking.read_conf(self.server)
        lines = {pattern for block in conf.blocks for pattern in block.includes}
        missing = [key for key in step.vhosts if not _is_included(self.changes[key], lines)]
        if missing:
            self._take_some_back(
                run,
                dict.fromkeys(missing, "After the rebuild httpd.conf has no Include line for it"),
                "A custom template lacks cPanel's include lines: look for *.local in "
                f"{self.server.config.apache_templates} and custom_vhost_template_ap2.",
            )

    def _reload(self) -> None:
        self.say("testing the configuration and reloading Apache")
        with stopping.to_its_end():
            problem = settling.reload(self.server.apache)
        if problem:
            raise _SetbackError(problem)

    def _prove(self, run: journal.Run, step: plan.Prove) -> None:
        wanted = {key: policy for key, policy in step.policies if not self._has_failed(key)}
        self.say(f"proving {len(wanted)} vhost{'s' if len(wanted) != 1 else ''} with requests")
        results = self.asked.that_hold(wanted)
        if self.asked.has_died():
            raise _SetbackError("Apache died at the reload; its error_log says why")
        failed = [result for result in results if not result.holds]
        bystander = next((one for one in failed if one.check.vhost.startswith("bystander")), None)
        if bystander is not None:
            raise _SetbackError(f"Another site no longer answers as before: {bystander}")
        lines: dict[str, list[str]] = {key: [] for key in wanted}
        for one in results:
            lines.get(one.check.vhost, []).append(str(one))
        for key, said in lines.items():
            self.outcomes[key] = Outcome(proof=tuple(said[:MOST_PROOF]))
        reasons = {one.check.vhost: f"The proof failed: {one}" for one in reversed(failed)}
        if reasons:
            self._take_some_back(run, reasons, "Look at the site's own error_log, then try again.")

    # -- taking back ------------------------------------------------------------------------

    def _take_some_back(self, run: journal.Run, reasons: Mapping[str, str], hint: str) -> None:
        """Put the files of these vhosts back; the others go on."""
        for key, reason in reasons.items():
            error = Restored(f"{reason}. It was taken back.", hint=hint)
            self.outcomes[key] = replace(self.outcomes.get(key, Outcome()), error=error)
        # With the last one the server's own log line goes as well.
        nobody_left = [] if self._open() or self.prepared.facts.is_used_by_others else [""]
        try:
            self._put_back(run, [*reasons, *nobody_left])
        except _StillDifferentError as problem:
            for key in set(reasons) & problem.keys:
                worse = Restored(f"{reasons[key]}. {problem}", hint=hint)
                self.outcomes[key] = replace(self.outcomes[key], error=worse)

    def _take_all_back(self, run: journal.Run, reason: str) -> None:
        """Put everything back that this run touched."""
        logger.error("taking back: %s", reason)
        error = Restored(
            f"{reason}. Everything was taken back.", hint="Nothing has changed; see the job's log."
        )
        for key in self._open():
            self.outcomes[key] = replace(self.outcomes.get(key, Outcome()), error=error)
        try:
            self._put_back(run, None)
        except _StillDifferentError as problem:
            also = Restored(f"{reason}. {problem}", hint="Look at that site's own error_log.")
            for key in self.changes:
                if self.outcomes.get(key, Outcome()).state is State.RESTORED:
                    self.outcomes[key] = Outcome(also)
        except (NotRestored, OSError) as problem:
            worse = problem if isinstance(problem, NotRestored) else _not_put_back(problem)
            worse.message = f"{reason}. Taking it back failed: {worse.message}"
            for key in self.changes:
                if self.outcomes.get(key, Outcome()).state is not State.REFUSED:
                    self.outcomes[key] = Outcome(worse)

    def _put_back(self, run: journal.Run, keys: Collection[str] | None) -> None:
        """Files back, Apache reloaded, and asked again.

        Raises ``NotRestored`` when Apache is not as before or a demand stays in force;
        ``_StillDifferentError`` when only a site answers otherwise than it did.
        """
        self.say("taking back")
        settling.come_through(self.server.apache, self.say)
        run.take_back(keys)
        problem = settling.settle(self.server.apache, self.say)
        mine = self.changes if keys is None else keys
        results = self.asked.that_are_as_before(mine)
        failed = [result for result in results if not result.holds]
        if failed and self.server.apache.parent() is None:  # it died since: once more
            problem = settling.settle(self.server.apache, self.say)
            results = self.asked.that_are_as_before(mine)
            failed = [result for result in results if not result.holds]
        in_force = next((one for one in failed if one.seen.is_refused), None)
        if in_force is not None or (failed and problem):
            raise NotRestored(
                f"the files are as before, but {in_force or failed[0]} {problem}".strip(),
                hint=f"Type: {self.server.config.restart_program}",
            )
        if failed:
            raise _StillDifferentError(failed)

    # -- the end ----------------------------------------------------------------------------

    def _open(self) -> list[str]:
        return [key for key in self.changes if not self._has_failed(key)]

    def _has_failed(self, key: str) -> bool:
        return self.outcomes.get(key, Outcome()).error is not None

    def _close_all(self, outcome: Outcome) -> None:
        for key in self._open():
            self.outcomes[key] = outcome

    def _ended(self, jobs: Sequence[Job]) -> list[Job]:
        return ended(jobs, self.outcomes, self.prepared)

    def _finish(self, jobs: Sequence[Job]) -> list[Job]:
        done = self._ended(jobs)
        self.server.store.finish(done, at=self.server.stamp())
        return done


def _deed(step: plan.Write | plan.Remove) -> Deed:
    if isinstance(step, plan.Remove):
        return Deed(step.path, None, step.before, owner=step.vhost)
    # An include that was not there becomes a comment, never nothing: its Include line may exist.
    otherwise = include.nothing() if step.is_include else None
    return Deed(step.path, step.text, step.before, otherwise, owner=step.vhost)


def _is_included(change: Change, lines: Collection[str]) -> bool:
    facts, wanted = change.facts, change.wanted
    needed = []
    if wanted.mode is not Mode.OFF:
        needed.append(facts.secure.path)
    if wanted.port80 is not Port80.LEAVE:
        needed.append(facts.plain.path)
    return all(f"{path.parent}/*.conf" in lines for path in needed)


def _sentence(error: BaseException) -> str:
    if isinstance(error, KeyboardInterrupt):
        return "It was stopped by hand"
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror}"
    return str(error)


def _not_put_back(error: OSError) -> NotRestored:
    return NotRestored(
        f"a file cannot be put back: {error}",
        hint="Make the file system writable and free some space; then run `origin-pulls jobs`: "
        "the next run puts it back from the journal.",
    )
