"""Who is signed out while a page is open is told so there, and how to go on."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, Route, expect

from tests.web.conftest import Panel
from tests.web.looking import open_page
from tests.web.test_states import apply, turned

pytestmark = pytest.mark.apache

FOREIGN = "<!DOCTYPE html><title>Sign in</title><form><input name=user><input type=password></form>"


def told(page: Page) -> None:
    again = page.get_by_role("link", name="Sign in again")
    expect(again).to_have_count(1)
    expect(page.get_by_role("alert")).to_contain_text("signed out")
    assert "login" not in (again.get_attribute("href") or "")


def test_a_switch_says_that_the_session_is_over(panel: Panel) -> None:
    with panel.signed_in("shop") as page:
        page.context.clear_cookies()
        box = page.get_by_role("switch", name="Origin Pulls for api.shop.example")
        box.click()
        state = page.locator('[id="state-shop/api.shop.example"]')
        expect(state).to_have_text("not noted: you are signed out")
        expect(box).not_to_be_checked()
        told(page)
        page.get_by_role("link", name="Sign in again").click()
        expect(page.get_by_text("Sign in first")).to_be_visible()


def answer_away(route: Route) -> None:
    route.fulfill(status=302, headers={"Location": "/login"})


def answer_foreign(route: Route) -> None:
    route.fulfill(body=FOREIGN, content_type="text/html")


def answer_unsigned(route: Route) -> None:
    route.fulfill(status=401, body=FOREIGN, content_type="text/html")


@pytest.mark.parametrize("answer", [answer_away, answer_foreign, answer_unsigned])
def test_a_part_that_the_panel_answers_is_no_part_of_ours(
    panel: Panel, answer: Callable[[Route], None]
) -> None:
    with panel.signed_in("root") as page:
        page.route("**/*partial=1*", answer)
        open_page(page, "/vhosts/blog/blog.example")
        told(page)
        expect(page.locator(".origin-pulls input[name=user]")).to_have_count(0)


def test_a_job_that_is_followed_is_asked_for_no_more(panel: Panel) -> None:
    asked: list[str] = []
    with panel.signed_in("root") as page:
        page.clock.install()
        with turned(panel, rebuild_seconds=8):
            apply(panel, page, "bulk00003/site00003.example")
            expect(page.get_by_text("rebuilding httpd.conf")).to_be_visible()
            page.context.clear_cookies()
            page.on("request", lambda request: asked.append(request.url))
            page.clock.run_for(3_000)
            told(page)
            page.clock.run_for(60_000)
            assert len(asked) == 1
