"""Wishes and callers on the wire: what is written is read, what is wrong is said."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from origin_pulls.errors import Unusable
from origin_pulls.model import wish as wishes
from origin_pulls.model.caller import Caller, Kind
from origin_pulls.model.desk_wish import (
    ChangeSettings,
    Confirm,
    Doctor,
    Edge,
    Enter,
    Lock,
    Prove,
    Relax,
    Show,
    Unlock,
)
from origin_pulls.model.policy import Mode, Policy
from origin_pulls.model.wish import Cancel, Change, Preview, Rotate, Undo, Wanted

CHANGE = Change(
    (Wanted("shop", "shop.example", Policy(mode=Mode.ENFORCE)),),
    "root",
    is_partial=True,
    revert_minutes=10,
    fingerprint="abc123",
)
WISHES = [
    CHANGE,
    Undo(7, "root", is_partial=True),
    Preview(CHANGE),
    Preview(Undo(3)),
    Show("shop", "shop.example"),
    Prove("shop", "shop.example"),
    Edge("shop", "shop.example"),
    Rotate("shop", "shop.example"),
    Rotate("shop", "shop.example", "root", material="0123456789abcdef"),
    Rotate("shop", "shop.example", is_made_here=True),
    Cancel(5),
    Enter(),
    Doctor(),
    Lock("shop", "shop.example", "a reason: <b>"),
    Unlock("shop", "shop.example"),
    ChangeSettings((("accounts_may", "see"), ("revert_minutes", "5"))),
    Confirm(3),
    Relax(),
]
CALLERS = st.builds(
    Caller,
    st.sampled_from(Kind),
    st.from_regex(r"[a-z][a-z0-9]{0,15}", fullmatch=True),
    st.sampled_from(["", "192.0.2.7", "2001:db8::1"]),
    st.sampled_from(["", "web", "cli"]),
)


@pytest.mark.parametrize("wish", WISHES, ids=lambda wish: type(wish).__name__)
@given(caller=st.none() | CALLERS)
def test_what_is_written_is_read(wish: wishes.Wish, caller: Caller | None) -> None:
    asked = wishes.read_asked(wishes.write(wish, caller))
    assert (asked.wish, asked.caller) == (wish, caller)


@pytest.mark.parametrize(
    "record",
    [
        {"wish": "lock", "user": "shop", "server_name": "shop.example", "reason": "  "},
        {"wish": "lock", "user": "shop", "server_name": "shop.example", "reason": "a" * 301},
        {"wish": "lock", "user": "../etc", "server_name": "shop.example", "reason": "x"},
        {"wish": "show", "user": "shop", "server_name": "shop.example\nSSLVerifyClient none"},
        {"wish": "settings", "values": {}},
        {"wish": "settings", "values": {"accounts_may": "root"}},
        {"wish": "settings", "values": {"account_wishes": "0"}},
        {"wish": "settings", "values": {"account_wishes": "٣"}},
        {"wish": "settings", "values": {"shell": "x"}},
        {"wish": "edge", "user": "shop", "server_name": "a b"},
        {"wish": "rotate", "who": "root", "user": "shop", "server_name": "..", "material": ""},
        {"wish": "rotate", "who": "root", "user": "a", "server_name": "b.c", "material": "../x"},
        {"wish": "confirm", "job": True},
        {"wish": "confirm", "job": 2**63},
        {"wish": "undo", "job": -1, "who": "root"},
        {"wish": "preview", "of": {"wish": "relax"}},
        {"wish": "preview", "of": {"wish": "preview", "of": {}}},
        {"wish": "doctor", "caller": {"kind": "god", "user": "root"}},
        {"wish": "doctor", "caller": {"kind": "whm", "user": "root", "address": "<script>"}},
        {"wish": "doctor", "caller": {"kind": "whm", "user": "a b"}},
        {"wish": "doctor", "caller": None},
        {"wish": "sudo"},
    ],
)
def test_what_is_wrong_is_refused_at_the_border(record: dict[str, object]) -> None:
    with pytest.raises(Unusable):
        wishes.read_asked(json.dumps(record).encode())


@pytest.mark.parametrize("minutes", [-1, 1441, "5", 1.5, True, None])
def test_minutes_are_a_number_within_a_day(minutes: object) -> None:
    record = json.loads(wishes.write(CHANGE)) | {"revert_minutes": minutes}
    with pytest.raises(Unusable):
        wishes.read(json.dumps(record).encode())


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(), st.lists, max_leaves=5))
def test_nothing_but_unusable_comes_of_nonsense(nonsense: object) -> None:
    for name in ("change", "undo", "preview", "show", "settings", "lock", "confirm"):
        record = {"wish": name, "of": nonsense, "values": nonsense, "user": nonsense}
        with pytest.raises(Unusable):
            wishes.read(json.dumps({**record, "items": nonsense, "job": str(nonsense)}).encode())
