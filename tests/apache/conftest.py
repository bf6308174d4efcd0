"""One server with the product on it for all tests of a module."""

from __future__ import annotations

from pathlib import Path

import pytest

from origin_pulls.sandbox import Sandbox
from tests.apache.client import Shown
from tests.apache.sites import Sites
from tests.server_under_test import UnderTest


@pytest.fixture(scope="module")
def sites(sandbox: Sandbox) -> Sites:
    """The sites of the module's sandbox, no vhost with a policy yet."""
    return Sites(UnderTest(sandbox))


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for visitors' certificates."""
    return tmp_path_factory.mktemp("keys")


@pytest.fixture(scope="module")
def probe(sites: Sites, keys: Path) -> Shown:
    """A certificate of this server's probe CA."""
    return sites.probe(keys / "probe")
