"""What people type into the search, in whatever script, asked of the service itself."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from origin_pulls.model.inventory import Inventory, Kind, Name
from origin_pulls.store import open_store
from tests.desk import fleet
from tests.web.alone import Alone, alone

pytestmark = pytest.mark.apache  # as root, though there is no Apache


@pytest.fixture(scope="module")
def listed() -> Iterator[Alone]:
    """Two vhosts, one of them with a name that is written otherwise than people read it."""
    with alone() as one:
        store = open_store(one.config.store)
        plain, other = fleet.vhosts(2)
        name = Name("xn--bcher-kva.example", Kind.MAIN)
        found = replace(other, server_name=name.name, names=(name,))
        store.keep_snapshot(Inventory((plain, found)), "signature")
        store.close()
        yield one


@pytest.mark.parametrize("text", ["bücher", "BÜCHER.example", "bücher acct"])
def test_a_name_is_found_as_people_write_it(listed: Alone, text: str) -> None:
    answer = listed.get(f"r=/&search={text}")
    assert "of 1." in answer
    assert "xn--bcher-kva.example" in answer
    assert f'value="{text}"' in answer


@pytest.mark.parametrize("text", ["é", "日本", ".é", "é" * 90, "\N{GRINNING FACE}"])
def test_what_is_no_name_finds_nothing_and_breaks_nothing(listed: Alone, text: str) -> None:
    assert "No domain matches." in listed.get(f"r=/&search={text}")
