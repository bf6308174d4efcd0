"""A rollout whose account gets another name."""

from __future__ import annotations

from origin_pulls.model.edge import Form
from origin_pulls.model.job import Item
from origin_pulls.model.policy import Policy
from origin_pulls.model.rollout import Direction, Leg, Rollout, Stage


def item(user: str, name: str, incarnation: str = "1001-5") -> Item:
    return Item(user=user, server_name=name, incarnation=incarnation, wanted=Policy())


def leg(user: str, *keys: str) -> Leg:
    return Leg(
        zone="z", zone_name="a.example", form=Form.ZONE, user=user, incarnation="1001-5", keys=keys
    )


ROLLOUT = Rollout(
    job=1,
    direction=Direction.ON,
    stage=Stage.PROBING,
    legs=(leg("ann", "ann/a.example", "bob/b.example"), leg("bob", "bob/b.example")),
    ways=(("ann/a.example", "192.0.2.1:443", "a.example"),),
    failures=(("ann/a.example", "why", "what"),),
)


def test_all_of_it_gets_the_new_name_and_others_keep_theirs() -> None:
    followed = ROLLOUT.following([item("zoe", "a.example", "1001-9"), item("bob", "b.example")])
    assert followed.keys == ("zoe/a.example", "bob/b.example")
    assert [(one.user, one.incarnation) for one in followed.legs] == [
        *(("zoe", "1001-9"), ("bob", "1001-5"))
    ]
    assert followed.ways_of("zoe/a.example")
    assert followed.failed == {"zoe/a.example": ("why", "what")}


def test_without_a_new_name_it_stays_as_it_is() -> None:
    assert ROLLOUT.following([item("ann", "a.example"), item("bob", "b.example")]) is ROLLOUT
    assert ROLLOUT.following([]) is ROLLOUT
