"""Which Python an installation takes, and what it asks the distribution's packages for."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.install.machine import TOP

TOOLS = ("bash", "sh", "cp")
OLD, BARE, FIT = 1, 1, 0
PYTHON = "#!/bin/sh\nexit {code}\n"  # the answer to: new enough, with all that venv needs?
# Stands for dnf, apt-get and apt-cache: writes down what it is asked, and lays a Python.
PACKAGES = """#!/bin/bash
printf '%s %s\\n' "${0##*/}" "$*" >>"${0%/*}/asked"
name=${!#}
case " $* " in
    *" list "* | *" show "*) [[ " $PACKAGES " == *" $name "* ]] ;;
    *" install "*) cp "${0%/*}/new" "${0%/*}/${name%-venv}" ;;
esac
"""
SCRIPT = """
set -euo pipefail
TOP=$1
for part in words places environment checks releases; do . "$TOP/appconfig/setup/$part.sh"; done
check_python
install_python
find_python
"""


@dataclass(frozen=True, slots=True)
class System:
    """A distribution: its Pythons and whether they are fit, its package tool, what that has."""

    pythons: dict[str, int]
    tools: tuple[str, ...]
    packages: str


DNF, APT = ("dnf",), ("apt-get", "apt-cache")
APT_WORDS = "-qq -o DPkg::Lock::Timeout=300 install --yes --no-install-recommends"
SYSTEMS = {
    "AlmaLinux 8": System({"python3": OLD}, DNF, "python3.11 python3.12"),
    "AlmaLinux 8.8": System({"python3": OLD}, DNF, "python3.11"),
    "AlmaLinux 9": System({"python3": OLD}, DNF, "python3.11 python3.12"),
    "AlmaLinux 9 with 3.11": System({"python3": OLD, "python3.11": FIT}, DNF, "python3.12"),
    "AlmaLinux 10": System({"python3": FIT}, DNF, "python3.12"),
    "Ubuntu 22.04": System({"python3": OLD}, APT, "python3.11-venv"),
    "Ubuntu 24.04": System({"python3": BARE}, APT, "python3.12-venv"),
    "Ubuntu 24.04 with venv": System({"python3": FIT}, APT, "python3.12-venv"),
}
WANTED = {
    "AlmaLinux 8": ("python3.12", "dnf --quiet --assumeyes install python3.12"),
    "AlmaLinux 8.8": ("python3.11", "dnf --quiet --assumeyes install python3.11"),
    "AlmaLinux 9": ("python3.12", "dnf --quiet --assumeyes install python3.12"),
    "AlmaLinux 9 with 3.11": ("python3.11", None),
    "AlmaLinux 10": ("python3", None),
    "Ubuntu 22.04": ("python3.11", f"apt-get {APT_WORDS} python3.11-venv"),
    "Ubuntu 24.04": ("python3.12", f"apt-get {APT_WORDS} python3.12-venv"),
    "Ubuntu 24.04 with venv": ("python3", None),
}


def lay(folder: Path, system: System) -> None:
    """The programs of a distribution, in a folder that is the whole PATH."""
    programs = {name: PYTHON.format(code=code) for name, code in system.pythons.items()}
    programs |= dict.fromkeys(system.tools, PACKAGES)
    programs["new"] = PYTHON.format(code=FIT)
    for name, text in programs.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    for name in TOOLS:
        found = shutil.which(name)
        assert found
        (folder / name).symlink_to(found)


@pytest.mark.parametrize("name", SYSTEMS)
def test_each_distribution_brings_a_python_of_its_own(tmp_path: Path, name: str) -> None:
    lay(tmp_path, SYSTEMS[name])
    ran = subprocess.run(
        [shutil.which("bash") or "bash", "-c", SCRIPT, "bash", str(TOP)],
        env={"PATH": str(tmp_path), "PACKAGES": SYSTEMS[name].packages},
        capture_output=True,
        text=True,
        check=True,
    )
    python, asked = WANTED[name]
    assert ran.stdout.splitlines()[-1] == python
    file = tmp_path / "asked"
    words = file.read_text().splitlines() if file.exists() else []
    installing = [line for line in words if " install " in f" {line} "]
    assert installing == ([asked] if asked else [])
