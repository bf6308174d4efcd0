"""What the pages read of deeds and jobs, out of a store: said once, in words, and whose it was."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from origin_pulls.actions import pages
from origin_pulls.config import Config
from origin_pulls.model import deeds
from origin_pulls.model.caller import AGENT, Caller, Kind
from origin_pulls.model.desk_wish import Confirm
from origin_pulls.model.inventory import Vhost
from origin_pulls.model.job import Applied, Item, Job, State
from origin_pulls.model.policy import Mode, Policy
from origin_pulls.model.settings import Permission
from origin_pulls.model.wish import Change, Preview, Wanted
from origin_pulls.store import Store, auditing, setting
from tests.desk import fleet

WHM = Caller(Kind.WHM, "root", "192.0.2.7", "whm")
OFF, OBSERVE, ENFORCE = (Policy(mode=mode) for mode in (Mode.OFF, Mode.OBSERVE, Mode.ENFORCE))


@dataclass(frozen=True)
class Kept:
    config: Config
    store: Store
    vhosts: Sequence[Vhost]

    def did(
        self,
        vhosts: Sequence[Vhost],
        wanted: Policy,
        before: Policy = OFF,
        *,
        caller: Caller = WHM,
        states: Sequence[State] = (),
        **values: object,
    ) -> int:
        """A job that ended; its number."""
        items = tuple(
            Item(
                user=one.user,
                server_name=one.server_name,
                incarnation=one.incarnation,
                wanted=wanted,
                before=Applied(policy=before),
                diff="+ changed\n",
            )
            for one in vhosts
        )
        job = Job(
            number=0,
            kind=str(values.pop("kind", "change")),
            who=caller.user,
            asked=fleet.AT,
            items=items,
            caller_kind=str(caller.kind),
            address=caller.address,
        )
        job = replace(job, **values)  # type: ignore[arg-type]
        number = self.store.add_job(job)
        states = states or [State.DONE] * len(items)
        done = tuple(
            replace(item, state=state, after_job=number)
            for item, state in zip(items, states, strict=True)
        )
        state = State.DONE if set(states) == {State.DONE} else State.REFUSED
        self.store.finish([replace(job, number=number, items=done, state=state)], at=fleet.AT)
        return number

    def asked(self, job: int, action: str = "asked for enforce", subject: str = "8 vhosts") -> None:
        auditing.note(self.store, WHM, action, subject=subject, job=job, at=fleet.AT)


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    config = Config.at(tmp_path)
    store = fleet.filled(config.store, 10, policies=0)
    with store.writing() as connection:
        connection.execute("DELETE FROM audit")
    yield Kept(config, store, list(fleet.vhosts(10)))
    store.close()


def test_what_a_job_did_to_many_is_one_deed(kept: Kept) -> None:
    number = kept.did(kept.vhosts[:8], ENFORCE)
    kept.asked(number)
    found = pages.activity_page(kept.config)
    assert [(one.action, one.count, one.job) for one in found.deeds] == [
        ("changed to enforce", 8, number)
    ]
    assert found.total == 1
    assert found.deeds[0].address == WHM.address
    assert found.undoable == {number}
    own = pages.activity_page(kept.config, account=kept.vhosts[0].user)
    assert [(one.action, one.count) for one in own.deeds] == [("changed to enforce", 5)]
    named = pages.activity_page(kept.config, search="site3.example")
    assert [(one.subject, one.count) for one in named.deeds] == [("acct00000/site3.example", 1)]


def test_what_came_to_nothing_is_told_as_it_was_asked(kept: Kept) -> None:
    number = kept.did(kept.vhosts[:1], ENFORCE, states=[State.REFUSED])
    kept.asked(number)
    kept.asked(number, "confirmed job 1", "job 1")
    found = pages.activity_page(kept.config)
    assert [one.action for one in found.deeds] == ["confirmed job 1", "asked for enforce"]
    assert found.total == 2


def test_a_refused_deed_reads_as_what_was_tried(kept: Kept) -> None:
    change = Change((Wanted("shop", "shop.example", ENFORCE),))
    assert deeds.refused(Confirm(7), "No.") == "tried to confirm job 7; refused: No."
    assert deeds.refused(Preview(change), "No.") == "tried to review a change; refused: No."
    assert deeds.words(Preview(change)).subject == "shop/shop.example"
    assert deeds.words(Confirm(7)).done == "confirmed job 7"


def test_what_went_by_itself_is_nobodys(kept: Kept) -> None:
    one = kept.vhosts[0]
    kept.did([one], ENFORCE)
    assert pages.by_itself(kept.config, one.user, one.server_name) is None
    number = kept.did([one, kept.vhosts[5]], OBSERVE, ENFORCE, caller=AGENT)
    for vhost in (one, kept.vhosts[5]):
        said = f"{vhost.key}: the zone of {vhost.server_name} is paused at Cloudflare"
        kept.store.note([number], said, at=fleet.AT)
    found = pages.by_itself(kept.config, one.user, one.server_name, account=one.user)
    assert found
    assert (found.job, found.mode) == (number, "observe")
    assert found.why == "the zone of site0.example is paused at Cloudflare."
    for account in ("", one.user):
        assert pages.job_page(kept.config, number, account=account).job.who == "this server itself"
        assert pages.job_rows(kept.config, account=account)[0].who == "this server itself"
    # What somebody wants since is no longer what went by itself.
    kept.did([one], OFF, OBSERVE)
    assert pages.by_itself(kept.config, one.user, one.server_name) is None


def test_what_was_not_confirmed_says_so(kept: Kept) -> None:
    one = kept.vhosts[0]
    number = kept.did([one], ENFORCE, OBSERVE, revert_minutes=5)
    kept.did([one], OBSERVE, ENFORCE, caller=AGENT, kind="undo", undoes=number)
    found = pages.by_itself(kept.config, one.user, one.server_name)
    assert found
    assert found.why == f"nobody confirmed job {number} in time."


def test_an_account_hears_of_a_way_back_only_where_its_own_went_there(kept: Kept) -> None:
    mine, other = kept.vhosts[0], kept.vhosts[5]
    states = [State.REFUSED, State.DONE]
    number = kept.did([mine, other], ENFORCE, states=states, revert_minutes=5)
    assert pages.job_page(kept.config, number).revert_at
    assert not pages.job_page(kept.config, number, account=mine.user).revert_at
    assert pages.job_page(kept.config, number, account=other.user).revert_at
    assert not pages.job_rows(kept.config, account=mine.user)[0].revert_at


@pytest.mark.parametrize("may", Permission)
def test_a_job_offers_an_account_what_it_may_do(kept: Kept, may: Permission) -> None:
    setting.keep(kept.store, {"accounts_may": may})
    mine = kept.vhosts[0]
    caller = Caller(Kind.ACCOUNT, mine.user)
    for wanted, least in (
        (OBSERVE, {Permission.OBSERVE, Permission.EVERYTHING}),
        (ENFORCE, {Permission.EVERYTHING}),
    ):
        number = kept.did([mine], wanted, caller=caller, revert_minutes=5)
        page = pages.job_page(kept.config, number, account=mine.user)
        assert page.can_undo == page.can_confirm == (may in least)
        assert pages.job_page(kept.config, number).can_undo
