"""What an installation lays into the system, outside of the panel: link, units and their like."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from origin_pulls.config import Config
from origin_pulls.server import commands, files
from origin_pulls.server.laid import Laid

PROGRAM_TIME = 60.0
START_TIME = 300.0
UNIT_KINDS = (".service", ".socket", ".timer")
# Units that somebody else starts: a socket, or a timer.
ARE_CALLED = ("-web-admin.service", "-web-account.service", "-check.service")


def laid(config: Config) -> Iterator[Laid]:
    """All files of the release that belong into the system."""
    tree = config.release / "appconfig/systemd"
    for unit in units(config):
        yield Laid("unit", tree / unit, config.units_directory / unit, 0o644)
    for name, source, place in (
        ("folders at start", tree / "origin-pulls.tmpfiles", config.tmpfiles),
        ("rotation of logs", tree / "origin-pulls.logrotate", config.logrotate),
        ("completion", tree / "origin-pulls.completion", config.completion),
        ("manual page", config.release / "origin-pulls.8", config.manual),
    ):
        if source.is_file():
            yield Laid(name, source, place, 0o644)


def units(config: Config) -> list[str]:
    """The units of the release, by name."""
    tree = config.release / "appconfig/systemd"
    return sorted(path.name for path in tree.glob("origin-pulls-*") if path.suffix in UNIT_KINDS)


def program(config: Config) -> Path:
    """The program that the link leads to."""
    return config.release / "venv/bin/origin-pulls"


def link_problem(config: Config) -> str:
    """Whether the program's link leads somewhere else, empty where it leads to the release."""
    try:
        target = config.program_link.readlink()
    except FileNotFoundError:
        return "it is missing"
    except OSError:
        return "something else stands in its place"
    return "" if target == program(config) else f"it leads to {target}"


def lay_link(config: Config) -> None:
    """Let the link lead to the release's program; what is no link of ours stays."""
    place = config.program_link
    if place.exists() and not place.is_symlink():
        raise FileExistsError(f"{place} is no link: move it away")
    files.make_directory(place.parent)
    beside = place.with_name(f".{place.name}.new")
    beside.unlink(missing_ok=True)
    beside.symlink_to(program(config))
    beside.replace(place)


def running(config: Config) -> list[str]:
    """The units that are to be active all the time, sockets before what they start."""
    wanted = [unit for unit in units(config) if not unit.endswith(ARE_CALLED)]
    return sorted(wanted, key=lambda unit: (UNIT_KINDS[::-1].index(Path(unit).suffix), unit))


def unit_problem(config: Config, unit: str) -> str:
    """Why a unit is not at work, empty where it is."""
    state = _ask(config, "is-active", unit)
    if not _is_enabled(config, unit):
        return f"it is switched off (systemctl disable), and {state}"
    return "" if state == "active" else f"it is {state}"


def start(config: Config, unit: str) -> None:
    """Start a unit; one that somebody switched off (``systemctl disable``) stays so."""
    if not _is_enabled(config, unit):
        raise PermissionError("that is left to who did it")
    commands.run([config.systemctl_program, "reset-failed", unit], timeout=PROGRAM_TIME)
    commands.run([config.systemctl_program, "start", unit], timeout=START_TIME)


def reload_units(config: Config) -> None:
    """Let systemd read the units anew."""
    commands.run([config.systemctl_program, "daemon-reload"], timeout=PROGRAM_TIME)


def _is_enabled(config: Config, unit: str) -> bool:
    return _ask(config, "is-enabled", unit) == "enabled"


def _ask(config: Config, verb: str, unit: str) -> str:
    ran = commands.run([config.systemctl_program, verb, unit], timeout=PROGRAM_TIME)
    return ran.output.strip() or "unknown"
