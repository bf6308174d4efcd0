"""What every test may ask for: a sandbox server of its own, gone when the test is."""

from __future__ import annotations

import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from origin_pulls.sandbox import Sandbox
from origin_pulls.sandbox.sandbox import take_down

LONG_ONES = frozenset(("install", "edge"))


def pytest_configure() -> None:
    """Programs that tests start hear Ctrl-C and a hang-up, also where the tests themselves do not.

    Shells let what they put in the background ignore the one, ``nohup`` the other, and every
    program inherits that; a handler is not inherited.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN:
        signal.signal(signal.SIGHUP, lambda *_: None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest comes first: workers take whole files, and none is to be last alone."""
    items.sort(key=lambda item: not LONG_ONES.intersection(item.path.parts))


@contextmanager
def standing(
    vhosts: int = 0, *, cloudflare: bool = False, front: bool = False
) -> Iterator[Sandbox]:
    """A running sandbox that is taken down at the end, whatever became of it."""
    # Not below pytest's tmp_path: that is closed to Apache's children, who run as nobody.
    directory = Path(tempfile.mkdtemp(prefix="origin-pulls-"))
    directory.chmod(0o711)
    try:
        yield Sandbox.up(directory, vhosts, cloudflare=cloudflare, front=front)
    finally:
        take_down(directory)


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    """One sandbox for all tests of a module: leave it as you found it."""
    with standing() as one:
        yield one


@pytest.fixture
def fresh_sandbox() -> Iterator[Sandbox]:
    """A sandbox for one test alone."""
    with standing() as one:
        yield one
