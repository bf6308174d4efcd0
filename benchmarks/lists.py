"""How long a page of the list takes with 50,000 vhosts: median and p95 in milliseconds.

.venv/bin/python -m benchmarks.lists [VHOSTS]
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

from tests.desk import fleet
from tests.desk.test_lists import QUESTIONS

from origin_pulls.actions import pages
from origin_pulls.config import Config

TIMES = 40


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
    with tempfile.TemporaryDirectory() as folder:
        config = Config.at(Path(folder))
        fleet.filled(config.store, count, policies=count // 2).close()
        print(f"{count} vhosts, half of them with a policy; {TIMES} times each")
        for name, question in QUESTIONS.items():
            taken = []
            for _ in range(TIMES):
                begun = time.perf_counter()
                page = pages.vhost_page(config, question)
                taken.append((time.perf_counter() - begun) * 1000)
            taken.sort()
            middle, late = taken[TIMES // 2], taken[int(TIMES * 0.95) - 1]
            print(f"{name:16} {page.total:6} match   median {middle:5.1f}   p95 {late:5.1f}")


if __name__ == "__main__":
    main()
