"""axe finds nothing to mend, in whatever state a page is, however it is looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

import pytest
from playwright.sync_api import Page, expect

from origin_pulls.sandbox import switches
from tests.web.conftest import Panel
from tests.web.looking import open_page, violations, wait_for_end

pytestmark = pytest.mark.apache

WIDE = {"width": 1280, "height": 800}
State = Callable[[Panel, Page], None]


@contextmanager
def seen_as(page: Page, way: str) -> Iterator[None]:
    """The same page on a telephone, zoomed to 200 %, mirrored, dark, or in forced colours."""
    match way:
        case "small":
            page.set_viewport_size({"width": 320, "height": 640})
        case "zoomed":  # at 200 % half of the pixels are there
            page.set_viewport_size({"width": 640, "height": 400})
        case "mirrored":
            page.evaluate("document.documentElement.dir = 'rtl'")
        case "dark":
            page.emulate_media(color_scheme="dark")
        case "forced":
            page.emulate_media(forced_colors="active")
    yield
    page.set_viewport_size({"width": 1280, "height": 800})
    page.evaluate("document.documentElement.dir = 'ltr'")
    page.emulate_media(color_scheme="null", forced_colors="null")


WAYS = ("wide", "small", "zoomed", "mirrored", "dark", "forced")


@contextmanager
def turned(panel: Panel, **position: object) -> Iterator[None]:
    """A switch of the sandbox in this position for a while."""
    before = switches.read(panel.sandbox.layout)
    switches.turn(panel.sandbox.layout, **position)
    try:
        yield
    finally:
        switches.turn(panel.sandbox.layout, **{name: getattr(before, name) for name in position})


def apply(panel: Panel, page: Page, key: str, mode: str = "observe") -> None:
    """Stage a change, and press Apply in its review."""
    panel.whm.post("r=/stage", {"do": mode, "pick": key})
    open_page(page, "/review")
    page.get_by_role("button", name="Apply").click()


def shown(route: str) -> State:
    return lambda _, page: open_page(page, route)


def a_running_job(panel: Panel, page: Page) -> None:
    with turned(panel, rebuild_seconds=8):
        apply(panel, page, "bulk00001/site00001.example")
        expect(page.get_by_text("rebuilding httpd.conf")).to_be_visible()
        assert page.locator("[data-op-poll]").count()


def a_failed_job(panel: Panel, page: Page) -> None:
    with turned(panel, rebuild_fails=True):
        apply(panel, page, "bulk00002/site00002.example")
        wait_for_end(page)
    expect(page.get_by_text("taken back").first).to_be_visible()


def a_form_that_is_wrong(_: Panel, page: Page) -> None:
    open_page(page, "/vhosts/dedi/dedi.example")
    page.get_by_label("Paths").fill("/a?b")
    page.get_by_role("button", name="Stage and review").click()
    expect(page.get_by_text("cannot be an exempt path")).to_be_visible()


def a_refused_review(panel: Panel, page: Page) -> None:
    keys = ["dedi/dedi.example", "shop/shop.example"]
    panel.whm.post("r=/stage", {"do": "enforce", "pick": keys})
    open_page(page, "/review")
    expect(page.get_by_text("Refused:").first).to_be_visible()


def a_proof(_: Panel, page: Page) -> None:
    open_page(page, "/vhosts/blog/blog.example")
    page.get_by_role("button", name="Prove it now").click()
    expect(page.get_by_text("Proven just now")).to_be_visible()


def a_token_that_is_refused(_: Panel, page: Page) -> None:
    open_page(page, "/tokens")
    page.get_by_label("API token").fill("cfut_wrong")
    page.get_by_role("button", name="Verify and keep").click()
    expect(page.get_by_text("Not kept")).to_be_visible()


def a_locked_vhost(panel: Panel, page: Page) -> None:
    panel.whm.post("r=/vhosts/dedi/dedi.example/lock", {"reason": "Ask us first"})
    open_page(page, "/&search=dedi")
    expect(page.get_by_text("Ask us first")).to_be_visible()


def all_is_relaxed(panel: Panel, page: Page) -> None:
    open_page(page, "/relax")
    page.get_by_label("Yes, switch").check()
    page.get_by_role("button", name="Relax everything").click()
    expect(page.get_by_text("emptied")).to_be_visible()


STATES: Mapping[str, State] = {
    "job running": a_running_job,
    "job failed": a_failed_job,
    "form error": a_form_that_is_wrong,
    "nothing matches": shown("/&search=nothing-is-called-so"),
    "no deed": shown("/activity&search=nothing-is-called-so"),
    "nothing staged": shown("/review"),
    "no such page": shown("/vhosts/shop/gone.example"),
    "review with refusals": a_refused_review,
    "proven": a_proof,
    "token refused": a_token_that_is_refused,
    "locked": a_locked_vhost,
    "panic": shown("/relax"),
    "relaxed": all_is_relaxed,
}


@pytest.fixture(autouse=True)
def as_it_was(panel: Panel) -> Iterator[None]:
    yield
    panel.whm.post("r=/discard", {})
    panel.whm.post("r=/vhosts/dedi/dedi.example/unlock", {})


@pytest.fixture(scope="module", autouse=True)
def policies_as_they_were(panel: Panel) -> Iterator[None]:
    yield
    panel.under.json("observe", "blog.example")


@pytest.fixture(scope="module")
def page(panel: Panel) -> Iterator[Page]:
    """One window of root's for all states."""
    with panel.signed_in("root", viewport=WIDE) as page:
        yield page


@pytest.mark.parametrize("state", STATES)
def test_axe_finds_nothing_in_any_state(panel: Panel, page: Page, state: str) -> None:
    STATES[state](panel, page)
    for way in WAYS:
        with seen_as(page, way):
            assert violations(page) == [], way
            assert is_whole(page), way


def is_whole(page: Page) -> bool:
    """Whether nothing of ours stands out to the side."""
    return bool(
        page.evaluate(
            """() => { const root = document.querySelector('.origin-pulls');
            return root.scrollWidth <= root.clientWidth }"""
        )
    )


def test_axe_finds_nothing_where_one_signs_in(panel: Panel) -> None:
    page = panel.browser.new_context(ignore_https_errors=True).new_page()
    for url in ("whm_url", "cpanel_url"):
        page.goto(str(panel.sandbox.summary()[url]))
        assert violations(page, "body") == []
    page.context.close()
