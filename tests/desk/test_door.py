"""Every wish at the agent's door: whose vhost, what the administrator allows, locked or not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from origin_pulls.agent.admitting import Door
from origin_pulls.engine import looking, working
from origin_pulls.engine.edge.entering import at_edge
from origin_pulls.engine.server import Seen, Server
from origin_pulls.errors import Refused
from origin_pulls.model.caller import ROOT, Caller, Kind
from origin_pulls.model.desk_wish import (
    ChangeSettings,
    Confirm,
    Doctor,
    Edge,
    Lock,
    Prove,
    Relax,
    Show,
    Unlock,
)
from origin_pulls.model.edge import Form
from origin_pulls.model.inventory import Vhost
from origin_pulls.model.job import Job, State, item_for
from origin_pulls.model.policy import Mode, Policy
from origin_pulls.model.settings import Permission
from origin_pulls.model.token_wish import AddToken, CheckTokens, Forgetting, ListTokens, RemoveToken
from origin_pulls.model.wish import Asked, Cancel, Change, Preview, Rotate, Undo, Wanted, Wish
from origin_pulls.sandbox import Sandbox
from origin_pulls.secret import Secret
from origin_pulls.store import setting
from origin_pulls.store.marks import Marks
from origin_pulls.store.presented import Presented
from origin_pulls.store.rollouts import EdgeStore
from tests.desk.conftest import FEATURES, give_feature, policy
from tests.server_under_test import UnderTest, replace_program

SHOP = Caller(Kind.ACCOUNT, "shop", "192.0.2.2", "web")
STILL, AWAY, SHARED = "api.shop.example", "shop.example", "shop-addon.shop.example"
OBSERVE, ENFORCE = Policy(mode=Mode.OBSERVE), Policy(mode=Mode.ENFORCE)


@dataclass(frozen=True)
class Gatehouse:
    """A server with jobs of all kinds in its store, and the door to it. No agent runs."""

    server: Server
    door: Door

    def vhost(self, name: str) -> Vhost:
        return looking.Names(looking.look(self.server)).find(name)

    def job(self, name: str, wanted: Policy, who: Caller, state: State = State.DONE) -> int:
        """A job for one vhost that somebody asked for, as it stands in the store then."""
        item = replace(item_for(self.vhost(name), wanted), state=state)
        job = Job(number=0, kind="change", who=who.user, asked=self.server.stamp(), items=(item,))
        number = self.server.store.add_job(replace(job, caller_kind=str(who.kind)))
        ended = replace(job, number=number, state=state, caller_kind=str(who.kind))
        if state is State.AT_EDGE:
            EdgeStore(self.server.store).enter(ended)
        else:
            self.server.store.connection.execute(
                "UPDATE job SET state=? WHERE number=?", (str(state), number)
            )
            self.server.store.connection.commit()
        return number

    def present(self, name: str, material: str) -> None:
        vhost = self.vhost(name)
        one = Presented(
            user=vhost.user,
            incarnation=vhost.incarnation,
            server_name=vhost.server_name,
            zone="z1",
            zone_name=name,
            form=Form.ZONE,
            material=material,
            hosts=(name,),
            since=self.server.stamp(),
        )
        EdgeStore(self.server.store).keep_presented([one])

    def refusal(self, wish: Wish, caller: Caller = SHOP) -> str:
        """Why the door does not let somebody in with a wish; empty when it does."""
        self.door.gate.asked.clear()
        try:
            with self.door.admitted(Asked(wish, caller), is_root=False):
                return ""
        except Refused as error:
            return error.message


@pytest.fixture(scope="module")
def house(sandbox: Sandbox) -> Iterator[Gatehouse]:
    one = UnderTest(sandbox)
    replace_program(one.config.whmapi_program, FEATURES.format(root=one.root))
    give_feature(one.root, "shop", "blog")
    server = Server.of(one.config)
    yield Gatehouse(server, Door(one.config, Seen()))
    server.store.close()


NEVER = None


def wishes(house: Gatehouse) -> dict[str, tuple[Wish, Permission | None, bool]]:
    """Each wish of an account holder: the least that must be allowed, and whether a lock counts."""
    see, observe, everything = Permission.SEE, Permission.OBSERVE, Permission.EVERYTHING
    own = {
        "observing": house.job(STILL, OBSERVE, SHOP),
        "enforcing": house.job(STILL, ENFORCE, SHOP),
        "root's": house.job(STILL, OBSERVE, ROOT),
        "other's": house.job("blog.example", OBSERVE, Caller(Kind.ACCOUNT, "blog")),
    }
    there = {job.caller_kind: job.number for job in at_edge(house.server)}
    secret = Secret(b"x" * 40)
    return {
        "to observe": (policy(STILL, Mode.OBSERVE), observe, True),
        "to enforce": (policy(STILL, Mode.ENFORCE), everything, True),
        "to review": (Preview(policy(STILL, Mode.OBSERVE)), observe, True),
        "to leave it as it is": (policy(STILL, Mode.OFF), observe, False),
        "to relax what is at Cloudflare": (policy(AWAY, Mode.OFF), everything, True),
        "to delete its certificate": (
            replace(policy(STILL, Mode.OFF), removes=True),
            observe,
            True,
        ),
        "to say that the edge is ready": (
            policy(STILL, Mode.ENFORCE, edge_ready=True),
            NEVER,
            True,
        ),
        "to show": (Show("shop", STILL), see, False),
        "to ask Cloudflare": (Edge("shop", STILL), see, False),
        "to prove": (Prove("shop", STILL), observe, False),
        "to confirm an observation": (Confirm(own["observing"]), observe, True),
        "to confirm an enforcement": (Confirm(own["enforcing"]), everything, True),
        "to confirm root's job": (Confirm(own["root's"]), NEVER, True),
        "to confirm another's job": (Confirm(own["other's"]), NEVER, True),
        "to undo": (Undo(own["enforcing"]), observe, False),
        "to undo another's job": (Undo(own["other's"]), NEVER, True),
        "to review the undo of another's": (Preview(Undo(own["other's"])), NEVER, True),
        "to cancel": (Cancel(there["account"]), everything, True),
        "to cancel root's job": (Cancel(there["root"]), NEVER, True),
        "to cancel another's job": (Cancel(own["other's"]), NEVER, True),
        "to rotate": (Rotate("shop", STILL), everything, True),
        "to rotate to a certificate": (Rotate("shop", STILL, material="a" * 16), NEVER, True),
        "to replace what was imported": (Rotate("shop", STILL, is_made_here=True), NEVER, True),
        "to rotate what others use": (Rotate("shop", SHARED), NEVER, True),
        "to bring a token": (AddToken(secret), observe, False),
        "to forget a token": (RemoveToken("0a0a0a0a"), observe, False),
        "to list tokens": (ListTokens(), see, False),
        "to ask what forgetting a token means": (Forgetting("0a0a0a0a"), see, False),
        "to ask Cloudflare about tokens": (CheckTokens(), see, False),
        **{
            f"{type(wish).__name__} of another's": (wish, NEVER, False)
            for wish in (
                policy("blog.example", Mode.OFF, "blog"),
                Change((Wanted("shop", STILL, Policy()), Wanted("blog", "blog.example", Policy()))),
                Show("blog", "blog.example"),
                Edge("blog", "blog.example"),
                Prove("blog", "blog.example"),
                Rotate("blog", "blog.example"),
                Preview(policy("blog.example", Mode.OFF, "blog")),
                Doctor(),
                Relax(),
                Lock("shop", STILL, "mine"),
                Unlock("shop", STILL),
                ChangeSettings((("accounts_may", "everything"),)),
            )
        },
    }


@pytest.fixture(scope="module")
def table(house: Gatehouse) -> dict[str, tuple[Wish, Permission | None, bool]]:
    house.present(STILL, "a" * 16)
    house.present(SHARED, "b" * 16)
    house.present("blog.example", "b" * 16)
    house.job(AWAY, ENFORCE, SHOP, State.AT_EDGE)
    house.job("blog.shop.example", ENFORCE, ROOT, State.AT_EDGE)
    return wishes(house)


@pytest.mark.parametrize("locked", [False, True], ids=["open", "locked"])
@pytest.mark.parametrize("may", list(Permission))
def test_who_may_ask_what(
    house: Gatehouse,
    table: dict[str, tuple[Wish, Permission | None, bool]],
    may: Permission,
    locked: bool,
) -> None:
    setting.keep(house.server.store, {"accounts_may": str(may), "account_wishes": "600"})
    marks = Marks(house.server.store)
    for name in (STILL, AWAY, SHARED):
        if locked:
            marks.lock(house.vhost(name), "under attack", who="root", at=house.server.stamp())
        else:
            marks.unlock(house.vhost(name))
    levels = list(Permission)
    for name, (wish, least, minds_locks) in table.items():
        is_enough = least is not None and levels.index(may) >= levels.index(least)
        said = house.refusal(wish)
        assert (said == "") == (is_enough and not (locked and minds_locks)), (name, said)
        if said:
            assert "blog" not in said.replace("blog.example", "").replace("blog.shop", ""), name
        assert house.refusal(wish, Caller(Kind.WHM, "root")) == "", name


def test_an_account_takes_nothing_back_that_the_administrator_brings_to_cloudflare(
    house: Gatehouse, table: dict[str, tuple[Wish, Permission | None, bool]]
) -> None:
    assert table
    wish = policy("blog.shop.example", Mode.OFF)
    with pytest.raises(Refused, match="by the administrator's wish"):
        working.accept(house.server, replace(wish, who="shop"), SHOP)
    job = next(one for one in at_edge(house.server) if one.caller_kind == "root")
    assert EdgeStore(house.server.store).cancelled_by(job.number) == ""
    working.accept(house.server, wish, ROOT)
    assert EdgeStore(house.server.store).cancelled_by(job.number) == "root"


def test_who_has_an_old_user_name_inherits_no_job(house: Gatehouse) -> None:
    setting.keep(house.server.store, {"accounts_may": "everything"})
    Marks(house.server.store).unlock(house.vhost(STILL))
    number = house.job(STILL, OBSERVE, SHOP)
    assert house.refusal(Confirm(number)) == ""
    house.server.store.connection.execute(
        "UPDATE item SET incarnation='1:earlier' WHERE job=?", (number,)
    )
    house.server.store.connection.commit()
    for wish in (Confirm(number), Cancel(number), Undo(number)):
        assert "There is no job" in house.refusal(wish)
