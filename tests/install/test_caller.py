"""Nothing of whoever starts the installer decides what root runs: folder, environment, owners."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.install.caller import traps, trodden
from tests.install.machine import TOP, tree

SCRIPTS = [
    TOP / "install.sh",
    TOP / "tests/run",
    *TOP.glob(".ci/*"),
    *TOP.glob("appconfig/setup/*.sh"),
]
PAGES = [TOP / "README.md", TOP / "docs/OPERATING.md", TOP / "docs/CLOUDFLARE.md"]
# A call of Python with an option: by a path, by a variable, by its name.
CALL = re.compile(r'(?:python3?"?|"\$(?:python|name)") (-(?!-)\S*|")')
FIND = """
set -euo pipefail
TOP=$1
for part in words places environment checks releases; do . "$TOP/appconfig/setup/$part.sh"; done
find_python
"""
OWNERS = """
set -euo pipefail
TOP=$1 WHEELHOUSE=''
for part in words places environment checks releases; do . "$TOP/appconfig/setup/$part.sh"; done
check_owners
"""
NOBODY = 65534


def sourced(script: str, top: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    words = ["bash", "-c", script, "bash", str(top)]
    return subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)


def test_a_python_is_looked_for_without_the_callers_folder(tmp_path: Path) -> None:
    traps(tmp_path)
    ran = sourced(FIND, TOP, tmp_path)
    assert ran.stdout.startswith("python3"), ran
    assert trodden(tmp_path) == []


@pytest.mark.parametrize("file", [*SCRIPTS, *PAGES], ids=lambda file: file.name)
def test_every_python_that_is_started_keeps_away_from_the_callers_folder(file: Path) -> None:
    options = [match[1] for match in CALL.finditer(file.read_text()) if match[1] != '"']
    assert [option for option in options if option != "-I"] == []


def test_there_are_calls_to_look_at() -> None:
    assert len([match for file in SCRIPTS for match in CALL.finditer(file.read_text())]) > 10


def test_a_search_path_for_folders_leads_nowhere_else(tmp_path: Path) -> None:
    tree(tmp_path / "release", "1.0.0")
    ran = subprocess.run(
        ["bash", "release/install.sh", "--version"],
        cwd=tmp_path,
        env={**os.environ, "CDPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (ran.returncode, ran.stdout) == (0, "origin-pulls 1.0.0\n"), ran.stderr


@pytest.fixture
def unpacked(trees: Path) -> Path:
    return tree(trees / f"owners-{os.urandom(4).hex()}", "1.0.0")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
@pytest.mark.parametrize(
    ("name", "owner", "mode"),
    [
        (".", 0, 0o777),
        (".", NOBODY, 0o755),
        ("install.sh", 0, 0o775),
        ("appconfig/hooks/origin-pulls-hook", NOBODY, 0o755),
        ("appconfig/systemd", NOBODY, 0o755),
        ("static/planted.css", NOBODY, 0o644),
    ],
)
def test_a_release_that_others_may_change_is_refused(
    unpacked: Path, name: str, owner: int, mode: int
) -> None:
    good = sourced(OWNERS, unpacked, Path("/"))
    assert good.returncode == 0, good.stderr
    file = unpacked / name
    if not file.exists():
        file.touch()
    os.chown(file, owner, owner)
    file.chmod(mode)
    ran = sourced(OWNERS, unpacked, Path("/"))
    assert ran.returncode == 18, ran
    assert str(file.resolve()) in ran.stderr
    assert "/root" in ran.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_a_folder_above_a_release_that_others_may_change_is_refused(trees: Path) -> None:
    above = trees / f"above-{os.urandom(4).hex()}"
    unpacked = tree(above / "release", "1.0.0")
    above.chmod(0o777)
    assert sourced(OWNERS, unpacked, Path("/")).returncode == 18
    # As /tmp is: nobody may put something else in the place of what is another's.
    above.chmod(0o1777)
    assert sourced(OWNERS, unpacked, Path("/")).returncode == 0
    os.chown(above, NOBODY, NOBODY)
    above.chmod(0o755)
    assert sourced(OWNERS, unpacked, Path("/")).returncode == 18


GROUP = """
set -euo pipefail
TOP=$1 WHEELHOUSE=''
for part in words places environment checks releases services; do
    . "$TOP/appconfig/setup/$part.sh"
