"""The pages work whatever a panel does that nobody has written down."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from origin_pulls.sandbox import switches
from tests.web.conftest import Panel
from tests.web.looking import switch, wait_for_end

pytestmark = pytest.mark.apache


@pytest.mark.parametrize(
    "position",
    [
        {"front_headers": "kept", "front_content_type": "lost", "front_frame": "functions"},
        {"front_redirects": "lost", "front_error_bodies": "replaced"},
        {"front_frame": "none"},
    ],
    ids=lambda position: ",".join(position),
)
def test_a_change_goes_through_with(panel: Panel, position: dict[str, Any]) -> None:
    before = switches.read(panel.sandbox.layout)
    switches.turn(panel.sandbox.layout, **position)
    try:
        with panel.signed_in("root") as page:
            switch(page, "acme.example")
            page.get_by_role("link", name="Review and apply (1)").click()
            page.get_by_role("button", name="Forget them").click()
            expect(page.get_by_role("switch").first).to_be_visible()
            page.get_by_label("Select acme.example").check()
            page.get_by_role("button", name="Observe", exact=True).click()
            page.get_by_role("link", name="Review and apply (1)").click()
            page.get_by_role("button", name="Apply").click()
            wait_for_end(page)
    finally:
        switches.turn(panel.sandbox.layout, **{name: getattr(before, name) for name in position})
        panel.under.json("off", "acme.example")
