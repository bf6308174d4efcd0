"""The steps at the edge: wherever they stop, a proxied visitor is served."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as some

from origin_pulls.errors import Refused
from origin_pulls.model import edge, edge_steps
from origin_pulls.model.edge import Form, SeenAssociation, SeenCertificate, ZoneSeen
from origin_pulls.model.edge_obstacles import next_on
from origin_pulls.model.edge_steps import (
    Aim,
    Associate,
    Delete,
    Ready,
    SwitchOff,
    SwitchOn,
    Upload,
    Void,
    Waiting,
)
from origin_pulls.model.inventory import Proxied
from origin_pulls.model.policy import Trust

HOSTS = ("shop.example", "www.shop.example")
RECORDS = tuple((host, True) for host in HOSTS)
FORMS = some.sampled_from((Form.ZONE, Form.HOSTNAME))
LATE = some.booleans()


def zone(**seen: object) -> ZoneSeen:
    return ZoneSeen(id="z", name="shop.example", records=RECORDS, **seen)  # type: ignore[arg-type]


def aim(form: Form, leaf: str, *, ours: tuple[str, ...] = ()) -> Aim:
    return Aim(form=form, leaf=leaf, hosts=HOSTS, ours=frozenset((leaf, *ours)), may_fill=True)


def with_store(seen: ZoneSeen, form: Form, store: tuple[SeenCertificate, ...]) -> ZoneSeen:
    if form is Form.ZONE:
        return replace(seen, zone_certificates=store)
    return replace(seen, hostname_certificates=store)


def done(seen: ZoneSeen, step: edge_steps.Next, wanted: Aim, *, is_late: bool) -> ZoneSeen:
    """The zone after a step; what takes time at Cloudflare is not active at first."""
    is_zone = wanted.form is Form.ZONE
    store = seen.zone_certificates if is_zone else seen.hostname_certificates
    match step:
        case Upload():
            number = str(len(store) + 1)
            fresh = SeenCertificate(
                id=f"id{number}", sha256=wanted.leaf, is_active=not is_late, uploaded=number
            )
            return with_store(seen, wanted.form, (*store, fresh))
        case SwitchOn() | SwitchOff():
            return replace(seen, zone_switch=isinstance(step, SwitchOn))
        case Associate():
            kept = [one for one in seen.associations if one.hostname not in step.hosts]
            fresh_ones = [
                SeenAssociation(hostname=host, cert_id=step.cert_id, enabled=True)
                for host in step.hosts
            ]
            return replace(seen, associations=(*kept, *fresh_ones))
        case Void():
            hosts = [host for host, _ in step.pairs]
            left = [one for one in seen.associations if one.hostname not in hosts]
            return replace(seen, associations=tuple(left))
        case Delete():
            left_over = tuple(one for one in store if one.id != step.cert_id)
            return with_store(seen, wanted.form, left_over)
        case Waiting():
            active = tuple(replace(one, is_active=True) for one in store)
            return with_store(seen, wanted.form, active)
        case Ready():
            return seen


def shown(seen: ZoneSeen) -> set[str]:
    return {edge.presented(seen, host) for host in HOSTS}


def turned_on(seen: ZoneSeen, wanted: Aim, *, is_late: bool) -> list[ZoneSeen]:
    """The zone after each step until it is ready."""
    found = [seen]
    for _ in range(20):
        step = next_on(wanted, found[-1])
        if isinstance(step, Ready):
            return found
        found.append(done(found[-1], step, wanted, is_late=is_late))
    raise AssertionError("it never becomes ready")


@given(FORMS, LATE, some.booleans())
def test_the_origin_may_demand_once_the_edge_is_ready(
    form: Form, is_late: bool, is_shared: bool
) -> None:
    wanted = aim(form, "new")
    states = turned_on(zone(shared_switch=is_shared), wanted, is_late=is_late)
    assert shown(states[-1]) == {"new"}


@given(FORMS, LATE)
def test_a_rotation_shows_the_old_or_the_new_at_every_moment(form: Form, is_late: bool) -> None:
    before = turned_on(zone(), aim(form, "old"), is_late=False)[-1]
    new = aim(form, "new", ours=("old",))
    states = turned_on(before, new, is_late=is_late)
    assert all(shown(state) <= {"old", "new"} for state in states)
    last = states[-1]
    old = replace(new, ours=frozenset(("old",)))
    while not isinstance(step := edge_steps.removal(old, last), Ready):
        last = done(last, step, new, is_late=False)
        assert shown(last) == {"new"}
    assert [one.sha256 for one in last.live(form)] == ["new"]


@given(FORMS)
def test_on_the_way_back_only_what_is_ours_goes(form: Form) -> None:
    states = turned_on(zone(), aim(form, "new"), is_late=False)
    seen, mine = states[-1], aim(form, "new")
    for _ in range(10):
        step = edge_steps.step_off(
            mine, seen, switch_is_ours=True, others_need_zone=False, removes=True
        )
        if isinstance(step, Ready):
            break
        seen = done(seen, step, mine, is_late=False)
    assert shown(seen) == {""}
    assert seen.live(form) == []


def test_a_switch_that_was_on_before_us_stays_on() -> None:
    seen = zone(zone_switch=True)
    step = edge_steps.step_off(
        aim(Form.ZONE, "x"), seen, switch_is_ours=False, others_need_zone=False, removes=False
    )
    assert step == Ready()


def test_what_another_vhost_needs_stays_on() -> None:
    seen = turned_on(zone(), aim(Form.ZONE, "x"), is_late=False)[-1]
    step = edge_steps.step_off(
        aim(Form.ZONE, "x"), seen, switch_is_ours=True, others_need_zone=True, removes=False
    )
    assert step == Ready()


def test_what_was_replaced_goes_and_the_zone_goes_on_presenting() -> None:
    old, new = aim(Form.ZONE, "old"), aim(Form.ZONE, "new", ours=("old",))
    seen = turned_on(turned_on(zone(), old, is_late=False)[-1], new, is_late=False)[-1]
    step = edge_steps.step_off(old, seen, switch_is_ours=True, others_need_zone=True, removes=True)
    seen = done(seen, step, old, is_late=False)
    assert (shown(seen), [one.sha256 for one in seen.live(Form.ZONE)]) == ({"new"}, ["new"])


def test_a_name_that_was_told_to_show_nothing_shows_nothing() -> None:
    off = SeenAssociation(hostname=HOSTS[0], cert_id="x", enabled=False)
    seen = turned_on(zone(), aim(Form.ZONE, "x"), is_late=False)[-1]
    assert edge.presented(replace(seen, associations=(off,)), HOSTS[0]) == ""
    with pytest.raises(Refused, match="enabled: false"):
        next_on(aim(Form.ZONE, "x"), replace(seen, associations=(off,)))


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        ([("a.example", True)], Proxied.PROXIED),
        ([("a.example", False)], Proxied.DIRECT),
        ([("*.example", True), ("a.example", False)], Proxied.DIRECT),
        ([("*.example", True)], Proxied.PROXIED),
        ([("b.example", True)], Proxied.UNKNOWN),
    ],
)
def test_an_exact_record_counts_before_a_wildcard(
    records: list[tuple[str, bool]], expected: Proxied
) -> None:
    assert edge.side("a.example", records) is expected


@pytest.mark.parametrize(
    ("trust", "elsewhere", "differs", "expected"),
    [
        (Trust.OWN, [], False, Form.ZONE),
        (Trust.OWN, ["app.shop.example"], False, Form.HOSTNAME),
        (Trust.OWN, [], True, Form.HOSTNAME),
        (Trust.CLOUDFLARE, ["app.shop.example"], True, Form.SHARED),
    ],
)
def test_the_form_disturbs_nobody(
    trust: Trust, elsewhere: list[str], differs: bool, expected: Form
) -> None:
    found = edge.form_for(trust, lives_elsewhere=elsewhere, others_differ=differs)
    assert found is expected
