"""The pages in a real browser, inside the panels' frames."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import Page, expect

from tests.web.conftest import Panel

pytestmark = pytest.mark.apache


def switch(page: Page, name: str) -> None:
    """Move the switch of a vhost and wait until it is noted."""
    page.get_by_role("switch", name=f"Authenticated Origin Pulls for {name}").click()
    expect(page.locator("#op-bar")).to_contain_text("staged")


def open_page(page: Page, route: str) -> None:
    """Open another page of ours in the same window."""
    page.goto(f"{page.url.partition('?')[0]}?r={route}")


def wait_for_end(page: Page) -> None:
    """Wait until the job that is shown has ended; the page follows it by itself."""
    expect(page.locator("#op-progress:not([data-op-poll])")).to_be_visible()


def test_root_enforces_a_domain_and_takes_it_back(panel: Panel) -> None:
    with panel.signed_in("root") as page:
        switch(page, "plain.example")
        expect(page.locator('[id="state-plain/plain.example"]')).to_contain_text("off → enforce")
        page.get_by_role("link", name="Review and apply (1)").click()
        page.get_by_label("I have uploaded the certificates").check()
        page.get_by_role("button", name="Look again").click()
        page.get_by_label("Goes back by itself").select_option("5")
        page.get_by_role("button", name="Apply").click()
        wait_for_end(page)
        expect(page.get_by_text("Done and proven")).to_be_visible()
        assert panel.under.is_enforced("plain.example")
        page.get_by_role("button", name="Confirm: it stays").click()
        expect(page.get_by_text("Confirmed: it stays").first).to_be_visible()
        page.get_by_role("button", name="Undo this job").click()
        wait_for_end(page)
        assert panel.under.is_open("plain.example")


def test_without_javascript_everything_goes_by_forms(panel: Panel) -> None:
    with panel.signed_in("root", java_script_enabled=False) as page:
        page.get_by_role("searchbox", name="Name or account").fill("dedi")
        page.get_by_role("button", name="Show").click()
        expect(page.get_by_text("of 1.", exact=False)).to_be_visible()
        page.get_by_role("switch").check()
        page.get_by_role("button", name="Note the switches").click()
        page.get_by_role("link", name="Review and apply (1)").click()
        expect(page.get_by_text("Nothing would be done")).to_be_visible()
        page.get_by_role("button", name="Forget them").click()
        page.get_by_label("Select dedi.example").check()
        page.get_by_role("button", name="Observe").click()
        page.get_by_role("link", name="Review and apply (1)").click()
        page.get_by_role("button", name="Apply").click()
        done = page.get_by_text("Done and proven")
        end = time.monotonic() + 120
        while not done.count():
            assert time.monotonic() < end
            again = page.get_by_role("link", name="Look again")
            if again.count():
                again.click()
        expect(done).to_be_visible()


def test_the_keyboard_is_enough(panel: Panel) -> None:
    with panel.signed_in("root") as page:
        page.locator('[id="switch-acme/acme.example"]').focus()
        page.keyboard.press("Space")
        expect(page.locator("#op-bar")).to_contain_text("1 change staged")
        # Focus stays on the switch while the page changes around it.
        expect(page.locator('[id="switch-acme/acme.example"]')).to_be_focused()
        tab_to(page, "Review and apply (1)")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Review")).to_be_visible()
        tab_to(page, "Forget them")
        page.keyboard.press("Enter")
        expect(page.get_by_text("What was staged is forgotten")).to_be_visible()


def tab_to(page: Page, text: str) -> None:
    """Press Tab until the focus is on what reads so, and its focus is to be seen."""
    for _ in range(400):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.innerText || ''").strip() == text:
            width = page.evaluate("getComputedStyle(document.activeElement).outlineWidth")
            assert width == "2px"
            return
    pytest.fail(f"Tab never reaches {text}")


def test_all_of_a_page_and_all_that_match_can_be_selected(panel: Panel) -> None:
    with panel.signed_in("root") as page:
        page.get_by_label("Select all on this page").check()
        expect(page.locator("#op-picked")).to_have_text("50 selected", use_inner_text=True)
        page.get_by_label("matching").check()
        page.get_by_role("button", name="Observe", exact=True).click()
        expect(page.locator("#op-bar")).to_contain_text("changes staged")
        staged = page.locator("#op-bar strong").inner_text()
        assert int(staged.split()[0]) > 50
        page.get_by_role("button", name="Forget them").click()


def test_an_account_holder_observes_a_domain_of_theirs(panel: Panel) -> None:
    with panel.signed_in("shop") as page:
        expect(page.get_by_role("link", name="api.shop.example")).to_be_visible()
        expect(page.get_by_role("link", name="blog.example", exact=True)).to_have_count(0)
        expect(page.get_by_role("link", name="Settings")).to_have_count(0)
        page.get_by_label("Select api.shop.example").check()
        page.get_by_role("button", name="Observe", exact=True).click()
        page.get_by_role("link", name="Review and apply (1)").click()
        page.get_by_role("button", name="Apply").click()
        wait_for_end(page)
        expect(page.get_by_text("Done and proven")).to_be_visible()
    with panel.signed_in("root") as page:
        open_page(page, "/activity")
        expect(page.get_by_text("shop/api.shop.example").first).to_be_visible()


def test_the_form_of_a_vhost_leads_to_its_review(panel: Panel) -> None:
    with panel.signed_in("blog") as page:
        page.get_by_role("link", name="blog.example", exact=True).click()
        page.get_by_label("Paths").fill("/hooks")
        page.get_by_role("button", name="Stage and review").click()
        expect(page.get_by_role("heading", name="blog.example")).to_be_visible()
        page.get_by_text("Its 9 names").or_(page.get_by_text("Nothing")).first.wait_for()
        page.get_by_role("button", name="Leave out").click()
        expect(page.get_by_text("Nothing is staged")).to_be_visible()


def test_settings_locks_and_panic_work_by_the_mouse(panel: Panel) -> None:
    with panel.signed_in("root") as page:
        open_page(page, "/settings")
        page.get_by_label("After how many minutes").fill("15")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_text("Saved.")).to_be_visible()
        open_page(page, "/vhosts/shop/shop.example")
        page.get_by_label("Reason").fill("Ask us first")
        page.get_by_role("button", name="Lock").click()
        expect(page.get_by_text("Locked for the account holder:")).to_be_visible()
        page.get_by_role("button", name="Unlock").click()
        page.get_by_role("link", name="Relax everything").click()
        page.get_by_label("Yes, switch").check()
        page.get_by_role("button", name="Relax everything").click()
        expect(page.get_by_text("No vhost of this server demands")).to_be_visible()
