"""A sandbox on which the agent and both web services run, and people who visit them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from origin_pulls.sandbox import Sandbox, services
from tests.conftest import standing
from tests.server_under_test import UnderTest, replace_program
from tests.web.browsing import Visitor

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
]
WHM = "/cgi/addons/originpulls/index.cgi"
CPANEL = "/frontend/jupiter/originpulls/index.live.php"


@dataclass(frozen=True, slots=True)
class Served:
    """The product with its services running on a sandbox."""

    sandbox: Sandbox

    @property
    def under(self) -> UnderTest:
        """The same, to run commands on and to visit its sites."""
        return UnderTest(self.sandbox)

    @property
    def whm(self) -> Visitor:
        """Root, as WHM's bridge hands their requests on."""
        return self.in_whm("root")

    def in_whm(self, user: str, acl: str = "all") -> Visitor:
        """A user of WHM."""
        headers = {
            "X-Origin-Pulls-User": user,
            "X-Origin-Pulls-Acl": acl,
            "X-Origin-Pulls-Address": "192.0.2.7",
        }
        return Visitor(self.sandbox.path("/run/origin-pulls/admin/web.sock"), 0, headers)

    def restart(self) -> None:
        """Stop and start agent and pages: what they remember is forgotten."""
        services.stop(self.sandbox.layout)
        self.sandbox.start_services()

    def uid(self, user: str) -> int:
        """The uid of an account."""
        return int(str(self.sandbox.accounts[user]["uid"]))

    def account(self, user: str) -> Visitor:
        """An account holder, as cPanel's bridge hands their requests on."""
        return self.somebody(self.uid(user))

    def somebody(self, uid: int) -> Visitor:
        """Whoever has this uid, at the accounts' socket."""
        return Visitor(self.sandbox.path("/run/origin-pulls/account/web.sock"), uid)


HAS_FEATURE = """case "$*" in
*verify_user_has_feature*) echo '{"metadata": {"result": 1}, "data": {"has_feature": 1}}' ;;
*) exec "$REAL" "$@" ;;
esac"""


def give_feature(sandbox: Sandbox) -> None:
    """Let cPanel say that every account has the feature, whatever is registered."""
    replace_program(sandbox.path("/usr/local/cpanel/bin/whmapi1"), HAS_FEATURE)


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    """One served sandbox for all tests of a module: leave it as you found it."""
    with standing() as sandbox:
        give_feature(sandbox)
        sandbox.start_services()
        served = Served(sandbox)
        # The first command looks at the server, so that the pages have something to list.
        served.under.json("observe", "blog.example")
        yield served


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        expect.set_options(timeout=60_000)
        yield chromium
        chromium.close()


@dataclass(frozen=True, slots=True)
class Panel(Served):
    """The same behind the sandbox's WHM and cPanel, to be visited by a browser."""

    browser: Browser

    @contextmanager
    def signed_in(self, user: str, *, in_whm: bool | None = None, **options: Any) -> Iterator[Page]:
        """A browser window in which somebody opened Origin Pulls; no error may show in it.

        ``root`` is in WHM and everybody else in cPanel, unless it is said.
        """
        summary = self.sandbox.summary()
        is_whm = user == "root" if in_whm is None else in_whm
        panel = str(summary["whm_url" if is_whm else "cpanel_url"]).rstrip("/")
        context = self.browser.new_context(ignore_https_errors=True, **options)
        context.set_default_timeout(60_000)
        try:
            form: dict[str, str | float | bool] = {
                "user": user,
                "pass": self.sandbox.passwords[user],
            }
            signed = context.request.post(f"{panel}/login/?login_only=1", form=form)
            page = context.new_page()
            errors: list[str] = []
            page.on("pageerror", lambda error: errors.append(str(error)))
            page.goto(f"{panel}{signed.json()['security_token']}{WHM if is_whm else CPANEL}")
            yield page
            assert not errors
        finally:
            context.close()


@pytest.fixture(scope="session")
def panel(browser: Browser) -> Iterator[Panel]:
    """One served sandbox with its panels and a Cloudflare, for all that a browser tests.

    It has more than one page of vhosts. Leave it as you found it.
    """
    with standing(60, cloudflare=True, front=True) as sandbox:
        give_feature(sandbox)
        sandbox.start_services()
        panel = Panel(sandbox, browser)
        panel.under.json("observe", "blog.example")
        yield panel
