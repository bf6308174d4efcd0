"""Whether everything of ours is in its place after an update of the panel; repairs what is not.

Only what an installation laid is looked at, and only out of the installed release is repaired.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

from origin_pulls.engine import looking
from origin_pulls.engine.preparing import applied_now
from origin_pulls.engine.server import Server
from origin_pulls.errors import Refused
from origin_pulls.model import include
from origin_pulls.model.include import State as FileState
from origin_pulls.model.installation import Part, State
from origin_pulls.model.inventory import Vhost
from origin_pulls.model.policy import Mode, Policy
from origin_pulls.model.wish import Change, Wanted
from origin_pulls.server import files, panel, system
from origin_pulls.store import listing

Ask = Callable[[Change], object]
AGAIN = "Install the release again: install.sh upgrade"


def check(server: Server, *, repair: bool, ask: Ask) -> list[Part]:
    """Look at all parts; with ``repair`` mend those that are not right, and look again.

    ``ask`` has a change carried out as an ordinary job. Raises ``Refused`` where no release is
    installed, or one is just being installed.
    """
    config = server.config
    if not (config.release / "appconfig").is_dir():
        raise Refused(
            f"There is no installed release at {config.release}",
            hint="This looks after an installation; install.sh makes one.",
        )
    if config.installation_under_way.exists():
        raise Refused(
            "An installation is under way",
            hint="Wait for its end; if it was interrupted: install.sh again.",
        )
    found = [*_files(server, repair=repair), *_registrations(server, repair=repair)]
    found += [*_program(server, repair=repair), *_units(server, repair=repair)]
    return [*found, *_permissions(server, repair=repair), *_includes(server, ask, repair=repair)]


def attention(server: Server) -> list[str]:
    """What was noted for a person, a line each: a policy that stepped back is in force as such."""
    noted = listing.noted(server.store)
    return [f"{place[-1]}: {text}" for place, texts in noted.items() for text in texts]


def _part(
    name: str,
    problem: Callable[[], str],
    mend: Callable[[], object],
    *,
    repair: bool,
    hint: str = AGAIN,
) -> Part:
    """One part: looked at, mended where that is wanted, and looked at again."""
    said = _said(problem)
    if not said:
        return Part(name, State.GOOD)
    if not repair:
        return Part(name, State.BAD, said, "origin-pulls check-installation --repair")
    try:
        mend()
    except OSError as error:
        return Part(name, State.NOT_REPAIRED, f"{said}; {error}", hint)
    left = _said(problem)
    if left:
        return Part(name, State.NOT_REPAIRED, left, hint)
    return Part(name, State.REPAIRED, said)


def _said(problem: Callable[[], str]) -> str:
    try:
        return problem()
    except OSError as error:
        return str(error)


def _files(server: Server, *, repair: bool) -> Iterator[Part]:
    config = server.config
    for one in panel.laid(config):
        part = _part(f"{one.name}: {one.place}", one.problem, one.lay, repair=repair)
        if part.state is State.REPAIRED and one.place.parent.name == "application_icons":
            panel.draw_sprites(config)
        yield part


def _program(server: Server, *, repair: bool) -> Iterator[Part]:
    """The program's link, the units' files, and what else lies in the system's own folders."""
    config = server.config
    if system.program(config).exists():
        yield _part(
            f"link: {config.program_link}",
            lambda: system.link_problem(config),
            lambda: system.lay_link(config),
            repair=repair,
        )
    is_new = False
    for one in system.laid(config):
        part = _part(f"{one.name}: {one.place}", one.problem, one.lay, repair=repair)
        is_new |= one.name == "unit" and part.state is State.REPAIRED
        yield part
    if is_new:
        system.reload_units(config)


def _units(server: Server, *, repair: bool) -> Iterator[Part]:
    """Whether agent, sockets and timers are at work."""
    config = server.config
    for unit in system.running(config):
        if not (config.units_directory / unit).is_file():
            continue  # said already
        yield _part(
            f"at work: {unit}",
            partial(system.unit_problem, config, unit),
            partial(system.start, config, unit),
            repair=repair,
            hint=f"systemctl enable --now {unit}",
        )


