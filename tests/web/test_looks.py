"""What the pages promise to everybody's eyes, ears and patience."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.web.conftest import Panel
from tests.web.looking import open_page, switch, violations

pytestmark = pytest.mark.apache

STATIC = Path(__file__).parents[2] / "static"
ROUTES = {
    "root": (
        *(
            "/",
            "/jobs",
            "/jobs/1",
            "/activity",
            "/doctor",
            "/settings",
            "/help",
            "/relax",
            "/tokens",
        ),
        *("/vhosts/blog/blog.example", "/review", "/review&edge_ready=yes", "/nothing"),
        *("/vhosts/blog/blog.example/rotate", "/jobs/1/undo/review"),
    ),
    "blog": ("/", "/jobs", "/help", "/tokens", "/vhosts/blog/blog.example", "/review", "/nothing"),
}
# Properties that a foreign sheet would show itself in.
PROPERTIES = (
    *("color", "background-color", "font-size", "font-weight", "font-family", "line-height"),
    *("text-transform", "text-decoration-line", "text-decoration-style", "text-indent"),
    *("border-top-width", "border-top-style", "border-top-color", "padding-top", "padding-left"),
    *("margin-top", "margin-bottom", "display", "float", "position", "vertical-align"),
)
COMPUTED = """names => Array.from(document.querySelectorAll('.origin-pulls, .origin-pulls *'))
    .filter(one => !one.closest('svg') && one.tagName !== 'OPTION' && one.type !== 'hidden')
    .map(one => one.tagName + '.' + one.className + ' '
        + names.map(name => name + ':' + getComputedStyle(one).getPropertyValue(name)).join(';'))"""


def with_something_staged(panel: Panel) -> None:
    for visitor in (panel.whm, panel.account("blog")):
        visitor.post("r=/stage", {"do": "enforce", "pick": "blog/blog.example"})


@pytest.fixture(scope="module", autouse=True)
def staged(panel: Panel) -> Iterator[None]:
    """A change waits all the time, so that the review has something to show."""
    with_something_staged(panel)
    yield
    for visitor in (panel.whm, panel.account("blog")):
        visitor.post("r=/discard", {})


@pytest.mark.parametrize("user", ["root", "blog"])
def test_axe_finds_nothing_on_any_page(panel: Panel, user: str) -> None:
    with panel.signed_in(user) as page:
        for route in ROUTES[user]:
            open_page(page, route)
            assert violations(page) == [], route


@pytest.mark.parametrize("scheme", ["small", "mirrored", "forced"])
def test_axe_finds_nothing_small_mirrored_or_in_forced_colours(panel: Panel, scheme: str) -> None:
    options: dict[str, Any] = {"viewport": {"width": 320, "height": 700}}
    if scheme == "forced":
        options = {"forced_colors": "active"}
    with panel.signed_in("root", **options) as page:
        for route in ("/", "/jobs/1", "/vhosts/blog/blog.example", "/review"):
            open_page(page, route)
            if scheme == "mirrored":
                page.evaluate("document.documentElement.dir = 'rtl'")
            assert violations(page) == [], route


def test_nothing_is_cut_off_at_320_pixels(panel: Panel) -> None:
    for user in ROUTES:
        with panel.signed_in(user, viewport={"width": 320, "height": 700}) as page:
            for route in ROUTES[user]:
                open_page(page, route)
                wide = page.evaluate(
                    """() => { const root = document.querySelector('.origin-pulls');
                    const whole = document.scrollingElement;
                    return Math.max(root.scrollWidth - root.clientWidth,
                        whole.scrollWidth - whole.clientWidth) }"""
                )
                assert wide <= 0, (user, route)


def test_right_to_left_is_mirrored(panel: Panel) -> None:
    with panel.signed_in("root") as page:
        places = "[...document.querySelectorAll('.op-nav a')].map(a => a.offsetLeft)"
        before = page.evaluate(places)
        page.evaluate("document.documentElement.dir = 'rtl'")
        after = page.evaluate(places)
        assert before == sorted(before)
        assert after == sorted(after, reverse=True)


def test_targets_are_large_enough(panel: Panel) -> None:
    with panel.signed_in("root") as page:
        small = page.evaluate(
            """() => [...document.querySelectorAll(
                '.origin-pulls button, .origin-pulls input, .origin-pulls select')]
            .filter(one => one.offsetParent && (one.offsetWidth < 24 || one.offsetHeight < 24))
            .map(one => one.outerHTML)"""
        )
        assert small == []


@pytest.mark.parametrize("user", ["root", "blog"])
def test_the_panels_own_sheet_changes_nothing_of_ours(panel: Panel, user: str) -> None:
    with panel.signed_in(user) as page:
        for route in ("/", "/vhosts/blog/blog.example", "/review", "/help"):
            open_page(page, route)
            page.add_style_tag(content="html { font-size: 10px }")  # as Bootstrap 3 has it
            with_sheet = page.evaluate(COMPUTED, list(PROPERTIES))
            page.evaluate(
                """() => [...document.styleSheets].filter(one => !/page-/.test(one.href))
                .forEach(one => { one.disabled = true; })"""
            )
            without = page.evaluate(COMPUTED, list(PROPERTIES))
            changed = [
                difference(one, other)
                for one, other in zip(with_sheet, without, strict=True)
                if one != other
            ]
            assert changed[:5] == [], route


def difference(one: str, other: str) -> str:
    name = one.partition(" ")[0]
    pairs = zip(one.split(";"), other.split(";"), strict=False)
    return f"{name}: {[f'{a} / {b}' for a, b in pairs if a != b]}"


def test_pages_keep_their_budget(panel: Panel) -> None:
    assert len(gzip.compress((STATIC / "page.css").read_bytes())) <= 10 * 1024
    assert len(gzip.compress((STATIC / "page.js").read_bytes())) <= 20 * 1024
    assert len(gzip.compress(panel.whm.get().text.encode())) <= 8 * 1024
    with panel.signed_in("root") as page:
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url))
        page.add_init_script(
            """window.shifted = 0; new PerformanceObserver(list => list.getEntries()
            .forEach(one => { window.shifted += one.value; }))
            .observe({type: 'layout-shift', buffered: true});"""
        )
        page.reload()
        page.wait_for_load_state("networkidle")
        ours = [one for one in asked if "originpulls" in one]
        assert len(ours) <= 6
        assert all(one.startswith("https://127.0.0.1:") for one in asked)
        count = page.evaluate("document.querySelectorAll('.origin-pulls *').length")
        assert count <= 1500
        assert page.evaluate("window.shifted") <= 0.02


def test_a_press_is_answered_at_once(panel: Panel) -> None:
    with panel.signed_in("root") as page:
        said = page.evaluate(
            """() => { const box = document.getElementById('switch-acme/acme.example');
            box.click(); return box.closest('tr').querySelector('.op-state').textContent; }"""
        )
        assert said == "noting…"
        expect(page.locator('[id="state-acme/acme.example"]')).to_contain_text("not applied yet")
        switch(page, "acme.example")


def test_no_script_and_no_style_of_ours_stands_in_the_page(panel: Panel) -> None:
    for route in ROUTES["root"]:
        text = panel.whm.get(f"r={route}").text
        assert "<script" not in text
        assert "<style" not in text
        assert " style=" not in text
        assert " onclick=" not in text
