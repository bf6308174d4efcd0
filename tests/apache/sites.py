"""A server whose vhosts are under test, and the visitors that come to it."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from origin_pulls.actions import reading
from tests.apache.client import PlainVisitor, Shown, Visitor
from tests.server_under_test import UnderTest

PATIENCE = 10.0
LOOK_AGAIN = 0.01
UP_AGAIN = "resuming normal operations"


@dataclass(frozen=True, slots=True)
class Sites:
    """The sites of one sandbox, as their visitors and their tenants see them."""

    one: UnderTest

    def visitor(self, name: str | None, **other: object) -> Visitor:
        """Somebody who comes over TLS to the shared address."""
        return Visitor(port=self.one.sandbox.https_port, name=name).but(**other)

    def plain_visitor(self, name: str, source: str = "") -> PlainVisitor:
        """Somebody who comes to port 80."""
        return PlainVisitor(port=self.one.sandbox.http_port, name=name, source=source)

    def change(self, *arguments: str) -> None:
        """Run a command that must go well."""
        ran = self.one.run(*arguments)
        assert ran.code == 0, (ran.stdout, ran.stderr)

    def enforce(self, name: str, *options: str) -> None:
        """Enforce one vhost."""
        self.change("enforce", name, "--edge-ready", *options)

    def leaf(self, name: str) -> Shown:
        """The certificate that was made for one vhost, as Cloudflare presents it."""
        files = reading.show(self.one.config, name).certificate
        return Path(files["leaf"]), Path(files["key"])

    def probe(self, folder: Path) -> Shown:
        """A certificate that every enforced vhost of this server accepts."""
        self.change("certificate", "probe", "--out", str(folder))
        return folder / "probe.pem", folder / "probe.key"

    @property
    def log(self) -> Path:
        """The log of requests to vhosts with a policy."""
        return self.one.root / "etc/apache2/logs/origin-pulls.log"

    def root_of(self, user: str) -> Path:
        """The document root of an account's main site."""
        return self.one.root / "home" / user / "public_html"

    @contextlib.contextmanager
    def tenant_files(self, user: str, **texts: str) -> Iterator[None]:
        """What a tenant puts into the document root, for as long as it is tried.

        A key names a file: ``__`` stands for a slash, a leading ``dot_`` for a dot. A text that
        begins with ``#!`` is a program.
        """
        with contextlib.ExitStack() as stack:
            for key, text in texts.items():
                path = self.root_of(user) / key.replace("__", "/").replace("dot_", ".")
                stack.enter_context(_laid(path, text))
            yield

    @contextlib.contextmanager
    def administrator_lines(self, *lines: str) -> Iterator[None]:
        """What an administrator adds for the whole server, for as long as it is tried."""
        name = "etc/apache2/conf.d/includes/errordocument.conf"
        path = self.one.root / name
        with _laid(path, path.read_text() + "\n".join([*lines, ""])):
            self.reload()
            yield
        self.reload()

    def reload(self) -> None:
        """Let Apache read its configuration, and wait until it has."""
        log = self.one.root / "etc/apache2/logs/error_log"
        before = log.read_text().count(UP_AGAIN)
        assert self.one.apache.reload().is_good
        until(lambda: log.read_text().count(UP_AGAIN) > before)

    @contextlib.contextmanager
    def logged(self, count: int) -> Iterator[list[Sequence[str]]]:
        """Fills in, at the end, the log's new lines, cut into fields: at least ``count``."""
        before = len(self.log_lines())
        found: list[Sequence[str]] = []
        yield found
        # Apache writes the line after it has answered.
        until(lambda: len(self.log_lines()) >= before + count)
        found += [line.split("\t") for line in self.log_lines()[before:]]

    def log_lines(self) -> list[str]:
        """The whole lines of the log, from the first one on."""
        text = self.log.read_text() if self.log.exists() else ""
        return [line.rstrip("\n") for line in text.splitlines(keepends=True) if line[-1] == "\n"]


@contextlib.contextmanager
def _laid(path: Path, text: str) -> Iterator[None]:
    before = path.read_text() if path.exists() else None
    new = [folder for folder in path.parents if not folder.exists()]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755 if text.startswith("#!") else 0o644)
    try:
        yield
    finally:
        if before is None:
            path.unlink()
        else:
            path.write_text(before)
        for folder in new:
            folder.rmdir()


def until(is_so: Callable[[], bool]) -> None:
    """Wait for what a daemon does without telling."""
    end = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < end, "it does not happen"
        time.sleep(LOOK_AGAIN)
