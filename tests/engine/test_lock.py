"""Who holds the lock, and who only looks whether somebody does."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import pytest

from origin_pulls.server import lock


@pytest.mark.parametrize(
    ("taken", "is_held"), [(fcntl.LOCK_SH, False), (fcntl.LOCK_EX, True), (fcntl.LOCK_UN, False)]
)
def test_who_looks_at_the_same_moment_is_not_taken_for_the_holder(
    tmp_path: Path, taken: int, is_held: bool
) -> None:
    place = tmp_path / "work.lock"
    assert not lock.is_held(place), "there is none"
    handle = os.open(place, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, taken | fcntl.LOCK_NB)
        assert lock.is_held(place) is is_held
    finally:
        os.close(handle)
    with lock.held(place, patience=0, waiting=lambda _: None):
        assert lock.is_held(place)
