"""Markup in whatever is stored or typed comes back as text: nothing of it ever runs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest
from playwright.sync_api import Browser, Page

from origin_pulls.model.caller import Caller, Kind
from origin_pulls.model.inventory import Inventory, Name
from origin_pulls.model.inventory import Kind as NameKind
from origin_pulls.model.job import Item, Job, State
from origin_pulls.model.policy import Mode, Policy
from origin_pulls.store import auditing, open_store
from origin_pulls.store.marks import Marks
from tests.desk import fleet
from tests.web.alone import Alone, alone
from tests.web.conftest import Panel
from tests.web.looking import open_page

pytestmark = pytest.mark.apache

EVIL = '"\'><img src=x onerror="window.ran=1"></textarea><script>window.ran=1</script>{{7*7}}'
ROUTES = (
    *("/", "/jobs", "/jobs/1", "/activity", "/settings", "/help", "/relax", "/doctor", "/tokens"),
    *("/&search={}", "/&account={}", "/&owner={}", "/&mode={}", "/&sort={}", "/&page={}"),
    *("/activity&search={}&who={}&kind={}", "/activity&page={}", "/export&form={}"),
    *("/&said={}", "{}", "/jobs/{}", "/vhosts/{}/{}", "/jobs/1&{}={}"),
)


@pytest.fixture(scope="module")
def hostile() -> Iterator[Alone]:
    """A store in which every text that somebody else can have written is markup."""
    with alone() as one:
        store = open_store(one.config.store)
        evil = Name(EVIL, NameKind.ALIAS)
        vhost = next(iter(fleet.vhosts(1)))
        vhost = replace(vhost, owner=EVIL, names=(vhost.names[0], evil))
        store.keep_snapshot(Inventory((vhost,), (EVIL,)), "signature")
        marks = Marks(store)
        marks.lock(vhost, EVIL, who=EVIL, at=fleet.AT)
        marks.notice(vhost, "edge", EVIL, at=fleet.AT)
        item = Item(
            user=vhost.user,
            server_name=vhost.server_name,
            incarnation=vhost.incarnation,
            wanted=Policy(mode=Mode.OBSERVE),
            state=State.REFUSED,
            message=EVIL,
            hint=EVIL,
            diff=f"+ {EVIL}\n- {EVIL}\n",
            proof=(EVIL,),
            notes=(EVIL,),
        )
        job = Job(number=0, kind="change", who=EVIL, asked=fleet.AT, items=(item,))
        number = store.add_job(job)
        store.note([number], EVIL, at=fleet.AT)
        done = replace(job, number=number, state=State.REFUSED, message=EVIL, hint=EVIL)
        store.finish([done], at=fleet.AT)
        auditing.note(store, Caller(Kind.WHM, EVIL, EVIL, EVIL), EVIL, subject=EVIL, at=fleet.AT)
        store.close()
        yield one


@pytest.fixture(scope="module")
def page(browser: Browser) -> Iterator[Page]:
    page = browser.new_page()
    # Were it not escaped, it would run.
    assert has_run(page, EVIL)
    yield page
    page.close()


def has_run(page: Page, html: str) -> bool:
    """Whether something of a page ran in the browser."""
    page.set_content(f"<script>window.ran = 0</script>{html}", wait_until="load")
    page.wait_for_load_state("networkidle")
    return bool(page.evaluate("window.ran"))


@pytest.mark.parametrize("route", ROUTES)
def test_nothing_that_is_stored_or_typed_runs(hostile: Alone, page: Page, route: str) -> None:
    answered = hostile.bridge.ask(query=f"r={route.format(*[quoted(EVIL)] * 3)}")
    assert answered.code == 0, answered.errors
    html = answered.body.decode()
    assert not has_run(page, html)
    if route in ("/", "/jobs/1", "/activity"):
        assert html.count("&lt;img") >= 2, "it is shown, as text"
        assert "{{7*7}}" in html


def quoted(text: str) -> str:
    return "".join(f"%{byte:02X}" for byte in text.encode())


def test_a_name_in_the_panels_own_list_runs_nowhere(panel: Panel) -> None:
    listed = panel.sandbox.path("/etc/userdatadomains.json")
    before = listed.read_bytes()
    domains = json.loads(before)
    name = "<img src=x onerror=window.ran=1>.shop.example"
    domains[name] = domains["api.shop.example"]
    listed.write_text(json.dumps(domains))
    try:
        panel.under.run("list")
        with panel.signed_in("root") as page:
            page.add_init_script("window.ran = 0")
            for route in ("/&search=shop", "/vhosts/shop/shop.example", "/doctor", "/activity"):
                open_page(page, route)
                assert page.evaluate("window.ran") == 0, route
                assert page.locator(".origin-pulls img").count() == 0, route
    finally:
        listed.write_bytes(before)
        panel.under.run("list")