done
getent() { [[ $1 == group ]] && printf '%s\\n' "$GROUP" || printf '%s\\n' "$USERS"; }
members_of origin-pulls
"""


@pytest.mark.parametrize(
    ("group", "users", "said"),
    [
        ("origin-pulls:x:990:", "root:x:0:0::/root:/bin/sh", ""),
        ("origin-pulls:x:990:exuser,other", "root:x:0:0::/root:/bin/sh", "exuser other"),
        ("origin-pulls:x:990:", "theirs:x:12:990::/:/bin/sh\nno:x:990:9::/:/bin/sh", "theirs"),
    ],
)
def test_who_is_in_a_group_of_our_name_is_found(group: str, users: str, said: str) -> None:
    ran = subprocess.run(
        ["bash", "-c", GROUP, "bash", str(TOP)],
        env={**os.environ, "GROUP": group, "USERS": users},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.stdout.strip() == said, ran


FULL = """
set -euo pipefail
mount -t tmpfs -o size=64k,nr_inodes=20 tmpfs /opt
TOP=$1
for part in words places environment checks releases services panel store lifecycle uninstall; do
    . "$TOP/appconfig/setup/$part.sh"
done
mkdir -p "$RELEASES/1/__pycache__" "$PREFIX/conf"
echo "SSLVerifyClient require" >"$PREFIX/conf/origin-pulls.conf"
[[ $2 == none ]] || head -c 8192 /dev/zero >"$RELEASES/1/__pycache__/one.pyc"
head -c 1M /dev/zero >"$PREFIX/all" 2>/dev/null || true
laid_units() { :; }
is_in_force() { return 1; }
empty_include "$PREFIX/conf/origin-pulls.conf"
demands "$PREFIX/conf/origin-pulls.conf" && exit 7
head -c 1M /dev/zero >>"$PREFIX/all" 2>/dev/null || true
begin "$3" edge=
cat "$UNDER_WAY" 2>/dev/null || echo no mark
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root mounts")
@pytest.mark.parametrize(
    ("compiled", "action", "code", "said"),
    [
        ("some", "uninstall", 0, "action=uninstall"),
        ("none", "uninstall", 0, "it cannot be noted"),
        ("none", "install", 1, ""),
    ],
)
def test_an_uninstallation_begins_on_a_full_disk(
    compiled: str, action: str, code: int, said: str
) -> None:
    words = ["unshare", "--mount", "bash", "-c", FULL, "bash", str(TOP), compiled, action]
    ran = subprocess.run(words, capture_output=True, text=True, check=False)
    if "mount:" in ran.stderr:
        pytest.skip("no file system may be mounted here")
    assert ran.returncode == code, ran
    assert said in ran.stdout


@pytest.mark.parametrize(
    ("wheels", "version", "fits"),
    [
        (["cffi-1-cp313-cp313-linux.whl", "x-1-cp39-abi3-linux.whl"], "313", True),
        (["cffi-1-cp313-cp313-linux.whl", "x-1-cp39-abi3-linux.whl"], "314", False),
        (["y-1-py3-none-any.whl"], "314", True),
    ],
)
def test_a_python_without_wheels_is_not_taken(
    tmp_path: Path, wheels: list[str], version: str, fits: bool
) -> None:
    for name in wheels:
        (tmp_path / name).touch()
    script = '. "$1/appconfig/setup/environment.sh"; WHEELHOUSE=$2; has_wheels_for "$3"'
    words = ["bash", "-c", f"TOP=$1; {script}", "bash", str(TOP), str(tmp_path), version]
    assert (subprocess.run(words, check=False).returncode == 0) == fits


HOOKED = """
TOP=$1 CPANEL=$2 PANEL_NAME=originpulls
. "$TOP/appconfig/setup/panel.sh"
is_hooked /opt/ours
"""


@pytest.mark.parametrize(
    ("listed", "is_hooked"),
    [
        ('{"hook":"/opt/ours --event=SSL::installssl"}', True),
        (r'{"hook":"\/opt\/ours --event=SSL::installssl"}', True),
        ('{"hook":"/opt/ours --event=AutoSSL::installssl"}', False),
        ('{"hook":"/opt/ours --event=x"},{"hook":"/opt/theirs --event=SSL::installssl"}', False),
        ("", False),
    ],
)
def test_only_our_own_hook_counts_as_registered(
    tmp_path: Path, listed: str, is_hooked: bool
) -> None:
    panel, hook = tmp_path / "bin/manage_hooks", tmp_path / "ours"
    panel.parent.mkdir()
    panel.write_text(f"#!/bin/sh\ncat <<'EOF'\n{listed}\nEOF\n")
    hook.write_text("""#!/bin/sh\necho '[{"event":"SSL::installssl"}]'\n""")
    for program in (panel, hook):
        program.chmod(0o755)
    panel.write_text(
        panel.read_text()
        .replace("/opt/ours", str(hook))
        .replace(r"\/opt\/ours", str(hook).replace("/", r"\/"))
    )
    script = HOOKED.replace("/opt/ours", str(hook))
    words = ["bash", "-c", script, "bash", str(TOP), str(tmp_path)]
    ran = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (ran.returncode == 0) == is_hooked, ran
