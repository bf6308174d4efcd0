"""A scripted server, a client of it, and certificates."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from origin_pulls.cloudflare.client import Client
from origin_pulls.secret import Secret
from tests.cloudflare.material import Leaf, make_leaf
from tests.cloudflare.scripted import Api, Reply, serving

# A machine that is busy with other things is slow: that is no failure.
patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

SAMPLES = Path(__file__).parent / "samples"
TOKEN = "cfut_Tr0ubad0ur-of-the_edge-1234567890abcdef"


def sample(name: str, status: int = 200) -> Reply:
    """A body as Cloudflare's documentation, its SDKs' tests or its answers have it."""
    return Reply(status, (SAMPLES / f"{name}.json").read_bytes())


def sample_result(name: str) -> object:
    """The ``result`` of a sample."""
    return json.loads((SAMPLES / f"{name}.json").read_bytes()).get("result")


@pytest.fixture
def api() -> Iterator[Api]:
    """A server with an empty script."""
    with serving() as one:
        yield one


@pytest.fixture
def slept() -> list[float]:
    """How long the client would have slept, in order."""
    return []


@pytest.fixture
def client(api: Api, slept: list[float]) -> Iterator[Client]:
    """A client of the scripted server that does not really sleep."""
    with Client(api.url, Secret(TOKEN.encode()), sleep=slept.append) as one:
        yield one


@pytest.fixture(scope="session")
def leaf() -> Leaf:
    """A client certificate with its key."""
    return make_leaf("shop.example", datetime.now(UTC))
