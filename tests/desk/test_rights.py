"""Who may do what, as tables."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from origin_pulls.model import rights
from origin_pulls.model.caller import Caller, Kind
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
from origin_pulls.model.policy import Mode, Policy, Port80, Trust
from origin_pulls.model.rights import Standing
from origin_pulls.model.settings import Permission
from origin_pulls.model.wish import Cancel, Change, Preview, Rotate, Undo, Wanted, Wish

SHOP = Caller(Kind.ACCOUNT, "shop")
CHANGE = Change((Wanted("shop", "shop.example", Policy(mode=Mode.OBSERVE)),))
FOR_ADMINISTRATORS = [
    Doctor(),
    Lock("shop", "shop.example", "x"),
    Unlock("shop", "shop.example"),
    ChangeSettings((("accounts_may", "see"),)),
    Relax(),
]
FOR_ACCOUNTS = [
    CHANGE,
    Undo(1),
    Preview(CHANGE),
    Show("shop", "shop.example"),
    Prove("shop", "shop.example"),
    Confirm(1),
    Edge("shop", "shop.example"),
    Rotate("shop", "shop.example"),
    Cancel(1),
]
OFF, OBSERVE, ENFORCE = (Policy(mode=mode) for mode in Mode)


@pytest.mark.parametrize("wish", [*FOR_ADMINISTRATORS, *FOR_ACCOUNTS])
def test_root_may_ask_everything_and_a_reseller_nothing(wish: Wish) -> None:
    reseller = Caller(Kind.WHM, "reseller")
    assert rights.of_caller(Caller(Kind.ROOT, "root"), wish, is_root_level=True) is None
    assert rights.of_caller(Caller(Kind.WHM, "root"), wish, is_root_level=True) is None
    assert rights.of_caller(reseller, wish, is_root_level=False) is not None


@pytest.mark.parametrize("wish", FOR_ADMINISTRATORS)
def test_an_account_holder_may_not_ask_what_is_the_administrators(wish: Wish) -> None:
    for level in (True, False):  # an account may be called as a reseller is
        assert rights.of_caller(SHOP, wish, is_root_level=level) is not None


@pytest.mark.parametrize("wish", FOR_ACCOUNTS)
@pytest.mark.parametrize(
    "standing",
    [
        Standing(False, False, True, Permission.EVERYTHING),
        Standing(True, True, True, Permission.EVERYTHING),
        Standing(True, False, False, Permission.EVERYTHING),
        Standing(True, False, True, Permission.NOTHING),
    ],
    ids=["unknown", "suspended", "without the feature", "nothing allowed"],
)
def test_an_account_that_may_nothing_gets_nothing(wish: Wish, standing: Standing) -> None:
    assert rights.of_account(standing, wish) is not None


@pytest.mark.parametrize("wish", FOR_ACCOUNTS)
def test_who_may_only_see_can_only_look(wish: Wish) -> None:
    refused = rights.of_account(Standing(True, False, True, Permission.SEE), wish)
    assert (refused is None) == isinstance(wish, Show | Edge)


@pytest.mark.parametrize(
    ("may", "now", "wanted", "is_allowed"),
    [
        (Permission.OBSERVE, OFF, OBSERVE, True),
        (Permission.OBSERVE, OBSERVE, OFF, True),
        (Permission.OBSERVE, OBSERVE, ENFORCE, False),
        (Permission.OBSERVE, ENFORCE, OFF, False),
        (Permission.EVERYTHING, OFF, ENFORCE, True),
        (Permission.EVERYTHING, ENFORCE, OFF, True),
        (Permission.EVERYTHING, OFF, Policy(mode=Mode.ENFORCE, edge_ready=True), False),
        (Permission.EVERYTHING, OFF, Policy(mode=Mode.ENFORCE, trust=Trust.CLOUDFLARE), True),
        (Permission.EVERYTHING, OFF, Policy(mode=Mode.ENFORCE, trust=Trust.CUSTOM, ca="x"), False),
        (Permission.EVERYTHING, OFF, Policy(port80=Port80.CLOUDFLARE), True),
        (
            Permission.EVERYTHING,
            OFF,
            Policy(mode=Mode.ENFORCE, exempt_networks=("192.0.2.0/24",)),
            True,
        ),
        (
            Permission.EVERYTHING,
            Policy(mode=Mode.ENFORCE, edge_ready=True),
            Policy(mode=Mode.ENFORCE, edge_ready=True, exempt_paths=("/api",)),
            True,
        ),
        (
            Permission.EVERYTHING,
            Policy(mode=Mode.ENFORCE, edge_ready=True),
            Policy(mode=Mode.ENFORCE, edge_ready=True, trust=Trust.CLOUDFLARE),
            False,
        ),
        (
            Permission.EVERYTHING,
            Policy(mode=Mode.ENFORCE, trust=Trust.CUSTOM, ca="x"),
            Policy(mode=Mode.OBSERVE, trust=Trust.CUSTOM, ca="x"),
            True,
        ),
        (
            Permission.EVERYTHING,
            Policy(mode=Mode.ENFORCE, trust=Trust.CUSTOM, ca="x"),
            Policy(mode=Mode.ENFORCE, trust=Trust.CUSTOM, ca="y"),
            False,
        ),
    ],
)
def test_what_an_account_holder_may_set(
    may: Permission, now: Policy, wanted: Policy, is_allowed: bool
) -> None:
    refused = rights.of_policy(may, now, wanted, locked="", name="shop.example")
    assert (refused is None) == is_allowed


@given(st.sampled_from(Mode), st.sampled_from(Mode))
def test_a_lock_stops_every_change_and_says_why(now: Mode, wanted: Mode) -> None:
    refused = rights.of_policy(
        Permission.EVERYTHING,
        Policy(mode=now),
        Policy(mode=wanted),
        locked="under attack",
        name="shop.example",
    )
    assert (refused is None) == (now is wanted)
    assert refused is None or "under attack" in refused.message


@pytest.mark.parametrize(
    "message",
    [
        "/etc/apache2/conf.d/userdata/ssl/2_4/blog/x.conf:3: SSLVerifyClient none",
        "Another site no longer answers as before: https://blog.example/",
        "Apache's configuration is broken already: AH00526: line 2 of /etc/apache2/x.conf",
        "bystander blog/blog.example answers",
    ],
)
def test_an_account_holder_reads_nothing_of_root_or_of_others(message: str) -> None:
    said, hint = rights.as_told_to_accounts(message, "Type: /usr/local/cpanel/scripts/x")
    assert "blog" not in said
    assert "/etc" not in said
    assert "/usr" not in hint


def test_what_is_the_account_holders_own_affair_is_told_as_it_is() -> None:
    said = ("https://shop.example/home does not answer", "Mend the site first.")
    assert rights.as_told_to_accounts(*said) == said
