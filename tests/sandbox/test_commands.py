"""``origin-pulls sandbox …`` as a person types it."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from origin_pulls.cli.sandbox import sandbox as commands
from origin_pulls.errors import OriginPullsError
from origin_pulls.sandbox import Sandbox, apache
from origin_pulls.sandbox.sandbox import take_down

pytestmark = pytest.mark.apache


@pytest.fixture
def directory() -> Iterator[Path]:
    """A place for a sandbox, taken down afterwards."""
    place = Path(tempfile.mkdtemp(prefix="origin-pulls-"))
    place.chmod(0o711)
    yield place
    if any(place.iterdir()):
        take_down(place)
    else:
        place.rmdir()


def typed(directory: Path, *words: str) -> Result:
    """What a command says."""
    return CliRunner().invoke(commands, [*words, "--dir", str(directory)])


def test_the_whole_life_in_commands(directory: Path) -> None:
    made = typed(directory, "up", "--json")
    said = json.loads(made.output)
    assert said["directory"] == str(directory)
    assert said["vhosts"] == 13
    assert said["accounts"]["shop"]["domain"] == "shop.example"
    assert {said["https_port"], said["http_port"]} != {None}
    again = typed(directory, "up")
    assert f"origin-pulls --root {directory} list" in again.output
    assert "13 HTTPS vhosts" in again.output
    assert f"runs (Apache {said['pid']})" in typed(directory, "status").output
    apache.stop(Sandbox.load(directory).layout)
    assert "is stopped" in typed(directory, "status").output
    assert json.loads(typed(directory, "status", "--json").output)["running"] is False
    assert typed(directory, "reset").exit_code == 0
    assert "stopped and deleted" in typed(directory, "down").output
    assert not directory.exists()
    assert "nothing to do" in typed(directory, "down").output
    directory.mkdir()


@pytest.mark.parametrize("word", ["status", "reset"])
def test_a_place_without_sandbox_gets_a_sentence_and_a_hint(directory: Path, word: str) -> None:
    result = typed(directory, word)
    assert isinstance(result.exception, OriginPullsError)
    assert result.exception.message == f"There is no sandbox in {directory}"
    assert "sandbox up" in result.exception.hint
