"""What a proof asks, expects and accepts."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from origin_pulls.model import proof
from origin_pulls.model.policy import Mode, Policy, Port80
from origin_pulls.model.proof import Ask, Check, Expected, Seen, Shown
from tests.strategies import policies, vhost

SITE = vhost(1, is_included=True, is_plain_included=True)
HERE = "203.0.113.5"


@given(policies(), st.sampled_from((HERE, "198.51.100.9", "127.0.0.1")))
def test_an_enforced_vhost_refuses_whoever_is_not_exempt(policy: Policy, source: str) -> None:
    found = proof.checks(SITE, policy, source=source, before={})
    without = [check for check in found if check.ask.shown is Shown.NONE and check.ask.is_tls]
    main = next(check for check in without if check.ask.path == "/" and "web" not in check.ask.host)
    is_near = any(
        ipaddress.ip_address(source) in ipaddress.ip_network(network)
        for network in policy.exempt_networks
    )
    if policy.mode is not Mode.ENFORCE or is_near:
        assert main.expected is Expected.SERVED
    elif policy.is_exempting:
        assert main.expected is Expected.FORBIDDEN
    else:
        assert main.expected is Expected.NO_HANDSHAKE
    strangers = [check.expected for check in found if check.ask.shown is Shown.STRANGER]
    assert strangers == [Expected.NO_HANDSHAKE if policy.mode is Mode.ENFORCE else Expected.SERVED]
    ours = [check.expected for check in found if check.ask.shown is Shown.OURS]
    assert ours == [Expected.SERVED]


@pytest.mark.parametrize(
    ("before", "seen", "is_tls", "holds"),
    [
        (200, 200, True, True),
        (200, 302, True, True),
        (200, 403, True, False),
        (200, 421, True, False),
        (200, 503, True, False),
        (503, 503, True, True),
        (403, 403, True, True),
        (403, 200, True, False),
        (401, 401, True, True),
        (None, 200, True, True),
        (None, 404, True, True),
        (None, 403, True, False),
        (302, 200, False, True),
        (403, 200, False, True),
        (200, 403, False, False),
    ],
)
def test_served_means_served_as_before(
    before: int | None, seen: int, is_tls: bool, holds: bool
) -> None:
    ask = Ask(address="192.0.2.1:443", host="site1.example", is_tls=is_tls)
    kept = Seen(status=before) if before else None
    assert proof.holds(Check("x", ask, Expected.SERVED, kept), Seen(status=seen)) is holds


@pytest.mark.parametrize(
    ("expected", "seen", "holds"),
    [
        (Expected.NO_HANDSHAKE, Seen(is_refused=True), True),
        (Expected.NO_HANDSHAKE, Seen(status=403), False),
        (Expected.NO_HANDSHAKE, Seen(error="no answer in time"), False),
        (Expected.NO_HANDSHAKE, Seen(error="Connection refused"), False),
        (Expected.FORBIDDEN, Seen(status=403), True),
        (Expected.FORBIDDEN, Seen(status=200), False),
        (Expected.FORBIDDEN, Seen(is_refused=True), False),
        (Expected.REDIRECTED, Seen(status=302, location="https://a.example/"), True),
        (Expected.REDIRECTED, Seen(status=302, location="http://a.example/"), False),
        (Expected.SERVED, Seen(is_refused=True), False),
        (Expected.SAME, Seen(status=200), False),
    ],
)
def test_only_what_was_expected_holds(expected: Expected, seen: Seen, holds: bool) -> None:
    ask = Ask(address="192.0.2.1:443", host="site1.example")
    assert proof.holds(Check("x", ask, expected), seen) is holds


def test_port_80_that_lets_cloudflare_in_alone_refuses_a_request_from_elsewhere() -> None:
    policy = Policy(port80=Port80.CLOUDFLARE)
    for source, expected in ((HERE, Expected.FORBIDDEN), ("127.0.0.1", Expected.SERVED)):
        found = proof.checks(SITE, policy, source=source, before={})
        assert [check.expected for check in found if not check.ask.is_tls] == [expected]


def test_a_wildcard_is_asked_by_a_name_that_nobody_has() -> None:
    from dataclasses import replace

    from origin_pulls.model.inventory import Kind, Name

    wild = replace(SITE, names=(Name("*.site1.example", Kind.WILDCARD),))
    assert proof.main_host(wild) == "origin-pulls-proof.site1.example"


@pytest.mark.parametrize("count", [1, 6, 7, 200])
def test_of_many_exempt_paths_the_first_and_last_few_are_asked_and_it_is_said(count: int) -> None:
    paths = tuple(f"/p{number}" for number in range(count))
    policy = Policy(mode=Mode.ENFORCE, exempt_paths=paths)
    found = [
        check
        for check in proof.checks(SITE, policy, source=HERE, before={})
        if check.ask.path != "/"
    ]
    wanted = paths if count <= 6 else (*paths[:3], *paths[-3:])
    assert [check.ask.path for check in found] == [f"{path}/" for path in wanted]
    said = f"(6 of {count} exempt paths are asked)"
    assert all((said in str(check)) is (count > 6) for check in found)
    before = [ask for ask in proof.baseline(SITE, policy) if ask.path != "/"]
    assert {ask.path for ask in before} == {check.ask.path for check in found}


def test_of_many_exempt_names_few_are_asked() -> None:
    names = tuple(f"n{number}.example" for number in range(50))
    policy = Policy(mode=Mode.ENFORCE, exempt_names=names)
    asked = {ask.host for ask in proof.baseline(SITE, policy)}
    assert asked - {proof.main_host(SITE)} == {*names[:3], *names[-3:]}