def _registrations(server: Server, *, repair: bool) -> Iterator[Part]:
    config = server.config
    if panel.registration(config).is_file():
        yield _part(
            "registration in WHM (AppConfig)",
            lambda: panel.registration_problem(config),
            lambda: panel.register(config),
            repair=repair,
        )
    if (config.release / "appconfig/cpanel/install.json").is_file() and config.jupiter.is_dir():
        yield _part(
            "tile in cPanel (Jupiter)",
            lambda: panel.tile_problem(config),
            lambda: panel.lay_tile(config),
            repair=repair,
        )
    if (config.release / "appconfig/hooks" / config.hook.name).is_file():
        yield _part(
            "hooks",
            lambda: panel.hooks_problem(config),
            lambda: panel.register_hooks(config),
            repair=repair,
        )
    if config.cagefs_mounts.exists():
        yield _part(
            f"CageFS: {config.cagefs_mounts}",
            lambda: panel.cage_problem(config),
            lambda: panel.open_cage(config),
            repair=repair,
        )


def _permissions(server: Server, *, repair: bool) -> Iterator[Part]:
    config = server.config
    closed = (config.keys_directory, config.probe_directory, config.journal, config.spool_directory)
    opened = (config.settings_file.parent, config.trust_directory, config.state_directory)
    for folder, mode in [*((path, 0o700) for path in closed), *((path, 0o755) for path in opened)]:
        if folder.exists():
            yield _part(
                f"permissions: {folder}",
                partial(_open_to_others, folder, mode),
                partial(folder.chmod, mode),
                repair=repair,
                hint=f"Look who owns it: ls -ld {folder}",
            )


def _open_to_others(folder: Path, mode: int) -> str:
    found = folder.lstat()
    if found.st_uid != 0:
        return f"it belongs to user {found.st_uid}, not to root"
    is_too_open = found.st_mode & 0o777 & ~mode
    return f"its mode is {found.st_mode & 0o777:o}, not {mode:o}" if is_too_open else ""


def _includes(server: Server, ask: Ask, *, repair: bool) -> Iterator[Part]:
    """Each vhost with a policy: is its include there, as we wrote it, and does Apache read it?"""
    lost = [vhost for vhost, _ in _in_force(server) if _lost(server, vhost)]
    if lost and repair:
        _ask_again(server, lost, ask)
    asked = {vhost.key for vhost in lost}
    for vhost, _ in _in_force(server):
        name, said = f"include: {vhost.server_name}", _lost(server, vhost)
        if said:
            state = State.NOT_REPAIRED if repair else State.BAD
            yield Part(name, state, said, f"origin-pulls show {vhost.server_name}")
        elif vhost.key in asked:
            yield Part(name, State.REPAIRED, "its policy was not in force")
        else:
            yield Part(name, State.GOOD)


def _ask_again(server: Server, lost: Sequence[Vhost], ask: Ask) -> None:
    """Have the policies of these vhosts carried out anew.

    An include that is missing, or names a CA file that is, makes the configuration invalid, and
    Apache would not survive the next reload. So it is a comment until the job has proven more.
    """
    applied = applied_now(server, looking.look(server))
    for vhost in lost:
        path = Path(vhost.include_directory) / include.FILE_NAME
        text = files.read(path)
        if include.state(text) in (FileState.OURS, FileState.ABSENT):
            is_named = f"{path.parent}/*.conf" in vhost.includes
            if is_named and (text is None or not _bundle(server, vhost).is_file()):
                files.replace(path, include.nothing())
    items = [Wanted(one.user, one.server_name, applied[one.key].policy) for one in lost]
    ask(Change(tuple(items), "check", is_partial=True))


def _bundle(server: Server, vhost: Vhost) -> Path:
    return server.config.trust_directory / vhost.user / f"{vhost.server_name}.pem"


def _in_force(server: Server) -> list[tuple[Vhost, Policy]]:
    found = looking.look(server)
    applied = applied_now(server, found)
    return [
        (vhost, applied[vhost.key].policy)
        for vhost in found.vhosts
        if vhost.is_ssl and vhost.key in applied and applied[vhost.key].policy.mode is not Mode.OFF
    ]


def _lost(server: Server, vhost: Vhost) -> str:
    """Why a vhost's policy is not in force, as far as files show it; empty where it is."""
    folder = Path(vhost.include_directory)
    if f"{folder}/*.conf" not in vhost.includes:
        return "httpd.conf has no Include line for it"
    match include.state(files.read(folder / include.FILE_NAME)):
        case FileState.OURS:
            return "" if _bundle(server, vhost).is_file() else "its CA file is gone"
        case FileState.EDITED | FileState.FOREIGN:
            return "somebody edited its include"
        case _:
            return "its include is gone"
