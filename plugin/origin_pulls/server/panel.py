"""Lays and registers our parts in the panel out of the installed release, and looks at them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from origin_pulls.config import Config
from origin_pulls.model import installation
from origin_pulls.model.installation import NAME
from origin_pulls.server import commands, cpanel, files
from origin_pulls.server.laid import Laid

PROGRAM_TIME = 300.0


def laid(config: Config) -> Iterator[Laid]:
    """All files of the release that belong into the panel; of a theme that is there alone."""
    tree = config.release / "appconfig"
    for source in sorted((tree / "whm").glob("*")):
        match source.suffix:
            case ".cgi":
                yield Laid("page in WHM", source, config.whm_pages / source.name, 0o700)
            case ".tmpl":
                yield Laid("frame in WHM", source, config.whm_templates / source.name, 0o644)
            case ".svg" | ".png":
                yield Laid("icon in WHM", source, config.whm_icons / source.name, 0o644)
    pages = config.jupiter / NAME
    if config.jupiter.is_dir():
        for source in sorted((tree / "cpanel").glob("*.live.php")):
            yield Laid("page in cPanel", source, pages / source.name, 0o644)
        icon = tree / "cpanel" / f"{NAME}.png"
        if icon.is_file():
            place = config.jupiter / "assets/application_icons" / icon.name
            yield Laid("icon in cPanel", icon, place, 0o644)
    hook = tree / "hooks" / config.hook.name
    if hook.is_file():
        yield Laid("hook", hook, config.hook, 0o755)
    folders = [config.whm_pages, *([pages] if config.jupiter.is_dir() else [])]
    for source in _static(config):
        for folder in folders:
            yield Laid("static file", source, _static_place(source, folder), 0o644)


def _static(config: Config) -> list[Path]:
    found = sorted((config.release / "static").glob("*"))
    return [path for path in found if path.is_file() and path.suffix not in (".md", "")]


def _static_place(source: Path, folder: Path) -> Path:
    """Under its name with its digest in it, as the pages ask for it."""
    digest = sha256(files.read(source) or b"").hexdigest()[:12]
    return folder / f"{source.stem}-{digest}{source.suffix}"


def registration(config: Config) -> Path:
    """The release's AppConfig file."""
    return config.release / "appconfig/whm" / f"{NAME}.conf"


def registration_problem(config: Config) -> str:
    """What is wrong with our registration in WHM, empty where it is listed as it should be."""
    text = files.read(registration(config)) or b""
    wanted = installation.application(text.decode("utf-8", "replace"))
    listed = cpanel.whmapi(config, "get_appconfig_application_list")
    return installation.wrong_registration(wanted, listed)


def register(config: Config) -> None:
    """Register the page in WHM; what came of it is seen by looking again."""
    commands.run([config.register_program, registration(config)], timeout=PROGRAM_TIME)


def tile(config: Config) -> Path:
    """The file that makes Jupiter show our tile."""
    return config.jupiter / "dynamicui" / f"dynamicui_{NAME}.conf"


def tile_problem(config: Config) -> str:
    """What is wrong with tile and feature, empty where accounts see them."""
    try:
        if not tile(config).stat().st_mode & 0o004:
            return "accounts cannot read the tile, so they do not see it"
    except FileNotFoundError:
        return "the tile is missing"
    if not (config.whm_features / NAME).is_file():
        return "the Feature Manager does not know it"
    return ""


def lay_tile(config: Config) -> None:
    """Have the tile made anew; each account's menu is kept until the file's time changes."""
    # Under a closed umask the tile would vanish without a word.
    before = os.umask(0o022)
    try:
        folder = config.release / "appconfig/cpanel"
        commands.run([config.tile_program, folder, "--theme=jupiter"], timeout=PROGRAM_TIME)
    finally:
        os.umask(before)
    if not (config.whm_features / NAME).is_file():
        files.replace(config.whm_features / NAME, f"{NAME}:Origin Pulls\n".encode())
    if tile(config).is_file():
        tile(config).chmod(0o644)
        os.utime(tile(config))
    draw_sprites(config)


def draw_sprites(config: Config) -> None:
    """Let the sheet that tiles show be drawn anew."""
    commands.run(
        [config.sprite_program, "--application=cpanel", "--theme=jupiter"], timeout=PROGRAM_TIME
    )


def hooks_problem(config: Config) -> str:
    """Which hooks the panel does not know exactly once, empty where it knows all."""
    described = commands.run([config.hook, "--describe"], timeout=60)
    wanted = installation.described_hooks(described.output)
    if not wanted:
        return "the hook does not describe itself"
    listed = commands.run([config.hooks_program, "list", "--output", "JSON"], timeout=60)
    missing = installation.missing_hooks(wanted, listed.output)
    return f"the panel does not run it exactly once at {', '.join(missing)}" if missing else ""


def register_hooks(config: Config) -> None:
    """Register all hooks; deleted first, because adding twice registers twice."""
    for act in ("delete", "add"):
        commands.run([config.hooks_program, act, "script", config.hook], timeout=PROGRAM_TIME)


def cage_problem(config: Config) -> str:
    """Whether accounts in a cage (CageFS) would not find our socket."""
    try:
        text = files.read(config.cagefs_mounts)
    except OSError as error:
        return f"it cannot be read: {error}"
    if text is None or str(config.account_socket_directory).encode() in text.splitlines():
        return ""
    return "accounts in a cage do not find the socket"


def open_cage(config: Config) -> None:
    """Have the folder of the accounts' socket mounted into the cages."""
    text = files.read(config.cagefs_mounts) or b""
    lines = [*text.splitlines(), str(config.account_socket_directory).encode()]
    mode = config.cagefs_mounts.stat().st_mode & 0o777
    files.replace(config.cagefs_mounts, b"\n".join(lines) + b"\n", mode=mode)
    commands.run([config.cagefs_program, "--remount-all"], timeout=PROGRAM_TIME)
