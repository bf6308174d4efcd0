"""A caller who means harm: a folder whose modules Python must not take for its own."""

from __future__ import annotations

from pathlib import Path

MODULES = (
    *("venv", "ensurepip", "pip", "sysconfig", "compileall", "origin_pulls"),
    *("json", "pathlib", "contextlib", "sqlite3", "socket", "subprocess"),
)


def traps(folder: Path) -> tuple[str, ...]:
    """Lay modules that tell when they are run; the words that start something in that folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in MODULES:
        (folder / f"{name}.py").write_text("open(__file__ + '.ran', 'w').close()\n")
    return ("sh", "-c", 'cd "$0" && exec "$@"', str(folder))


def trodden(folder: Path) -> list[str]:
    """The modules that somebody ran."""
    return sorted(path.name for path in folder.glob("*.ran"))
