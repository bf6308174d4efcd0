"""What several tests do with a page in a browser."""

from __future__ import annotations

from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect


def open_page(page: Page, route: str) -> None:
    """Open another page of ours in the same window."""
    page.goto(f"{page.url.partition('?')[0]}?r={route}")


def switch(page: Page, name: str) -> None:
    """Move the switch of a vhost and wait until it is noted."""
    page.get_by_role("switch", name=f"Authenticated Origin Pulls for {name}").click()
    expect(page.locator("#op-bar")).to_contain_text("staged")


def wait_for_end(page: Page) -> None:
    """Wait until the job that is shown has ended; the page follows it by itself."""
    expect(page.locator("#op-progress:not([data-op-poll])")).to_be_visible()


def violations(page: Page, context: str = ".origin-pulls") -> list[str]:
    """What axe finds in our part of the page, in words."""
    found: dict[str, Any] = Axe().run(page, context=context).response
    return [
        f"{one['id']}: {one['help']}: {[node['html'][:160] for node in one['nodes']][:3]}"
        for one in found["violations"]
    ]
