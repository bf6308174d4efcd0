"""A cPanel server of its own for the unmodified installer: a sandbox in a mount namespace.

The sandbox's folders are bound over ``/etc``, ``/var``, ``/run``, ``/opt`` and ``/usr/local``; all
else is read-only there. So every path is the real one, and the machine outside is untouched.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from origin_pulls.sandbox import Sandbox, apache
from origin_pulls.sandbox.front import laying, process
from origin_pulls.sandbox.front.process import Ports
from origin_pulls.sandbox.machine import free_ports
from tests.conftest import standing
from tests.server_under_test import Ran

TOP = Path(__file__).parents[2]
INIT = Path(__file__).with_name("init.py")
PATIENCE = 300  # seconds for one program
BOUND = ("etc", "var", "run", "opt")
# What programs of the system want in /etc, whoever's server it is.
SYSTEM_FILES = ("nsswitch.conf", "login.defs", "os-release", "hosts", "ssl", "alternatives")
PANEL_FOLDERS = (
    *("3rdparty/bin", "whostmgr/addonfeatures", "whostmgr/docroot/addon_plugins"),
    *("whostmgr/docroot/cgi/addons", "whostmgr/docroot/templates"),
    *("base/frontend/jupiter/dynamicui", "base/frontend/jupiter/assets/application_icons"),
)
MOUNT = """
set -eu
mount --make-rprivate /
mount --bind /tmp /tmp
mkdir -p /tmp/$NAME
for folder in lib lib64 include; do
    if [ -d /usr/local/$folder ] && [ ! -L /usr/local/$folder ]; then
        mkdir -p $ROOT/usr/local/$folder
        mount --bind /usr/local/$folder $ROOT/usr/local/$folder
    fi
done
mount --rbind $ROOT/usr/local /usr/local
mount --bind $ROOT/usr/local/sbin/systemctl /usr/bin/systemctl
for folder in $BOUND; do mount --bind $ROOT/$folder /$folder; done
mount -o remount,bind,ro /
exec $PYTHON $INIT /run/init.socket
"""


@dataclass(frozen=True, slots=True)
class Machine:
    """A sandbox seen as a whole machine."""

    sandbox: Sandbox
    init: subprocess.Popen[str]

    @property
    def root(self) -> Path:
        return self.sandbox.directory

    def words(self, *given: str | Path) -> list[str]:
        """The words that run a program on this machine."""
        inside = ["nsenter", f"--mount=/proc/{self.init.pid}/ns/mnt", "--wd=/"]
        return [*inside, *map(str, given)]

    def run(self, *given: str | Path, **environment: str) -> Ran:
        """Run a program on this machine, as root's login shell would."""
        ran = subprocess.run(
            self.words(*given),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            stdin=subprocess.DEVNULL,
            env={
                "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                **environment,
            },
        )
        return Ran(ran.returncode, ran.stdout, ran.stderr)

    def good(self, *given: str | Path, **environment: str) -> str:
        """Run a program that must go well; its output."""
        ran = self.run(*given, **environment)
        logs = "".join(
            f"\n{path.name}: {path.read_text()[-600:]}" for path in self.root.glob("run/init-*.log")
        )
        assert ran.code == 0, f"{given}: {ran.code}\n{ran.stdout[-3000:]}\n{ran.stderr}\n{logs}"
        return ran.stdout

    def install(self, release: Path, wheelhouse: Path) -> str:
        """Install a release; built once, it is found whole the next time, as after a rollback.

        That holds for all machines of these tests: it lies at the same place on each.
        """
        kept, place = built(release), self.at("/opt/origin-pulls/releases/1.0.0")
        if kept.exists() and not place.exists():
            place.parent.mkdir(parents=True, exist_ok=True)
            subprocess.run(["cp", "-a", kept, place], check=True)
        said = self.good(release / "install.sh", "--wheelhouse", wheelhouse)
        if not kept.exists():
            subprocess.run(["cp", "-a", place, kept], check=True)
        return said

    def at(self, path: str) -> Path:
        """Where a path of this machine lies outside."""
        return self.root / path.lstrip("/")

    def serve_panels(self) -> None:
        """WHM and cPanel to sign in to; they run the bridges that the installer laid here."""
        layout = self.sandbox.layout
        ports = Ports(*free_ports())
        place = layout.directory / "sandbox-front.json"
        place.write_text(json.dumps(asdict(ports)))
        words = ("-m", process.MODULE, layout.directory, str(ports.whm), str(ports.cpanel))
        with layout.at("/usr/local/cpanel/logs/front.log").open("ab") as log:
            # It ends with the sandbox, which finds it by its words.
            front = subprocess.Popen(
                self.words(sys.executable, *words),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )
        assert front.stdout is not None
        with front.stdout:
            assert front.stdout.readline() == b"ready\n"
        front.returncode = 0  # that nobody waits for it is meant

    def files(self, *without: str) -> dict[str, str]:
        """Every file, link and folder of the machine: path to what it is, and its content."""
        return dict(_seen(self.root, (*without, "/cloudflare/")))  # the stand-in's own log


def built(release: Path) -> Path:
    """Where a release is kept once it was built on some machine."""
    return release.with_name(f"{release.name}-built")


