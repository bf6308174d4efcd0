"""The bridges, laid once for a module."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from origin_pulls.sandbox.layout import Layout
from tests.bridges.scripted import Bridge, panel


@pytest.fixture(scope="module")
def layout() -> Iterator[Layout]:
    """A panel's files without a server."""
    with tempfile.TemporaryDirectory(prefix="origin-pulls-bridge-") as name:
        Path(name).chmod(0o711)
        with panel(Path(name)) as one:
            yield one


@pytest.fixture(scope="module")
def whm(layout: Layout) -> Bridge:
    """WHM's bridge."""
    return Bridge(layout, is_whm=True)


@pytest.fixture(scope="module")
def jupiter(layout: Layout) -> Bridge:
    """cPanel's bridge."""
    return Bridge(layout, is_whm=False)


@pytest.fixture(params=["whm", "jupiter"])
def bridge(request: pytest.FixtureRequest, whm: Bridge, jupiter: Bridge) -> Bridge:
    """Each of the two."""
    return whm if request.param == "whm" else jupiter
