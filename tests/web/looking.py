"""What several tests do with a page in a browser."""

from __future__ import annotations

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
