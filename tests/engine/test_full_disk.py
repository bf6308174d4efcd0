"""A full disk is told from a damaged store."""

from __future__ import annotations

from pathlib import Path

import pytest

from origin_pulls.errors import Full
from origin_pulls.store import open_store


def test_a_full_disk_is_no_damage(tmp_path: Path) -> None:
    store = open_store(tmp_path / "store.sqlite")
    pages = store.rows("PRAGMA page_count")[0][0]
    store.connection.execute(f"PRAGMA max_page_count={pages}")
    with pytest.raises(Full) as caught:
        store.audit("root", "wrote", "x" * 1_000_000, at="2026-01-01T00:00:00")
    store.close()
    assert "Make room" in caught.value.hint
    assert "move the file away" not in caught.value.hint
