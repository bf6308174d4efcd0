"""Who comes by while an installation changes: sites' visitors without a pause, root in WHM."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from origin_pulls.model.proof import Shown
from tests.edge.site import EdgeSite
from tests.install.machine import Machine
from tests.sandbox.front.browser import Browser
from tests.server_under_test import UnderTest
from tests.web.browsing import Answer, Visitor

SITE = "blog.example"
BYSTANDER = "plain.example"


@dataclass(frozen=True, slots=True)
class InWhm(Visitor):
    """Root in the machine's WHM: signed in at its door, through the bridge that is installed."""

    browser: Browser | None = None

    def send(self, method: str, query: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        assert self.browser
        shown = self.browser.open(query, method, body or None)
        return Answer(shown.status, {key.lower(): it for key, it in shown.headers}, shown.text)


def root_in_whm(machine: Machine) -> InWhm:
    """Root, signed in."""
    browser = Browser(machine.sandbox, whm=True).sign_in("root")
    return InWhm(machine.at("/run/origin-pulls/admin/web.sock"), 0, browser=browser)


@contextmanager
def visited(site: EdgeSite, whm: Visitor) -> Iterator[list[str]]:
    """While it lasts, sites and page are asked again and again; gives what went wrong.

    The enforced site is asked with a certificate, without one, and through Cloudflare's edge; its
    neighbour without; and root opens the page in WHM.
    """
    wrong: list[str] = []
    asked = [0, 0]
    is_over = threading.Event()
    server = UnderTest(site.sandbox)

    def visit_sites() -> None:
        while not is_over.is_set():
            asked[0] += 1
            seen = {
                f"{SITE} with its certificate": server.ask(SITE, Shown.OURS).status == 200,
                f"{SITE} without": server.ask(SITE).is_refused,
                f"{SITE} through Cloudflare": site.visit(SITE, asked[0] % 2).status == 200,
                f"{BYSTANDER}": server.ask(BYSTANDER).status == 200,
            }
            wrong.extend(name for name, is_right in seen.items() if not is_right)

    def open_page() -> None:
        while not is_over.is_set():
            asked[1] += 1
            page = whm.get("r=/")
            if page.status != 200 or SITE not in page.text:
                wrong.append(f"the page in WHM: {page.status}")
            is_over.wait(0.2)

    threads = [threading.Thread(target=what) for what in (visit_sites, open_page)]
    for thread in threads:
        thread.start()
    try:
        yield wrong
    finally:
        is_over.set()
        for thread in threads:
            thread.join()
    assert min(asked) > 5, asked
