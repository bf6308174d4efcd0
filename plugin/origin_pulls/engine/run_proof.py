"""What one run asks: before its changes, to prove them, and after they were taken back."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence

from origin_pulls.engine import settling
from origin_pulls.engine.proving import Before, Prover
from origin_pulls.engine.server import Server
from origin_pulls.errors import Refused
from origin_pulls.model import proof
from origin_pulls.model.inventory import Vhost
from origin_pulls.model.plan import Change
from origin_pulls.model.policy import Mode, Policy
from origin_pulls.model.proof import Check, Result, Seen


class RunProof:
    """The requests of one run, over the changes that it makes."""

    def __init__(
        self, server: Server, changes: Mapping[str, Change], bystanders: Sequence[Vhost]
    ) -> None:
        self.server = server
        self.changes = changes
        self.bystanders = bystanders
        self.prover = Prover(server.config, server.probe())
        self.before = Before()
        self.parent = server.apache.parent()

    def look_before(self) -> dict[str, Refused]:
        """Note what vhosts answer now; refusals for those that are to demand and do not answer.

        Nor may they take too long for it: nobody else's change is waited with for that.
        """
        changing = [
            (change.facts.vhost, change.wanted, change.facts.edge.ways)
            for change in self.changes.values()
        ]
        self.before = self.prover.before(changing, self.bystanders)
        silent = {
            ask.host: seen
            for ask, seen in self.before.asked.items()
            if ask.is_tls and not ask.nonce and _is_dumb(seen)
        }
        refused = {}
        for key, change in self.changes.items():
            host = proof.main_host(change.facts.vhost)
            if change.wanted.mode is Mode.OFF:
                continue
            if key in self.before.slow:
                refused[key] = Refused(
                    f"{host} does not answer in time: the requests to the sites of one account "
                    f"may take {self.server.config.slow_before:g} seconds together, beyond a "
                    "second each",
                    hint="Nothing could be proven. Make the site answer faster first; of many "
                    "sites ask for some at a time.",
                )
            elif host in silent:
                refused[key] = Refused(
                    f"{host} does not answer on {change.facts.vhost.addresses[0]} even now: "
                    f"{silent[host]}",
                    hint="Nothing could be proven. Mend the site first.",
                )
        return refused

    def that_hold(self, wanted: Mapping[str, Policy]) -> list[Result]:
        """The results of the checks that prove these policies, those of the bystanders too."""
        checks = [
            check
            for key, policy in wanted.items()
            for check in self._checks(self.changes[key], policy)
        ]
        return self._ask(checks, edge_patience=self.server.config.visitor_patience)

    def that_are_as_before(self, keys: Iterable[str]) -> list[Result]:
        """The results of the checks that vhosts which were taken back do again what they did.

        Apache, its parent perhaps another one by now, may take its time to change over: visitors
        are waited for as long as it is.
        """
        self.parent = self.server.apache.parent()
        back = [self.changes[key] for key in keys if key in self.changes]
        return self._ask(
            [check for change in back for check in self._checks_of_before(change)],
            settled_patience=self.server.config.settled_patience,
        )

    def has_died(self) -> bool:
        """Whether Apache's parent is gone."""
        return settling.has_died(self.server.apache, self.parent)

    def _ask(
        self,
        checks: Collection[Check],
        *,
        edge_patience: float | None = None,
        settled_patience: float | None = None,
    ) -> list[Result]:
        patience = self.server.config.proof_patience
        return self.prover.until_they_hold(
            [*checks, *self.prover.bystander_checks(self.before)],
            is_hopeless=self.has_died,
            patience=patience,
            edge_patience=edge_patience,
            is_changing_over=lambda: self.server.apache.is_reloading(patience),
            settled_patience=settled_patience,
        )

    def _checks_of_before(self, change: Change) -> list[Check]:
        """That a vhost does again what its policy before says, if it answered then at all."""
        hosts = change.facts.vhost.host_names
        if any(_is_dumb(seen) for ask, seen in self.before.asked.items() if ask.host in hosts):
            return []
        return self._checks(change, change.facts.policy)

    def _checks(self, change: Change, policy: Policy) -> list[Check]:
        facts = change.facts
        return self.prover.checks(facts.vhost, policy, self.before, facts.edge.ways)


def _is_dumb(seen: Seen) -> bool:
    return seen.status is None