@contextmanager
def machine(*, cloudflare: bool = False) -> Iterator[Machine]:
    """A machine with nothing of ours on it; gone at the end."""
    with standing(cloudflare=cloudflare) as sandbox:
        _furnish(sandbox)
        apache.stop(sandbox.layout)
        init = subprocess.Popen(
            ["unshare", "--mount", "--propagation", "private", "sh", "-c", MOUNT],
            stdout=subprocess.PIPE,
            text=True,
            env={
                **os.environ,
                "ROOT": str(sandbox.directory),
                "NAME": sandbox.directory.name,
                "BOUND": " ".join(BOUND),
                "PYTHON": sys.executable,
                "INIT": str(INIT),
            },
        )
        try:
            assert init.stdout is not None
            assert init.stdout.readline() == "ready\n"
            made = Machine(sandbox, init)
            # Apache has to see the same /etc as the product.
            made.good("/usr/local/cpanel/scripts/restartsrv_httpd", "--start")
            yield made
        finally:
            with init:
                init.send_signal(signal.SIGTERM)


def _furnish(sandbox: Sandbox) -> None:
    """Give the sandbox what a whole machine has besides."""
    root = sandbox.directory
    for name in SYSTEM_FILES:
        source, target = Path("/etc", name), root / "etc" / name
        if source.is_dir():
            shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)
        elif source.exists():
            shutil.copy(source, target)
    for name in ("passwd", "group"):
        # A sandbox brings the service's user along; a server does not.
        file = root / "etc" / name
        lines = file.read_text().splitlines(keepends=True)
        file.write_text("".join(line for line in lines if not line.startswith("origin-pulls:")))
    # Nor is there a folder of ours before the first installation.
    shutil.rmtree(root / "run/origin-pulls", ignore_errors=True)
    for name in ("shadow", "gshadow"):
        (root / "etc" / name).touch(mode=0o640)
    for folder in (
        "opt",
        "run/systemd/system",
        "var/log",
        "etc/systemd/system",
        "etc/logrotate.d",
        "usr/local/sbin",
    ):
        (root / folder).mkdir(parents=True, exist_ok=True)
    for folder in (
        "etc/bash_completion.d",
        "etc/tmpfiles.d",
        "usr/local/bin",
        "usr/local/share/man",
        "var/lib",
    ):
        (root / folder).mkdir(parents=True, exist_ok=True)
    for folder in PANEL_FOLDERS:
        (root / "usr/local/cpanel" / folder).mkdir(parents=True, exist_ok=True)
    (root / "var/cpanel/apps").mkdir(exist_ok=True)
    laying.lay_panel(sandbox.layout)  # Perl, PHP and the panel's own modules
    systemctl = root / "usr/local/sbin/systemctl"
    words = f'exec {sys.executable} -S -E {INIT} /run/init.socket "$@"'
    systemctl.write_text(f"#!/bin/sh\n{words}\n")
    systemctl.chmod(0o755)
    if sys.base_prefix == "/usr/local":
        # The tests' own interpreter lies there, and the sandbox's programs run in it.
        shutil.copytree("/usr/local/bin", root / "usr/local/bin", symlinks=True, dirs_exist_ok=True)


def _seen(root: Path, without: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    for folder, folders, names in os.walk(root):
        here = Path(folder)
        for name in [*folders, *names]:
            path = here / name
            inner = f"/{path.relative_to(root)}"
            if inner.startswith(without):
                continue
            status = path.lstat()
            content = ""
            if path.is_symlink():
                content = str(path.readlink())
            elif path.is_file():
                content = hashlib.sha256(path.read_bytes()).hexdigest()
            yield inner, f"{status.st_mode:o} {status.st_uid}:{status.st_gid} {content}"


def tree(folder: Path, version: str = "", changes: Mapping[str, str] | None = None) -> Path:
    """A copy of this project, as a release unpacks: another version, text added to files."""
    names = ("appconfig", "docs", "plugin", "static", "templates", "install.sh", "LICENSE")
    for name in (*names, "requirements.lock", "pyproject.toml", "README.md"):
        source = TOP / name
        if source.is_dir():
            ignored = shutil.ignore_patterns("__pycache__", "*.egg-info")
            shutil.copytree(source, folder / name, ignore=ignored)
        elif source.exists():
            folder.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, folder / name)
    if version:
        file = folder / "plugin/origin_pulls/__init__.py"
        lines = file.read_text().splitlines()
        kept = [line for line in lines if not line.startswith("__version__")]
        file.write_text("\n".join([*kept, f'__version__ = "{version}"', ""]))
    for name, text in (changes or {}).items():
        with (folder / name).open("a") as changed:
            changed.write(text)
    return folder


def sealed(folder: Path, wheelhouse: Path) -> Path:
    """A tree as an archive brings it: with its wheels and the checksums of all that is in it."""
    (folder / "wheelhouse").symlink_to(wheelhouse)
    listed = [path for path in folder.rglob("*") if path.is_file() and path.name != "SHA256SUMS"]
    listed += (folder / "wheelhouse").glob("*.whl")
    lines = [
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  ./{path.relative_to(folder)}\n"
        for path in sorted(set(listed))
    ]
    (folder / "SHA256SUMS").write_text("".join(lines))
    return folder
