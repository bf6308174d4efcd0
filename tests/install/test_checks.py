"""What stops an installation before its first change: message, hint, code, nothing touched."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from origin_pulls.model import include
from tests.install.machine import TOP, Machine, sealed, tree
from tests.server_under_test import Ran

VOLATILE = ("/run", "/etc/apache2/logs", "/usr/local/cpanel/logs")
INSTALL = "install.sh"
DNF = "/usr/local/sbin/dnf"
NOBODY = ("setpriv", "--reuid=65534", "--clear-groups")
# Each hides something or stands in its way, in a mount namespace of its own below the machine's.
NO_SYSTEMD = "mount -t tmpfs none /run/systemd"
NO_PYTHON = (
    "for p in /usr/bin/python3*; do mount --bind /dev/null $(readlink -f $p) 2>/dev/null || :; done"
)
# A file that is no program would still be found, so the folder is drawn anew without it.
NO_CMP = (
    "mkdir -p /run/real /run/drawn; mount --bind /usr/bin /run/real; for p in /run/real/*; do "
    "[ $p = /run/real/cmp ] || ln -sf $p /run/drawn/; done; mount --bind /run/drawn /usr/bin"
)
NO_SPACE = "mount -t tmpfs -o size=8m none /opt"


@contextmanager
def untouched(machine: Machine) -> Iterator[None]:
    """What runs inside leaves the machine as it is."""
    before = machine.files(*VOLATILE)
    yield
    assert machine.files(*VOLATILE) == before


def behind(hiding: str, *words: str | Path) -> list[str | Path]:
    """The words that run something after a change that it alone sees."""
    return ["unshare", "--mount", "sh", "-c", f'{hiding}; exec "$@"', "sh", *words]


@contextmanager
def changed(machine: Machine, path: str, text: str | None) -> Iterator[None]:
    """For a while a file of the machine holds something else, or is not there."""
    file = machine.at(path)
    before = file.read_bytes() if file.exists() else None
    made = [folder for folder in file.parents if not folder.exists()]
    if text is None:
        file.unlink()
    else:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    try:
        yield
    finally:
        if before is None:
            file.unlink()
        else:
            file.write_bytes(before)
        for folder in made:
            folder.rmdir()


def is_refused(ran: Ran, code: int, words: str) -> None:
    assert ran.code == code, ran
    lines = [line for line in ran.stderr.splitlines() if not line.startswith("mount:")]
    said = next(line for line in lines if line.startswith("install.sh: "))
    assert words in said
    assert lines[lines.index(said) + 1].startswith("  "), "there is no hint"


@pytest.mark.parametrize(
    ("path", "text", "code", "words"),
    [
        ("/usr/local/cpanel/version", None, 11, "no cPanel & WHM here"),
        ("/usr/local/cpanel/version", "11.86.0.1\n", 11, "too old"),
        ("/etc/cpanel/ea4/is_ea4", None, 12, "EasyApache 4"),
        ("/etc/cpanel/ea4/paths.conf", "", 12, "EasyApache 4"),
        ("/etc/apache2/conf.d/zz.conf", "Nonsense on\n", 15, "broken as it is"),
        ("/etc/apache2/conf.d/zz.conf", "Nonsense on\n", 15, "Invalid command 'Nonsense'"),
        ("/etc/nginx/ea-nginx/cpanel_localhost_header.json", "{}", 16, "ea-nginx"),
        ("/usr/local/lsws/bin/lshttpd", "", 16, "LiteSpeed"),
        ("/etc/origin-pulls/config.yaml", "public_https_port: 443\n", 16, "HTTPS port is"),
        ("/etc/origin-pulls/config.yaml", None, 16, "visitors arrive at 443"),
        ("/var/cpanel/cpanel.config", None, 16, "HTTPS port is 443"),
        ("/usr/local/bin/origin-pulls", "somebody's", 17, "/usr/local/bin/origin-pulls"),
        ("/opt/origin-pulls/notes", "somebody's", 17, "/opt/origin-pulls is there"),
        ("/etc/systemd/system/origin-pulls-agent.service", "[Unit]\n", 17, "agent.service"),
        ("/var/cpanel/apps/originpulls.conf", "name=originpulls\n", 17, "originpulls.conf"),
    ],
)
@pytest.mark.apache
def test_a_server_that_is_not_fit_is_refused(
    server: Machine, release: Path, path: str, text: str | None, code: int, words: str
) -> None:
    with changed(server, path, text), untouched(server):
        is_refused(server.run(release / INSTALL), code, words)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ([*NOBODY, INSTALL], 10, "Only root"),
        (behind(NO_PYTHON, INSTALL), 13, "no Python 3.11"),
        (behind(NO_SPACE, INSTALL), 14, "MB free"),
        (behind(NO_CMP, INSTALL, "uninstall"), 23, "cmp is not on this server"),
        (behind(NO_SYSTEMD, INSTALL), 19, "systemd"),
        ([INSTALL, "--wheelhouse", "/nowhere"], 18, "no folder /nowhere"),
        ([INSTALL, "--wheelhouse", "/opt"], 18, "holds no wheels"),
        ([INSTALL, "upgrade"], 21, "not installed"),
        ([INSTALL, "rollback"], 21, "not installed"),
        ([INSTALL, "status"], 21, "not installed"),
        ([INSTALL, "--demo"], 22, "real cPanel"),
        ([INSTALL, "--nonsense"], 2, "no command or option --nonsense"),
        ([INSTALL, "--keep-data"], 2, "belongs to: uninstall"),
        ([INSTALL, "upgrade", "rollback"], 2, "do not go together"),
        ([INSTALL, "--wheelhouse"], 2, "needs a value"),
        ([INSTALL, "--wheelhouse", ""], 2, "needs a value"),
        ([INSTALL, "--dir", "/tmp/x"], 2, "--dir does not go with install"),
        ([INSTALL, "uninstall", "--wheelhouse", "/opt"], 2, "belongs to: install upgrade"),
        ([INSTALL, "rollback", "--wheelhouse", "/opt"], 2, "belongs to: install upgrade"),
        ([INSTALL, "rollback", "--check"], 2, "--check does not go with rollback"),
        ([INSTALL, "upgrade", "--check"], 21, "not installed"),
    ],
    ids=lambda given: " ".join(map(str, given))[-40:] if isinstance(given, list) else None,
)
@pytest.mark.apache
def test_what_cannot_be_done_is_refused(
    server: Machine, release: Path, words: list[str], code: int, said: str
) -> None:
    given = [str(release / INSTALL) if word == INSTALL else word for word in words]
    # The demo stays away from a real server, and knows one by this file.
    with changed(server, "/usr/local/cpanel/cpanel", "#!/bin/sh\n"), untouched(server):
        is_refused(server.run(*given), code, said)


@pytest.mark.parametrize(
    ("does", "said"),
    [
        ("echo 'Error: no mirror answers' >&2; exit 1", "python3.12 cannot be installed"),
        ("exit 0", "still there is no Python 3.11 with venv"),
    ],
)
@pytest.mark.apache
def test_a_package_tool_that_brings_no_python_is_told_and_nothing_is_left(
    server: Machine, release: Path, does: str, said: str
) -> None:
    with (
        untouched(server),
        changed(server, DNF, f'#!/bin/sh\ncase "$*" in *install*) {does};; esac'),
    ):
        server.at(DNF).chmod(0o755)
        ran = server.run(*behind(NO_PYTHON, release / INSTALL))
    is_refused(ran, 30, said)
    assert ("no mirror answers" in ran.stderr) == ("mirror" in does)


# What a release that cannot be built ends with, where nothing else is at hand.
BUILD_FAILS = """
TOP=$1 WHEELHOUSE=$2
for part in words places environment checks releases; do . "$TOP/appconfig/setup/$part.sh"; done
nothing_was_switched() { :; }
RELEASE=$RELEASES/none
release_failed "No environment can be made."
"""


@pytest.mark.parametrize(
    ("hiding", "wheels", "said"),
    [
        (NO_SPACE, "", "/opt has only 8 MB free: make room there"),
        (NO_SPACE.replace("/opt", "/tmp"), "", "/tmp has only 8 MB free: make room there"),
        (NO_SPACE, "/wheels", "/opt has only 8 MB free: make room there"),
        (":", "", "Is the package index reachable?"),
        (":", "/wheels", "for this Python"),
    ],
)
@pytest.mark.apache
def test_a_release_that_cannot_be_built_says_what_may_be_why(
    server: Machine, hiding: str, wheels: str, said: str
) -> None:
    words = ("bash", "-euo", "pipefail", "-c", BUILD_FAILS, "bash", "/run", wheels)
    # The copy of the tree that the namespace sees does not lie in what is hidden.
    ran = server.run(*behind(f"cp -R {TOP}/appconfig /run/; {hiding}", *words))
    is_refused(ran, 31, "No environment can be made")
    assert said in ran.stderr


@pytest.mark.parametrize("wrong", ["changed", "missing", "foreign"])
@pytest.mark.apache
def test_wheels_that_the_lock_does_not_name_are_refused(
    server: Machine, release: Path, wheelhouse: Path, trees: Path, wrong: str
) -> None:
    wheels = trees / f"wheels-{wrong}"
    shutil.copytree(wheelhouse, wheels)
    wheel = next(wheels.glob("flask-*.whl"))
    if wrong == "changed":
        wheel.write_bytes(wheel.read_bytes() + b"x")
    elif wrong == "missing":
        wheel.unlink()
    else:
        shutil.copy(wheel, wheels / "somebody-1.0-py3-none-any.whl")
        (wheels / "somebody-1.0-py3-none-any.whl").write_bytes(b"x")
    with untouched(server):
        ran = server.run(release / INSTALL, "--wheelhouse", wheels)
        words = "no wheel of flask" if wrong == "missing" else "is not a file that"
        is_refused(ran, 18, words)


@pytest.mark.apache
def test_a_release_that_was_changed_is_refused(
    server: Machine, trees: Path, wheelhouse: Path
) -> None:
    changed_tree = sealed(tree(trees / "changed", "1.0.0"), wheelhouse)
    assert server.run(changed_tree / INSTALL, "--check").code == 0
    with (changed_tree / "requirements.lock").open("a") as file:
        file.write("# a line more\n")
    with untouched(server):
        is_refused(server.run(changed_tree / INSTALL), 18, "damaged or was changed")


@pytest.mark.parametrize("name", ["plugin/origin_pulls/evil.py", "static/evil.pyc", "docs/a b"])
@pytest.mark.parametrize("kind", ["file", "link"])
@pytest.mark.apache
def test_a_release_to_which_something_was_added_is_refused(
    server: Machine, release: Path, name: str, kind: str
) -> None:
    added = release / name
    if kind == "link":
        added.symlink_to("/etc/passwd")
    else:
        added.write_text("evil")
    try:
        with untouched(server):
            ran = server.run(release / INSTALL)
    finally:
        added.unlink()
    is_refused(ran, 18, f"SHA256SUMS does not name ./{name}")


@pytest.mark.apache
def test_a_named_file_that_became_a_link_is_refused(server: Machine, release: Path) -> None:
    file, aside = release / "LICENSE", release / "aside"
    file.rename(aside)
    file.symlink_to(aside)
    try:
        ran = server.run(release / INSTALL, "--check")
    finally:
        aside.rename(file)
    is_refused(ran, 18, "./LICENSE (no plain file)")


@pytest.mark.apache
def test_a_plan_for_the_store_of_a_newer_version_ends_as_the_installation_would(
    server: Machine, release: Path
) -> None:
    store = server.at("/var/lib/origin-pulls/store.sqlite")
    store.parent.mkdir()
    with sqlite3.connect(store) as connection:
        connection.execute("PRAGMA user_version=9999")
    connection.close()
    with untouched(server):
        ran = server.run(release / INSTALL, "--dry-run")
    shutil.rmtree(store.parent)
    is_refused(ran, 35, "1.0.0 cannot read the store: a newer version wrote it")


@pytest.mark.apache
def test_a_port_that_is_only_forwarded_has_its_setting_named(
    server: Machine, release: Path
) -> None:
    with changed(server, "/etc/origin-pulls/config.yaml", "public_https_port: 443\n"):
        ran = server.run(release / INSTALL, "--check")
    assert "public_https_port: " in ran.stderr.splitlines()[-1]


@pytest.mark.apache
def test_a_first_installation_that_was_cut_off_is_not_called_nothing(
    server: Machine, release: Path
) -> None:
    under_way = "/opt/origin-pulls/under-way"
    with changed(server, under_way, "action=install\nbefore=\n"):
        ran = server.run(release / INSTALL, "status")
    is_refused(ran, 21, "A run (install) was cut off")


@pytest.mark.apache
def test_a_built_release_is_whole_and_verifies_itself(
    server: Machine, wheelhouse: Path, trees: Path
) -> None:
    # The wheels are at hand, so the package index is not asked again.
    offline = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(wheelhouse)}
    python = next(wheelhouse.glob("cffi-*-cp3*.whl")).name.split("-")[2].replace("cp3", "3.")
    built = [str(TOP / ".ci/release"), "--out", str(trees / "dist"), "--python", python]
    subprocess.run(built, env={**os.environ, **offline}, check=True, capture_output=True)
    subprocess.run("sha256sum --check *.sha256", shell=True, cwd=trees / "dist", check=True)
    subprocess.run("tar xf dist/*.tar.gz", shell=True, cwd=trees, check=True)
    unpacked = next(trees.glob("origin-pulls-*"))
    with untouched(server):
        said = server.good(unpacked / INSTALL, "--check")
    assert "files are as released" in said
    assert f"wheelhouse: {unpacked}/wheelhouse, every wheel" in said


@pytest.mark.parametrize("option", ["--check", "--dry-run"])
@pytest.mark.apache
def test_a_look_touches_nothing(
    server: Machine, release: Path, wheelhouse: Path, option: str
) -> None:
    with untouched(server):
        said = server.good(release / INSTALL, option, "--wheelhouse", wheelhouse)
    assert "Apache's configuration: valid" in said
    assert ("build /opt/origin-pulls/releases/1.0.0" in said) == (option == "--dry-run")


@pytest.mark.apache
def test_root_alone_can_keep_an_installer_waiting(server: Machine, release: Path) -> None:
    rollback = (release / INSTALL, "rollback")
    lock = "/run/origin-pulls.install.lock"
    assert server.run(*rollback).code == 21
    for words, place, can_hold, code in (
        (NOBODY, "/opt", True, 21),
        (NOBODY, lock, False, 21),
        ((), lock, True, 20),
    ):
        holding = server.words(*words, "flock", place, "sh", "-c", "echo held; exec cat")
        with subprocess.Popen(
            holding, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as holder:
            assert holder.stdin is not None
            assert holder.stdout is not None
            assert (holder.stdout.readline() == "held\n") == can_hold
            assert server.run(*rollback).code == code
            holder.stdin.close()


def test_every_exit_code_is_explained() -> None:
    words = (TOP / "appconfig/setup/words.sh").read_text()
    table = words[words.index("EXIT=(") : words.index("\n)")]
    codes = {int(code): name for name, code in re.findall(r"\[(\w+)\]=(\d+)", table)}
    assert len(codes) == len(re.findall(r"\]=", table)), "a code stands there twice"
    page = (TOP / "docs/OPERATING.md").read_text()
    explained = {int(code) for code in re.findall(r"^\| `(\d+)` \|", page, re.MULTILINE)}
    assert set(codes) <= explained
    assert explained - set(codes) <= {0, 3, 4, 5}, "the table names a code that nobody uses"


def test_every_reason_that_is_given_stands_in_the_table() -> None:
    words = (TOP / "appconfig/setup/words.sh").read_text()
    known = set(re.findall(r"\[(\w+)\]=\d+", words))
    shell = "".join(path.read_text() for path in (TOP / "appconfig/setup").glob("*.sh"))
    shell += (TOP / "install.sh").read_text()
    used = set(re.findall(r"\brefuse (?:\\\n\s*)?([a-z_]+)", shell)) - {"reason"}
    used |= set(re.findall(r"EXIT\[(\w+)\]", shell)) | {"failed", "usage"}
    assert used == known


def test_the_comment_of_last_resort_is_the_products_own() -> None:
    text = (TOP / "appconfig/setup/uninstall.sh").read_text()
    comment = text[text.index("COMMENT='") + len("COMMENT='") :]
    assert comment[: comment.index("'")].encode() + b"\n" == include.nothing()


@pytest.mark.parametrize("unit", ["web-admin", "web-account", "agent", "check"])
def test_the_services_are_confined_as_far_as_the_docs_say(unit: str) -> None:
    file = TOP / f"appconfig/systemd/origin-pulls-{unit}.service"
    ran = subprocess.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager", str(file)],
        capture_output=True,
        text=True,
        check=True,
    )
    found = re.search(r"exposure level for \S+: ([0-9.]+)", ran.stdout)
    assert found
    page = (TOP / "docs/OPERATING.md").read_text()
    name = {"agent": "agent", "check": "the daily look"}.get(unit, "web services")
    said = re.search(rf"{name} \*\*([0-9.]+)\*\*", page)
    assert said, page
    # Another systemd knows of more, and weighs it a little differently.
    assert float(found[1]) == pytest.approx(float(said[1]), abs=0.6)
