"""What account holders and resellers find in a browser, as the administrator has it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from playwright.sync_api import Page, expect

from origin_pulls.sandbox import accounts
from tests.server_under_test import replace_program
from tests.web.conftest import HAS_FEATURE, Panel

pytestmark = pytest.mark.apache

KEPT = ("/", "/jobs", "/review", "/tokens", "/vhosts/shop/shop.example", "/export&form=csv")
HAS_NONE = HAS_FEATURE.replace('"has_feature": 1', '"has_feature": 0')


@contextmanager
def settings(panel: Panel, **values: str) -> Iterator[None]:
    """These settings for a while; the shipped ones afterwards."""
    before = panel.under.json("settings")["settings"]
    panel.whm.post("r=/settings", values)
    try:
        yield
    finally:
        panel.whm.post("r=/settings", {name: str(before[name]) for name in values})


def opened(page: Page, route: str) -> str:
    """The text of our part of a page."""
    page.goto(f"{page.url.partition('?')[0]}?r={route}")
    return page.locator(".origin-pulls").inner_text()


def test_nothing_means_that_no_domain_and_no_job_is_seen(panel: Panel) -> None:
    with settings(panel, accounts_may="nothing"), panel.signed_in("shop") as page:
        for route in KEPT:
            text = opened(page, route)
            assert "has not opened Origin Pulls to account holders" in text, route
            assert "shop.example" not in text, route
            assert "Back to the domains" not in text, route
        assert "Locked out?" in opened(page, "/help")
        # What would say the same once more is not offered.
        assert page.locator(".op-nav a").all_inner_texts() == ["Help"]


def test_see_shows_all_and_offers_no_change(panel: Panel) -> None:
    with settings(panel, accounts_may="see"), panel.signed_in("shop") as page:
        expect(page.get_by_text("lets you look here, and changes things for you")).to_be_visible()
        switches = page.get_by_role("switch")
        assert switches.count() == 5
        assert all(switch.is_disabled() for switch in switches.all())
        assert not page.get_by_role("button", name="Enforce").count()
        assert not page.get_by_label("Select all on this page").count()
        assert "Its certificate" not in opened(page, "/vhosts/shop/api.shop.example")
        expect(page.get_by_role("radio", name="Enforce")).to_be_disabled()
        assert not page.get_by_role("button", name="Stage and review").count()
        assert not page.get_by_role("button", name="Prove it now").count()
        why = "Your provider lets you look here, and changes things for you."
        expect(page.get_by_text(why)).to_be_visible()
        paths = page.get_by_label("Paths")
        expect(paths).to_be_disabled()
        look = "one => getComputedStyle(one).backgroundColor"
        assert paths.evaluate(look) != page.get_by_role("radio").first.evaluate(
            "one => getComputedStyle(one.closest('fieldset')).backgroundColor"
        )
        assert "brings tokens for you" in opened(page, "/tokens")
        assert not page.get_by_label("API token").count()


def test_see_offers_nothing_at_a_job_and_the_reason_is_not_folded_away(panel: Panel) -> None:
    with panel.signed_in("blog") as page:
        # One of its domains is observed already, so that the explanation is folded.
        assert page.locator("details.op-card").get_attribute("open") is None
        assert "Undo this job" in opened(page, "/jobs/1")
        with settings(panel, accounts_may="see"):
            assert "Undo this job" not in opened(page, "/jobs/1")
            opened(page, "/")
            expect(page.get_by_text("lets you look here")).to_be_visible()


def test_who_is_told_is_said_to_those_who_read_it(panel: Panel) -> None:
    with panel.signed_in("shop") as page:
        text = opened(page, "/vhosts/shop/shop.example")
        assert "and your provider is told" in text
        assert "ou are told" not in text
        expect(page.get_by_role("radio", name="Only tell your provider")).to_be_visible()
    with panel.signed_in("root") as page:
        assert "You are told by mail" in opened(page, "/vhosts/shop/shop.example")


def test_observe_offers_to_observe_and_no_more(panel: Panel) -> None:
    with settings(panel, accounts_may="observe"), panel.signed_in("shop") as page:
        expect(page.get_by_text("lets you observe; ask them to enforce")).to_be_visible()
        assert not page.get_by_role("button", name="Enforce").count()
        page.get_by_role("switch", name="Origin Pulls for api.shop.example").click()
        expect(page.locator("#op-bar")).to_contain_text("1 change staged")
        state = page.locator('[id="state-shop/api.shop.example"]')
        expect(state).to_contain_text("off → observe")
        page.get_by_role("button", name="Forget them").click()
        opened(page, "/vhosts/shop/api.shop.example")
        assert not page.get_by_role("radio", name="Enforce").count()


def test_who_may_observe_is_offered_nothing_for_what_the_provider_enforces(panel: Panel) -> None:
    panel.under.json("enforce", "api.shop.example", "--edge-ready")
    try:
        with settings(panel, accounts_may="observe"), panel.signed_in("shop") as page:
            switch = page.get_by_role("switch", name="Origin Pulls for api.shop.example")
            assert switch.is_checked()
            assert switch.is_disabled()
            text = opened(page, "/vhosts/shop/api.shop.example")
            assert "Your provider enforces this domain" in text
            assert page.get_by_role("radio", name="Enforce").is_checked()
            assert not page.get_by_role("button", name="Stage and review").count()
            assert "Your provider rotates" in opened(page, "/vhosts/shop/api.shop.example/rotate")
    finally:
        panel.under.json("off", "api.shop.example")


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("new_trust", "cloudflare", "Cloudflare's shared certificate"),
        ("new_port80", "redirect", "Plain HTTP on port 80 is sent on to HTTPS"),
        ("account_vhosts", "1", "These are 2 vhosts at once"),
        ("account_wishes", "1", "has asked 1 times within a minute"),
    ],
)
def test_a_setting_has_its_effect_in_cpanel(panel: Panel, name: str, value: str, said: str) -> None:
    with settings(panel, **{name: value}), panel.signed_in("shop") as page:
        for vhost in ("api.shop.example", "blog.shop.example"):
            page.get_by_label(f"Select {vhost}").check()
        page.get_by_role("button", name="Observe", exact=True).click()
        expect(page.locator("#op-bar")).to_contain_text("2 changes staged")
        opened(page, "/review")
        text = opened(page, "/review")
        assert said in text
        opened(page, "/")
        page.get_by_role("button", name="Forget them").click()
        expect(page.get_by_text("What was staged is forgotten")).to_be_visible()


def test_what_goes_back_by_itself_is_offered_as_it_was_set(panel: Panel) -> None:
    with settings(panel, revert_minutes="15"), panel.signed_in("root") as page:
        panel.whm.post("r=/stage", {"do": "enforce", "pick": "dedi/dedi.example"})
        opened(page, "/review&edge_ready=yes")
        chosen = page.get_by_label("Goes back by itself").locator("option:checked")
        assert chosen.inner_text() == "after 15 minutes unless confirmed"
        page.get_by_role("button", name="Forget them").click()


def test_an_account_without_the_feature_is_told_so_on_every_page(panel: Panel) -> None:
    program = panel.sandbox.path("/usr/local/cpanel/bin/whmapi1")
    before = program.read_bytes()
    replace_program(program, HAS_NONE)
    try:
        # An account that no other test signs in: what cPanel said is remembered for a while.
        with panel.signed_in("acme") as page:
            for route in ("/", "/jobs", "/vhosts/acme/acme.example", "/tokens"):
                text = opened(page, route)
                assert "not part of this account's features" in text, route
                assert "acme.example" not in text, route
    finally:
        program.write_bytes(before)


def test_an_account_that_is_suspended_meanwhile_sees_nothing_more(panel: Panel) -> None:
    layout = panel.sandbox.layout
    with panel.signed_in("idn") as page:
        expect(page.get_by_role("link", name="xn--bcher-kva.example", exact=True)).to_be_visible()
        accounts.suspend(layout, "idn")
        try:
            page.reload()
            assert "Sign in first" in page.content()
        finally:
            accounts.unsuspend(layout, "idn")
    # Nor where a panel lets a session live on.
    answer = panel.account("closed").get()
    assert "The account is suspended" in answer.text
    assert "closed.example" not in answer.text


def test_a_suspended_accounts_domains_are_shown_to_root_and_cannot_be_switched(
    panel: Panel,
) -> None:
    with panel.signed_in("root") as page:
        text = opened(page, "/&search=closed.example")
        assert "suspended" in text
        expect(page.get_by_role("switch")).to_be_disabled()


def test_a_reseller_finds_nothing_in_whm(panel: Panel) -> None:
    with panel.signed_in("reseller1", in_whm=True) as page:
        assert "You do not have the privileges" in page.content()
        assert not page.locator(".origin-pulls").count()
        home = page.url.partition("/cgi/")[0] + "/"
        page.goto(home)
        assert not page.get_by_role("link", name="Origin Pulls").count()


def test_a_reseller_has_its_own_account_and_nobody_elses(panel: Panel) -> None:
    with panel.signed_in("reseller1") as page:
        expect(page.get_by_role("link", name="reseller1.example", exact=True)).to_be_visible()
        text = page.locator(".origin-pulls").inner_text()
        # acme is an account that this reseller owns.
        assert "acme.example" not in text
        assert "There is no" in opened(page, "/vhosts/acme/acme.example")
