"""The demo that the README promises: it runs, and each of its checks is one that can fail."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from origin_pulls.sandbox.sandbox import take_down

TOP = Path(__file__).parents[1]

pytestmark = [pytest.mark.apache, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """Where the demo's sandbox goes; everything of it ends with the tests."""
    directory = Path(tempfile.mkdtemp(prefix="origin-pulls-"))
    directory.chmod(0o711)
    yield directory / "demo"
    take_down(directory / "demo")
    directory.rmdir()


def demo(place: Path) -> subprocess.CompletedProcess[str]:
    """Run it as a newcomer would."""
    return subprocess.run(
        [TOP / "install.sh", "--demo", "--dir", place],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )


def test_it_shows_the_whole_way_and_twice_is_as_once(place: Path) -> None:
    for _ in range(2):
        ran = demo(place)
        assert ran.returncode == 0, ran.stdout + ran.stderr
        assert ran.stdout.count("by Cloudflare    HTTP 200") >= 5
        assert "The new certificate is presented and proven" in ran.stdout
        assert "user root, password" in ran.stdout
