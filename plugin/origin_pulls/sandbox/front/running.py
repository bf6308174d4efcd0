"""Runs a page's script as cpsrvd does, and reads what it answers."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from origin_pulls.sandbox import files
from origin_pulls.sandbox.front.people import Person
from origin_pulls.sandbox.layout import Layout

HEAD = 65536
PART = 65536
PATIENCE = 300.0
HEADER = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\r\n\0]*)")
MOVED = (b"/usr/local/cpanel", b"/run/origin-pulls")


@dataclass(frozen=True, slots=True)
class Answer:
    """What a script says: status, headers in their order, and the body as it comes."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: Iterator[bytes]


class NoAnswer(Exception):
    """The script ended badly or said nothing that can be understood."""


def runnable(layout: Layout, script: Path, *, has_namespace: bool) -> Path:
    """Where the script is to be run: at its real place, else a copy whose paths are moved here."""
    inside = "/" / script.relative_to(layout.directory)
    if has_namespace:
        return inside
    text = script.read_bytes()
    for place in MOVED:
        text = text.replace(place, bytes(layout.at(place.decode())))
    copy = layout.at("/var/cpanel/moved") / inside.relative_to("/")
    files.lay(copy, text.decode(), mode=script.stat().st_mode & 0o777)
    return copy


@contextmanager
def run(
    words: list[str], environment: Mapping[str, str], body: IO[bytes], person: Person, errors: Path
) -> Iterator[Answer]:
    """Start a script as this person and give its answer; it has ended when the context ends."""
    with errors.open("ab") as log:
        started = subprocess.Popen(
            words,
            env=dict(environment),
            stdin=body,
            stdout=subprocess.PIPE,
            stderr=log,
            cwd=Path(words[-1]).parent,
            user=person.uid,
            group=person.gid,
            extra_groups=[],
            start_new_session=True,
        )
    with started:
        if started.stdout is None:
            raise NoAnswer("no output")
        try:
            yield _read(started.stdout, started)
        finally:
            with suppress(ProcessLookupError):
                started.kill()


def _read(output: IO[bytes], started: subprocess.Popen[bytes]) -> Answer:
    head = b""
    ending = re.compile(rb"\r?\n\r?\n")
    while (found := ending.search(head)) is None:
        part = output.read1(PART)  # type: ignore[attr-defined]
        if not part or len(head) > HEAD:
            raise NoAnswer(f"it ended with code {started.wait(PATIENCE)} and no head")
        head += part
    status, headers = 200, []
    for line in head[: found.start()].splitlines():
        said = HEADER.fullmatch(line)
        if said is None:
            raise NoAnswer(f"a broken header: {line[:80]!r}")
        name, value = said[1].decode("ascii"), said[2].decode("latin-1")
        if name.lower() == "status":
            status = int(value[:3])
        else:
            headers.append((name, value))
    if status == 200 and any(name.lower() == "location" for name, _ in headers):
        status = 302
    return Answer(status, tuple(headers), _parts(head[found.end() :], output, started))


def _parts(first: bytes, output: IO[bytes], started: subprocess.Popen[bytes]) -> Iterator[bytes]:
    if first:
        yield first
    while part := output.read1(PART):  # type: ignore[attr-defined]
        yield part
    if started.wait(PATIENCE):
        raise NoAnswer(f"it ended with code {started.returncode}")
