"""A sandbox with its panels, and two who are signed in."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from origin_pulls.sandbox import Sandbox
from tests.conftest import standing
from tests.sandbox.front.browser import Browser


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """One sandbox with its panels for all tests here: leave it as you found it."""
    with standing(front=True) as one:
        yield one


@pytest.fixture(scope="module")
def root(sandbox: Sandbox) -> Browser:
    """Root in WHM."""
    return Browser(sandbox, whm=True).sign_in("root")


@pytest.fixture(scope="module")
def shop(sandbox: Sandbox) -> Browser:
    """The account ``shop`` in cPanel."""
    return Browser(sandbox, whm=False).sign_in("shop")
