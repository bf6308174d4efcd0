"""Every control of every page does what it says: by mouse, by keyboard, without JavaScript."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import ExitStack

import pytest
from playwright.sync_api import Page

from origin_pulls.model.caller import Caller, Kind
from origin_pulls.sandbox.cloudflare.running import summary
from origin_pulls.store import auditing, open_store
from tests.web.conftest import Panel
from tests.web.controls import ACCOUNT, NEEDS_SCRIPT, ROOT
from tests.web.hands import HANDS, ROLES, SOON, Mouse, steps
from tests.web.looking import open_page

pytestmark = pytest.mark.apache

OWN = {
    "shop": {"user": "shop", "own": "api.shop.example", "count": "5"},
    "blog": {"user": "blog", "own": "blog-addon.blog.example", "count": "2"},
}
WHO = {"mouse": "shop", "keyboard": "blog", "no script": "shop"}
# Names of controls with what differs from vhost to vhost taken out.
HOST = re.compile(r"(?:\*|[a-z0-9-]+)(?:\.[a-z0-9-]+)*\.example")
NUMBER = re.compile(r"[0-9][0-9,]*")
CONTROL = re.compile(r'^\s*- (\w+) "((?:[^"\\]|\\.)*)"', re.MULTILINE)
# Stands in the head of the list only while something needs attention; the filter is in the table.
NOW_AND_THEN = {("link", "Attention:")}
# Leads out of the panel, to Cloudflare's own pages.
OUTWARDS = {("link", "dash.cloudflare.com/profile/api-tokens")}
PLACES = {
    "root": (
        *("/", "/&page=2", "/&search=dedi", "/vhosts/shop/shop.example", "/review", "/jobs"),
        *("/jobs/1", "/tokens", "/activity", "/activity&page=2", "/doctor", "/settings", "/help"),
        "/relax",
    ),
    "shop": ("/", "/vhosts/shop/shop.example", "/review", "/jobs", "/tokens", "/help"),
}


@pytest.fixture(scope="module")
def windows(panel: Panel) -> Iterator[Mapping[tuple[str, str], Mouse]]:
    """A window for each way to work and each panel, open as long as this module runs."""
    with ExitStack() as open_windows:
        found = {}
        for name, hand in HANDS.items():
            for user in ("root", WHO[name]):
                signed = panel.signed_in(user, java_script_enabled=hand.has_script)
                page = open_windows.enter_context(signed)
                page.set_default_timeout(SOON)
                found[name, "root" if user == "root" else "account"] = hand(page)
        yield found


@pytest.fixture(scope="module")
def words(panel: Panel) -> Mapping[str, str]:
    """What the table leaves open; and so many deeds that Activity has more than one page."""
    store = open_store(panel.under.config.store)
    for number in range(60):
        at = f"2026-01-01T00:00:{number:02}.000+00:00"
        auditing.note(store, Caller(Kind.ROOT, "root"), "looked", at=at)
    store.close()
    # A browser asks faster than anybody.
    panel.under.json("settings", "account_wishes=600")
    access = panel.sandbox.cloudflare
    assert access
    return {
        "all": str(sum(one["ssl"] for one in panel.under.json("list")["vhosts"])),
        "pem": panel.sandbox.server_ca.read_text(),
        "secret": str(summary(access)["cloudflare_token"]),
    }


@pytest.fixture(autouse=True)
def as_it_was(panel: Panel) -> Iterator[None]:
    """Nothing stays staged, set or kept after a row of the table."""
    yield
    for visitor in (panel.whm, panel.account("shop"), panel.account("blog")):
        visitor.post("r=/discard", {})


@pytest.fixture(scope="module", autouse=True)
def settings_as_they_were(panel: Panel) -> Iterator[None]:
    yield
    panel.under.json("off", "plain.example", "dedi.example")
    panel.under.json("observe", "blog.example")


@pytest.mark.parametrize("hand", HANDS)
@pytest.mark.parametrize("row", ROOT)
def test_in_whm(
    panel: Panel,
    windows: Mapping[tuple[str, str], Mouse],
    words: Mapping[str, str],
    row: str,
    hand: str,
) -> None:
    before = panel.under.json("settings")["settings"]
    work(windows[hand, "root"], row, ROOT[row], words)
    if row == "settings":
        after = panel.under.json("settings")["settings"]
        assert all(after[name] != before[name] for name in before)
        panel.whm.post("r=/settings", before)


@pytest.mark.parametrize("hand", HANDS)
@pytest.mark.parametrize("row", ACCOUNT)
def test_in_cpanel(
    windows: Mapping[tuple[str, str], Mouse],
    words: Mapping[str, str],
    row: str,
    hand: str,
) -> None:
    user = WHO[hand]
    work(windows[hand, "account"], row, ACCOUNT[row], {**words, **OWN[user]})


def work(hand: Mouse, row: str, text: str, words: Mapping[str, str]) -> None:
    """Do a row of the table; what needs a script is not offered to who has none."""
    if row in NEEDS_SCRIPT and not hand.has_script:
        open_page(hand.page, "/")
        assert not hand.find("tick", "Select all on this page").is_visible()
        return
    for step in steps(text, **words):
        hand.do(step)


@pytest.mark.parametrize(("user", "table"), [("root", ROOT), ("shop", ACCOUNT)])
def test_no_control_is_missing_in_the_table(
    panel: Panel, words: Mapping[str, str], user: str, table: Mapping[str, str]
) -> None:
    visitor = panel.whm if user == "root" else panel.account("shop")
    picked = ["shop/api.shop.example", "shop/blog.shop.example"]
    visitor.post("r=/stage", {"do": "enforce", "pick": picked})
    used = {
        (role, plain(step.name))
        for text in table.values()
        for step in steps(text, **words, **OWN["shop"])
        for role in map(str, ROLES.get(step.verb, ()))
    }
    with panel.signed_in(user) as page:
        for route in PLACES[user]:
            open_page(page, route)
            missing = [
                one for one in controls(page) if not is_used(one, used | NOW_AND_THEN | OUTWARDS)
            ]
            assert not missing, (route, missing)


def controls(page: Page) -> set[tuple[str, str]]:
    """Role and name of each control of ours, as a screen reader announces them."""
    roles = {role for of_verb in ROLES.values() for role in of_verb}
    said = CONTROL.findall(page.locator(".origin-pulls").aria_snapshot())
    return {(role, plain(name)) for role, name in said if role in roles}


def plain(name: str) -> str:
    name = name.replace("Authenticated Origin Pulls for ", "")
    return NUMBER.sub("#", HOST.sub("HOST", name)).strip()


def is_used(control: tuple[str, str], used: set[tuple[str, str]]) -> bool:
    return any(control[0] == role and control[1].startswith(name) for role, name in used)
