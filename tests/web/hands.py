"""Three ways to work a page: with a mouse, with the keyboard alone, and without JavaScript.

What is done is data: a ``Step`` names what a person does and the control as it is announced: its
whole name, else the beginning of it; ``#`` stands for a number.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Literal

from playwright.sync_api import Error, FilePayload, Locator, Page, expect

from tests.web.looking import open_page

MOST_TABS = 600
PATIENCE = 120.0
SOON = 20_000  # milliseconds: for a page, not for a job
Role = Literal[
    "button",
    "link",
    "checkbox",
    "textbox",
    "searchbox",
    "spinbutton",
    "combobox",
    "radio",
    "switch",
]
# Of a verb, the roles that its control may have.
ROLES: Mapping[str, Sequence[Role]] = {
    "press": ("button",),
    "blocked": ("button",),
    "follow": ("link",),
    "download": ("link",),
    "tick": ("checkbox",),
    "bring": ("button",),
    "fill": ("textbox", "searchbox", "spinbutton"),
    "choose": ("combobox",),
    "pick": ("radio",),
    "switch": ("switch",),
}
IS_FOCUSED = "one => document.activeElement === one"
# Of all that Tab reaches: is the control in the second half of it?
IS_LATE = """one => { const all = [...document.querySelectorAll(
        'a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex]')];
    return all.indexOf(one) > all.length / 2 }"""
# What has the focus is marked, and nothing that sticks to the window covers it.
IS_SEEN = """one => { const box = one.getBoundingClientRect();
    const top = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
    return getComputedStyle(one).outlineWidth === '2px'
        && Boolean(top) && (one.contains(top) || top.contains(one)) && !one.hidden }"""


@dataclass(frozen=True, slots=True)
class Step:
    """What is done, to which control (the beginning of its name), with which value."""

    verb: str
    name: str
    value: str = ""


def steps(text: str, **values: str) -> list[Step]:
    """Steps out of lines like ``fill Paths = /hooks``; ``{word}`` is one of the values."""
    found = []
    for line in filter(None, map(str.strip, text.splitlines())):
        verb, _, rest = line.partition(" ")
        name, _, value = rest.partition(" = ")
        name, value = (one.format(**values).replace("\\n", "\n") for one in (name, value))
        found.append(Step(verb, name, value))
    return found


class Mouse:
    """A window of the browser, and a hand on the mouse."""

    has_script = True

    def __init__(self, page: Page) -> None:
        self.page = page

    def do(self, step: Step) -> None:
        """Do one step, or see that something is so."""
        act: Callable[[str, str], None] = getattr(self, step.verb)
        try:
            act(step.name, step.value)
        except (AssertionError, Error) as error:
            seen = self.page.locator("body").inner_text()
            first = str(error).partition("\n")[0]
            raise AssertionError(f"{step}: {first}; seen:\n{seen[:3000]}") from None

    def find(self, verb: str, name: str) -> Locator:
        """The control of this name, as it is announced."""
        begins = re.compile("^" + re.escape(name).replace(r"\#", "[0-9]+"))
        ours, roles = self.page.locator(".origin-pulls"), ROLES[verb]
        exact = [ours.get_by_role(role, name=name, exact=True) for role in roles]
        among = [one for one in exact if one.count()]
        among = among or [ours.get_by_role(role, name=begins) for role in roles]
        return reduce(Locator.or_, among).first

    # what a person does

    def opens(self, route: str, _: str) -> None:
        open_page(self.page, route)

    def press(self, name: str, _: str) -> None:
        with self.page.expect_navigation():
            self.activate(self.find("press", name))

    def follow(self, name: str, _: str) -> None:
        with self.page.expect_navigation():
            self.activate(self.find("follow", name))

    def blocked(self, name: str, _: str) -> None:
        """Press a button that the browser holds back, because something is missing."""
        address = self.page.url
        self.activate(self.find("blocked", name))
        assert self.page.url == address

    def download(self, name: str, holds: str) -> None:
        with self.page.expect_download() as begun:
            self.activate(self.find("download", name))
        assert holds in begun.value.path().read_text()

    def unfold(self, text: str, _: str) -> None:
        summary = self.page.locator(".origin-pulls summary", has_text=text).first
        before = summary.evaluate("one => one.parentElement.open")
        self.activate(summary)
        assert summary.evaluate("one => one.parentElement.open") is not before

    def tick(self, name: str, _: str) -> None:
        self.find("tick", name).check()

    def switch(self, name: str, _: str) -> None:
        self.activate(self.find("switch", f"Authenticated Origin Pulls for {name}"))

    def fill(self, name: str, value: str) -> None:
        box = self.find("fill", name)
        box.click()
        self.write(value)
        expect(box).to_have_value(value)

    def bring(self, name: str, text: str) -> None:
        """Choose a file that holds this text."""
        with self.page.expect_file_chooser() as asked:
            self.activate(self.find("bring", name))
        file = FilePayload(name="ours.pem", mimeType="text/plain", buffer=text.encode())
        asked.value.set_files(file)

    def choose(self, name: str, value: str) -> None:
        self.find("choose", name).select_option(value)

    def pick(self, name: str, _: str) -> None:
        self.find("pick", name).check()

    def activate(self, control: Locator) -> None:
        control.click()

    def write(self, value: str) -> None:
        self.page.keyboard.press("Control+A")
        self.page.keyboard.press("Delete")
        self.page.keyboard.insert_text(value)

    # what a person sees

    def sees(self, text: str, _: str) -> None:
        expect(self.page.locator(".origin-pulls")).to_contain_text(
            text, use_inner_text=True, timeout=SOON
        )

    def lacks(self, text: str, _: str) -> None:
        expect(self.page.locator(".origin-pulls")).not_to_contain_text(
            text, use_inner_text=True, timeout=SOON
        )

    def sorted(self, name: str, order: str) -> None:
        head = self.page.get_by_role("columnheader", name=re.compile("^" + name))
        expect(head).to_have_attribute("aria-sort", order, timeout=SOON)

    def ends(self, text: str, _: str) -> None:
        """Wait until the job that is shown has ended."""
        expect(self.page.locator("#op-progress:not([data-op-poll])")).to_be_visible()
        self.sees(text, "")


class Keyboard(Mouse):
    """The same window without a mouse: Tab, Space, Enter, arrows and letters."""

    def reach(self, control: Locator) -> None:
        """Press Tab until the focus is there, and see that it is to be seen."""
        control.wait_for()
        key = "Shift+Tab" if control.evaluate(IS_LATE) else "Tab"
        for _ in range(MOST_TABS):
            if control.evaluate(IS_FOCUSED):
                assert control.evaluate(IS_SEEN), control
                return
            self.page.keyboard.press(key)
        raise AssertionError(f"{key} never reaches {control}")

    def activate(self, control: Locator) -> None:
        self.reach(control)
        is_box = control.evaluate("one => one.tagName === 'INPUT'")
        self.page.keyboard.press("Space" if is_box else "Enter")

    def tick(self, name: str, _: str) -> None:
        box = self.find("tick", name)
        if not box.is_checked():
            self.activate(box)
        expect(box).to_be_checked()

    def fill(self, name: str, value: str) -> None:
        box = self.find("fill", name)
        self.reach(box)
        self.write(value)
        expect(box).to_have_value(value)

    def choose(self, name: str, value: str) -> None:
        box = self.find("choose", name)
        self.reach(box)
        self.page.keyboard.press("Home")
        for _ in range(20):
            if box.evaluate("one => [one.value, one.selectedOptions[0].text]").count(value):
                return
            self.page.keyboard.press("ArrowDown")
        raise AssertionError(f"no arrow leads to {value}")

    def pick(self, name: str, _: str) -> None:
        wanted = self.find("pick", name)
        group = wanted.get_attribute("name")
        # Tab stops once in a group: at the one that is chosen.
        self.reach(self.page.locator(f"input[type=radio][name={group}]:checked"))
        for _try in range(8):
            if wanted.is_checked():
                return
            self.page.keyboard.press("ArrowDown")
        raise AssertionError(f"no arrow leads to {name}")


class Forms(Mouse):
    """A browser without JavaScript: forms are sent, pages come anew."""

    has_script = False

    def switch(self, name: str, _: str) -> None:
        super().switch(name, _)
        self.press("Note the switches", "")

    def ends(self, text: str, _: str) -> None:
        end = time.monotonic() + PATIENCE
        while (again := self.page.get_by_role("link", name="Look again")).count():
            assert time.monotonic() < end
            with self.page.expect_navigation():
                again.click()
        self.sees(text, "")


HANDS: dict[str, type[Mouse]] = {"mouse": Mouse, "keyboard": Keyboard, "no script": Forms}
