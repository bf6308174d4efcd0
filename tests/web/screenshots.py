"""Makes the pictures of docs/screenshots: ``python -m tests.web.screenshots`` as root.

Where ``pngquant`` is installed they become a third as large.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from origin_pulls.sandbox.cloudflare.running import summary
from tests.conftest import standing
from tests.web.conftest import ARGUMENTS, CHROMIUM, Panel, give_feature
from tests.web.looking import open_page, switch, wait_for_end

PLACE = Path(__file__).parents[2] / "docs" / "screenshots"
WIDE = {"width": 1180, "height": 820}


@contextmanager
def panels() -> Iterator[Panel]:
    """A sandbox with something on it to be seen."""
    with (
        sync_playwright() as playwright,
        standing(cloudflare=True, front=True) as sandbox,
    ):
        give_feature(sandbox)
        sandbox.start_services()
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        panel = Panel(sandbox, chromium)
        assert sandbox.cloudflare
        secret = summary(sandbox.cloudflare)["cloudflare_token"]
        panel.under.json("observe", "shop.example")
        panel.under.json("enforce", "api.shop.example", "--edge-ready")
        panel.whm.post("r=/tokens", {"secret": secret, "label": "all zones"})
        panel.under.json("enforce", "blog.example")  # goes the whole way, at Cloudflare too
        yield panel
        chromium.close()


def keep(page: Page, name: str, *, whole: bool = False) -> None:
    """Take a picture of what is seen; of the whole page only where it stays small."""
    page.wait_for_load_state("networkidle")
    path = PLACE / f"{name}.png"
    page.screenshot(path=path, full_page=whole)
    if program := shutil.which("pngquant"):
        words = ("--quality=70-95", "--speed=1", "--strip", "--force", f"--output={path}")
        subprocess.run([program, *words, str(path)], check=True)


def whm(panel: Panel) -> None:
    """The administrator's pages."""
    with panel.signed_in("root", viewport=WIDE) as page:
        switch(page, "plain.example")
        page.mouse.move(0, 0)
        page.evaluate("document.activeElement.blur(); scrollTo(0, 0)")
        keep(page, "whm-domains")
        page.get_by_role("link", name="Review and apply").click()
        page.get_by_label("I have uploaded the certificates").check()
        page.get_by_role("button", name="Look again").click()
        keep(page, "whm-review")
        page.get_by_role("button", name="Apply").click()
        wait_for_end(page)
        keep(page, "whm-job", whole=True)
        for name, route in (
            ("vhost", "/vhosts/blog/blog.example"),
            ("activity", "/activity"),
            ("doctor", "/doctor"),
            ("settings", "/settings"),
            ("tokens", "/tokens"),
            ("help", "/help"),
            ("relax", "/relax"),
        ):
            open_page(page, route)
            keep(page, f"whm-{name}")


def cpanel(panel: Panel) -> None:
    """The account holder's pages, on a desk and on a telephone."""
    with panel.signed_in("shop", viewport=WIDE) as page:
        keep(page, "cpanel-domains")
    with panel.signed_in("shop", viewport={"width": 360, "height": 720}) as page:
        keep(page, "cpanel-small")


def main() -> None:
    """Make all pictures anew."""
    PLACE.mkdir(exist_ok=True)
    with panels() as panel:
        whm(panel)
        cpanel(panel)


if __name__ == "__main__":
    main()
