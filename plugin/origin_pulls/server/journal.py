"""The undo is on the disk before the deed: whatever stops in the middle can be taken back.

::

    journal/current/run.json        what is being done, and for which jobs
                    0001.json       a batch of files about to change, with what stood there before
                    committed.json  proven: from here on the way is forward, not back
"""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from origin_pulls.errors import Damaged, Restored
from origin_pulls.server import files

Record = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Deed:
    """One file to be changed: to ``text`` (``None``: removed), ``before`` being what is there.

    ``otherwise`` is what is put there when the deed is taken back and ``before`` was nothing:
    an include must not vanish, since a pattern that matches no file breaks Apache.
    """

    path: Path
    text: bytes | None
    before: bytes | None
    otherwise: bytes | None = None
    owner: str = ""


class Run:
    """One run's open journal."""

    def __init__(self, folder: Path, record: Record) -> None:
        self.folder = folder
        self.record = record

    @property
    def committed(self) -> Record | None:
        """What was proven, once it was; ``None`` before."""
        return _load(self.folder / "committed.json")

    def carry_out(self, deeds: Sequence[Deed]) -> None:
        """Write the undo of all of them down, then do them in order."""
        if not deeds:
            return
        for deed in deeds:
            _check_unchanged(deed)
        number = len(list(self.folder.glob("[0-9]*.json"))) + 1
        entry = {"deeds": [_as_record(deed) for deed in deeds]}
        _save(self.folder / f"{number:04}.json", entry)
        for deed in deeds:
            _do(deed.path, deed.text)

    def commit(self, record: Record) -> None:
        """Note that the run is proven, and what is to be stored of it."""
        _save(self.folder / "committed.json", record)

    def take_back(self, owners: Collection[str] | None = None) -> list[Path]:
        """Undo the deeds, the last one first; of these owners alone when some are named.

        Gives the files that were put back. A file that somebody else changed meanwhile is kept
        beside the restored one under a name ending ``.kept``.
        """
        restored = []
        for deed in self._deeds():
            if owners is not None and deed.owner not in owners:
                continue
            wanted = deed.otherwise if deed.before is None else deed.before
            now = files.read(deed.path)
            if now in (deed.before, wanted):
                continue  # it was not done yet, or is taken back already
            if now is not None and now not in (deed.text, deed.before):
                files.replace(deed.path.with_name(f"{deed.path.name}.kept"), now)
            _do(deed.path, wanted)
            restored.append(deed.path)
        return restored

    def close(self) -> None:
        """The run is over: forget it, at once and whole."""
        old = self.folder.with_name("old")
        shutil.rmtree(old, ignore_errors=True)
        self.folder.rename(old)
        files.sync_directories([self.folder.parent])
        shutil.rmtree(old, ignore_errors=True)

    def _deeds(self) -> Iterator[Deed]:
        for place in sorted(self.folder.glob("[0-9]*.json"), reverse=True):
            entry = _load(place) or {}
            deeds = entry.get("deeds")
            if not isinstance(deeds, list):
                raise _damaged(place)
            for record in reversed(deeds):
                yield _read_deed(record, place)


def begin(directory: Path, record: Record) -> Run:
    """Open the journal of a new run; there must be none open (``pending`` was asked)."""
    folder = directory / "current"
    files.make_directory(directory, mode=0o700)
    shutil.rmtree(directory / "new", ignore_errors=True)
    files.make_directory(directory / "new", mode=0o700)
    _save(directory / "new" / "run.json", record)
    (directory / "new").rename(folder)
    files.sync_directories([directory])
    return Run(folder, record)


def set_aside(directory: Path) -> list[int]:
    """Move an open journal out of the way, readable or not; the numbers of its jobs if it says.

    Nothing recovers from it any more. It is kept under ``set-aside``, for a person to look at.
    """
    folder, aside = directory / "current", directory / "set-aside"
    if not folder.exists():
        return []
    try:
        record = _load(folder / "run.json") or {}
    except (Damaged, OSError, ValueError):
        record = {}
    shutil.rmtree(aside, ignore_errors=True)
    folder.rename(aside)
    files.sync_directories([directory])
    numbers = record.get("jobs")
    return [int(number) for number in numbers] if isinstance(numbers, list) else []


def pending(directory: Path) -> Run | None:
    """The run that was not closed, because its process ended in the middle."""
    folder = directory / "current"
    record = _load(folder / "run.json")
    return Run(folder, record) if record is not None else None


def _check_unchanged(deed: Deed) -> None:
    """What is to be replaced must still be what was looked at when the change was planned."""
    if files.read(deed.path) not in (deed.before, deed.text):
        raise Restored(
            f"{deed.path} was changed by somebody else in the meantime",
            hint="It is left as it is. Look at it and ask again.",
        )


def _do(path: Path, text: bytes | None) -> None:
    if text is None:
        files.remove(path)
    else:
        files.replace(path, text)


def _as_record(deed: Deed) -> Record:
    return {
        "path": str(deed.path),
        "owner": deed.owner,
        "text": _packed(deed.text),
        "before": _packed(deed.before),
        "otherwise": _packed(deed.otherwise),
    }


def _read_deed(record: object, place: Path) -> Deed:
    if not isinstance(record, dict):
        raise _damaged(place)
    try:
        texts = {name: _unpacked(record[name]) for name in ("text", "before", "otherwise")}
        return Deed(path=Path(record["path"]), owner=str(record["owner"]), **texts)
    except (KeyError, TypeError, ValueError) as error:
        raise _damaged(place) from error


def _packed(text: bytes | None) -> str | None:
    return None if text is None else base64.b64encode(text).decode("ascii")


def _unpacked(text: object) -> bytes | None:
    return None if text is None else base64.b64decode(str(text), validate=True)


def _save(path: Path, record: Record) -> None:
    body = json.dumps(record, indent=1)
    digest = hashlib.sha256(body.encode()).hexdigest()
    files.replace(path, f"{digest}\n{body}".encode(), mode=files.PRIVATE)


def _load(path: Path) -> Record | None:
    text = files.read(path)
    if text is None:
        return None
    digest, _, body = text.decode("utf-8", "replace").partition("\n")
    if hashlib.sha256(body.encode()).hexdigest() != digest:
        raise _damaged(path)
    record = json.loads(body)
    if not isinstance(record, dict):
        raise _damaged(path)
    return record


def _damaged(path: Path) -> Damaged:
    return Damaged(
        f"The journal {path} is damaged: what was being changed cannot be taken back from it",
        hint="`origin-pulls relax --all` opens every site again without it. "
        "It sets the journal aside; then enforce anew what should be.",
    )
