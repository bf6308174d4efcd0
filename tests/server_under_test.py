"""A sandbox with the product on it: commands to run, requests to make, questions to answer."""

from __future__ import annotations

import json
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from origin_pulls.config import Config
from origin_pulls.engine import working
from origin_pulls.engine.server import Server
from origin_pulls.model import include
from origin_pulls.model.proof import Ask, Seen, Shown
from origin_pulls.sandbox import Sandbox
from origin_pulls.server import asking, certificates, files
from origin_pulls.server.apache import Apache
from tests.forked import Command

UP_AGAIN = "resuming normal operations"
PROGRAM = [sys.executable, "-c", "from origin_pulls.cli import main; main()"]


@dataclass(frozen=True, slots=True)
class Ran:
    """How a command of ours ended."""

    code: int
    stdout: str
    stderr: str

    @property
    def record(self) -> dict[str, Any]:
        """Its JSON document."""
        found = json.loads(self.stdout)
        assert isinstance(found, dict)
        return found


@dataclass(frozen=True, slots=True)
class UnderTest:
    """The product on one sandbox."""

    sandbox: Sandbox

    @property
    def root(self) -> Path:
        return self.sandbox.directory

    @property
    def config(self) -> Config:
        return Config.at(self.root)

    @property
    def apache(self) -> Apache:
        return Apache(self.config)

    def run(self, *arguments: str, timeout: float = 120) -> Ran:
        """Run the command line as a user would."""
        with self.started(*arguments) as process:
            out, err = process.communicate(timeout=timeout)
        return Ran(process.wait(), out, err)

    def start(self, *arguments: str, log: Path | None = None) -> Command:
        """Start the command line without waiting for its end; ``log`` takes its stderr."""
        return Command(["--root", str(self.root), *arguments], log=log)

    @contextmanager
    def started(self, *arguments: str) -> Iterator[Command]:
        """The command line while it runs; at the end of the block it has ended, or is ended."""
        with self.start(*arguments) as process:
            try:
                yield process
            finally:
                process.kill()

    def json(self, *arguments: str) -> dict[str, Any]:
        """Run a command that must go well, with --json."""
        ran = self.run(*arguments, "--json")
        assert ran.code == 0, (ran.stdout, ran.stderr)
        return ran.record

    def recover(self) -> list[str]:
        """What an agent does when it starts: bring to an end what another left."""
        said: list[str] = []
        server = Server.of(self.config)
        with working.holding(server, said.append):
            working.work(server, said.append)
        server.store.close()
        return said

    def ask(self, host: str, shown: Shown = Shown.NONE, path: str = "/") -> Seen:
        """One request over TLS to the shared address."""
        probe = certificates.kept_probe(self.config.probe_directory)
        kept: dict[Shown, tuple[Path, Path]] = {}
        if probe is not None:
            kept[Shown.OURS] = (probe.leaf_file, probe.leaf_key_file)
            kept[Shown.STRANGER] = (probe.stranger_file, probe.stranger_key_file)
        address = f"{self.sandbox.address}:{self.sandbox.https_port}"
        request = Ask(address=address, host=host, shown=shown, path=path)
        return asking.ask(request, kept, timeout=10)

    def is_enforced(self, host: str) -> bool:
        """Whether a visitor without certificate is refused and one with it is served."""
        return self.ask(host).is_refused and self.ask(host, Shown.OURS).status == 200

    def is_open(self, host: str) -> bool:
        """Whether a visitor without certificate is served."""
        return self.ask(host).status == 200

    def include(self, user: str, name: str, base: str = "ssl") -> Path:
        """Where our include of a vhost lies."""
        userdata = self.root / "etc/apache2/conf.d/userdata"
        return userdata / base / "2_4" / user / name / "origin-pulls.conf"

    def bundle(self, user: str, name: str) -> Path:
        """Where the CA file of a vhost lies."""
        return self.config.trust_directory / user / f"{name}.pem"

    def is_sound(self) -> bool:
        """Whether Apache lives, its configuration is valid and the bystander is served."""
        error = self.apache.config_error()
        assert error == "", error
        return self.apache.parent() is not None and self.is_open("plain.example")

    def forget_everything(self) -> None:
        """As on the first day: no Include line, no include, no store, no certificate of ours.

        The lines go first and Apache reads that before any file goes: a graceful restart that is
        still under way would die of a file that vanishes before it.
        """
        conf, userdata = self.apache.paths.conf, self.apache.paths.userdata
        kept = [
            line
            for line in conf.read_text().splitlines(keepends=True)
            if not line.lstrip().startswith(f'Include "{userdata}/')
        ]
        mode = conf.stat().st_mode & 0o777
        files.replace(conf, "".join(kept).encode(), mode=mode)
        self.reload_and_wait()
        shutil.rmtree(self.config.state_directory, ignore_errors=True)
        for folder in (self.config.trust_directory, self.config.keys_directory):
            shutil.rmtree(folder, ignore_errors=True)
        for folder in {path.parent for path in userdata.rglob("*origin-pulls.conf*")}:
            shutil.rmtree(folder)
        ours = self.apache.paths.conf_directory / "origin-pulls.conf"
        if ours.exists():
            files.replace(ours, include.nothing())

    def reload_and_wait(self) -> None:
        """A graceful restart that Apache has come through when this returns."""
        log = self.apache.paths.logs / "error_log"
        before = log.read_text().count(UP_AGAIN)
        assert self.apache.reload().is_good
        end = time.monotonic() + 60
        while log.read_text().count(UP_AGAIN) == before:
            assert time.monotonic() < end, "Apache does not come up again"
            time.sleep(0.01)


def replace_program(path: Path, script: str) -> Path:
    """Put a shell script in a program's place; the real one stays beside it, as ``$REAL``."""
    real = path.with_name(f"{path.name}.real")
    if not real.exists():
        path.rename(real)
    path.write_text(f"#!/bin/sh\nREAL={real}\n{script}\n")
    path.chmod(0o755)
    return real
