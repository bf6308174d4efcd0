"""A full disk is told from a damaged store."""

from __future__ import annotations

from pathlib import Path

import pytest

from origin_pulls.errors import Full
from origin_pulls.server import lock
from origin_pulls.store import open_store
from tests.engine.test_traps import full


def test_a_full_disk_is_no_damage(tmp_path: Path) -> None:
    store = open_store(tmp_path / "store.sqlite")
    pages = store.rows("PRAGMA page_count")[0][0]
    store.connection.execute(f"PRAGMA max_page_count={pages}")
    with pytest.raises(Full) as caught:
        store.audit("root", "wrote", "x" * 1_000_000, at="2026-01-01T00:00:00")
    store.close()
    assert "Make room" in caught.value.hint
    assert "move the file away" not in caught.value.hint


def test_a_lock_is_held_on_a_disk_without_any_room(tmp_path: Path) -> None:
    place = tmp_path / "disk" / "work.lock"
    with full(place.parent, inodes=4):
        place.touch()
        (place.parent / "all").write_bytes(b"x")
        with pytest.raises(OSError, match="No space left"):
            (place.parent / "more").write_bytes(b"x")
        with lock.held(place, patience=0, waiting=print):
            assert lock.is_held(place)
        assert not lock.is_held(place)
