"""What the installer's tests share: the wheels, made once."""

from __future__ import annotations

import fcntl
import hashlib
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.install.machine import TOP, Machine, machine, sealed, tree

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
FIND = '. "$1/appconfig/setup/words.sh"; . "$1/appconfig/setup/environment.sh"; find_python'


@pytest.fixture(scope="session")
def wheelhouse() -> Path:
    """The wheels that requirements.lock names, for the Python that the installer finds."""
    found = subprocess.run(
        ["bash", "-c", FIND, "bash", str(TOP)],
        env={"PATH": PATH, "TOP": str(TOP)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    assert found, "no Python with venv is on the system's PATH"
    ask = "import sys; print('%d.%d' % sys.version_info[:2])"
    version = subprocess.run(
        [found, "-c", ask], env={"PATH": PATH}, capture_output=True, text=True, check=True
    ).stdout.strip()
    lock = TOP / "requirements.lock"
    script = (TOP / ".ci/release").read_text()
    platforms = script[script.index("PLATFORMS=(") :].partition(")")[0].split("(")[1].split()
    key = hashlib.sha256(lock.read_bytes() + f"{version} {platforms}".encode()).hexdigest()[:16]
    folder = Path(tempfile.gettempdir(), f"origin-pulls-wheels-{os.geteuid()}-{key}")
    folder.mkdir(mode=0o755, exist_ok=True)
    assert folder.stat().st_uid == os.geteuid()
    with (folder / ".lock").open("w") as held:
        # Several workers of one session want them at once.
        fcntl.flock(held, fcntl.LOCK_EX)
        if not (folder / ".whole").exists():
            pip = (sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check")
            words = ["--only-binary", ":all:", "--require-hashes", "--python-version", version]
            words += ["--no-deps", "--implementation", "cp"]
            words += [f"--platform={one}_{platform.machine()}" for one in platforms]
            where = ("--dest", str(folder), "--requirement", str(lock))
            subprocess.run([*pip, "download", *words, *where], check=True)
            (folder / ".whole").touch()
    return folder


@pytest.fixture(scope="module")
def server() -> Iterator[Machine]:
    """One machine for all tests of a module."""
    with machine() as one:
        yield one


@pytest.fixture(scope="session")
def trees() -> Iterator[Path]:
    """A folder for releases, which everybody may read (pytest's own are closed)."""
    with tempfile.TemporaryDirectory(prefix="origin-pulls-trees-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture(scope="session")
def release(trees: Path, wheelhouse: Path) -> Path:
    """A version of this project, as a release unpacks."""
    return sealed(tree(trees / "release", "1.0.0"), wheelhouse)
