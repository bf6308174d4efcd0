"""Several who find no store make one together, and each of them can use it."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from origin_pulls.store import open_store

AT_ONCE, ROUNDS = 8, 40


def test_several_make_a_store_at_the_same_moment(tmp_path: Path) -> None:
    ready = threading.Barrier(AT_ONCE)

    def opened(place: Path) -> int:
        ready.wait()
        store = open_store(place)
        try:
            return len(store.jobs(most=1))
        finally:
            store.close()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        for number in range(ROUNDS):
            place = tmp_path / f"{number}.sqlite"
            assert list(pool.map(opened, [place] * AT_ONCE)) == [0] * AT_ONCE
