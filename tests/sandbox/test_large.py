"""A sandbox as large as a busy shared server."""

from __future__ import annotations

import pytest

from origin_pulls.sandbox.visitor import ask
from tests.conftest import standing

pytestmark = pytest.mark.apache


def test_two_thousand_vhosts_come_up_and_are_rebuilt() -> None:
    with standing(2000) as large:
        assert large.vhosts == 2000
        assert ask(large, "site01987.example").body == "<h1>site01987.example</h1>\n"
        assert large.run("/scripts/rebuildhttpdconf").returncode == 0
        assert large.run("/scripts/restartsrv_httpd", "--graceful").returncode == 0
        assert ask(large, "shop.example").status == 200
