"""Takes away what vhosts that are no more left behind: includes, CA files, empty folders.

An include is emptied first where Apache's configuration still names its folder, and removed only
when no line names it any more and Apache has long read that: an ``Include`` without a match, or a
file that vanishes under a reload, would take the whole server down.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from origin_pulls.engine import looking, settling
from origin_pulls.engine.server import Server
from origin_pulls.engine.settling import Say
from origin_pulls.errors import OriginPullsError, Refused, Restored
from origin_pulls.model import include, names
from origin_pulls.model.include import State as FileState
from origin_pulls.model.inventory import Vhost
from origin_pulls.model.job import Job, State, as_record
from origin_pulls.server import files, journal
from origin_pulls.server.journal import Deed

OURS = (FileState.OURS, FileState.COMMENT)


@dataclass(frozen=True, slots=True)
class Ours:
    """An include of ours in the place of a vhost: whose, in which folder, its text."""

    path: Path
    user: str
    folder: str
    text: bytes

    @property
    def state(self) -> FileState:
        """What the file is."""
        return include.state(self.text)


@dataclass(frozen=True, slots=True)
class Cleaned:
    """What was taken away, and whether something is left for later."""

    emptied: tuple[Path, ...] = ()
    removed: tuple[Path, ...] = ()
    is_waiting: bool = False
    job: int = 0


def includes(server: Server) -> list[Ours]:
    """All includes of ours below ``userdata``, in whatever account's folder."""
    userdata = server.apache.paths.userdata
    return [
        Ours(path, path.parts[-3], path.parts[-2], files.read(path) or b"")
        for path in sorted(userdata.glob(f"*/*/*/*/{include.FILE_NAME}"))
    ]


def clean(server: Server, vhosts: Sequence[Vhost], present: Sequence[Ours], say: Say) -> Cleaned:
    """Take away what belongs to no vhost of these; who calls holds the lock.

    ``present`` is what ``includes`` found. Raises ``Restored`` when it was taken back.
    """
    places = set(_places(vhosts))
    left = [one for one in present if (one.user, one.folder) not in places and one.state in OURS]
    orphans = list(_orphans(server, places))
    if not left and not orphans:
        return Cleaned()
    named = _named(server)
    empty = [one.path for one in left if one.state is FileState.OURS and _in(one.path, named)]
    is_quiet = time.time() - _changed(server) >= server.config.cleaning_patience
    loose = [one.path for one in left if not _in(one.path, named)] if is_quiet and not empty else []
    kept = [one for one in present if one.path not in loose]
    bundles = [path for path in orphans if not _is_used(path, kept)] if not empty else []
    is_waiting = len(loose) + len(bundles) < len(left) + len(orphans)
    if not empty and not loose and not bundles:
        return Cleaned(is_waiting=bool(orphans) or any(not _in(one.path, named) for one in left))
    return _carry_out(server, empty, [*loose, *bundles], say, is_waiting=is_waiting)


def _carry_out(
    server: Server, empty: Sequence[Path], remove: Sequence[Path], say: Say, *, is_waiting: bool
) -> Cleaned:
    job = Job(number=0, kind="clean", who="hook", asked=server.stamp())
    number = server.store.add_job(job)
    server.store.start([number], at=server.stamp())
    job = replace(job, number=number, state=State.DONE, message=_said(empty, remove))
    say(job.message)
    run = journal.begin(server.config.journal, {"jobs": [number]})
    try:
        run.carry_out([_deed(path, include.nothing()) for path in empty])
        run.carry_out([_deed(path, None) for path in remove])
        if empty:
            _reload(server)
        run.commit({"jobs": [as_record(job)]})
    except (OriginPullsError, OSError) as error:
        run.take_back()
        problem = settling.settle(server.apache, say)
        reason = f"{error}. What vhosts that are gone left behind is still there. {problem}".strip()
        failed = replace(job, state=State.RESTORED, message=reason)
        server.store.finish([failed], at=server.stamp())
        run.close()
        raise Restored(reason, hint="It is tried again by itself.") from error
    server.store.finish([job], at=server.stamp())
    run.close()
    for path in remove:
        _remove_folders(path)
    return Cleaned(tuple(empty), tuple(remove), is_waiting, number)


def _reload(server: Server) -> None:
    """The panel generates httpd.conf without the vhosts that are gone; Apache reads it."""
    ran = server.apache.rebuild()
    if not ran.is_good:
        raise Refused(f"cPanel refused to rebuild httpd.conf: {ran.last_words}")
    problem = settling.reload(server.apache)
    if problem:
        raise Refused(problem)


def _deed(path: Path, text: bytes | None) -> Deed:
    before = files.read(path)
    otherwise = include.nothing() if path.name == include.FILE_NAME else None
    return Deed(path, text, before, otherwise)


def _places(vhosts: Sequence[Vhost]) -> Iterator[tuple[str, str]]:
    """Account and folder of each vhost that is; also while it has no certificate."""
    for vhost in vhosts:
        for folder in (vhost.include_directory, vhost.plain_include_directory):
            if folder:
                yield vhost.user, Path(folder).name
        yield vhost.user, vhost.server_name
        yield vhost.user, vhost.server_name.replace("_wildcard_.", "wildcard_safe.")


def _orphans(server: Server, places: Collection[tuple[str, str]]) -> Iterator[Path]:
    """CA files of vhosts that are no more."""
    for path in sorted(server.config.trust_directory.glob("*/*.pem")):
        user, name = path.parent.name, path.stem
        if names.is_account(user) and (user, name) not in places and path.is_file():
            yield path


def _named(server: Server) -> set[str]:
    conf = looking.read_conf(server)
    return {pattern for block in conf.blocks for pattern in block.includes}


def _in(path: Path, named: Collection[str]) -> bool:
    return f"{path.parent}/*.conf" in named


def _changed(server: Server) -> float:
    return server.apache.paths.conf.stat().st_mtime


def _is_used(bundle: Path, kept: Sequence[Ours]) -> bool:
    return any(str(bundle).encode() in one.text for one in kept)


def _remove_folders(path: Path) -> None:
    """The folder of a file that went and the account's above it, where they are empty now."""
    for folder in (path.parent, path.parent.parent)[: 2 if path.name == include.FILE_NAME else 1]:
        with contextlib.suppress(OSError):
            folder.rmdir()


def _said(empty: Sequence[Path], remove: Sequence[Path]) -> str:
    done = []
    if empty:
        done.append(f"emptied {len(empty)}")
    if remove:
        done.append(f"removed {len(remove)}")
    return f"Files of vhosts that are gone: {' and '.join(done)}."
