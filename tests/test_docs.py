"""The documents tell the truth: links, commands, options, settings, errors, files, modules."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import click
import pytest

from origin_pulls.cli import commands
from origin_pulls.config import KNOWN, SETTINGS, Config
from origin_pulls.model.policy import Policy
from origin_pulls.model.settings import CHOICES, NUMBERS
from origin_pulls.model.settings import Settings as AdministratorSettings
from tests.documents import TOP, anchors, code, links, pages, rows, section

DASH = "\N{EN DASH}"
PLUGIN = TOP / "plugin/origin_pulls"
PAGES = pages()
MANUAL = [TOP / "README.md", *sorted((TOP / "docs").glob("*.md"))]
# What every command takes, said once for all of them.
COMMON = {"--root", "--json", "--help", "-h"}


def every_command(
    command: click.Command = commands, words: tuple[str, ...] = ()
) -> dict[str, list[set[str]]]:
    """Each command by its words, with the spellings of each of its options."""
    if not isinstance(command, click.Group):
        options = [one for one in command.params if isinstance(one, click.Option)]
        return {" ".join(words): [{*one.opts, *one.secondary_opts} for one in options]}
    found: dict[str, list[set[str]]] = {}
    for name, inner in command.commands.items():
        found |= every_command(inner, (*words, name))
    return found


COMMANDS = every_command()


# -- links -------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(TOP)))
def test_every_link_leads_somewhere(page: Path) -> None:
    wrong = []
    for target in links(page):
        place, _, anchor = target.partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        found = page if not place else (page.parent / place).resolve()
        if not found.exists() or (anchor and anchor not in anchors(found)):
            wrong.append(target)
    assert wrong == []


# -- commands ----------------------------------------------------------------------------------


# The program, not a folder, a group or a user of the same name.
TYPED = r"(?:^|[\s(]|bin/)(?<!-g )origin-pulls ([^|;#<>&`$]+)"


def command_lines() -> Iterator[tuple[str, list[str]]]:
    """What the pages say to type: the page, and the words after ``origin-pulls``."""
    for page in PAGES:
        for line in code(page.read_text()):
            for said in re.findall(TYPED, line):
                yield page.name, [word.strip("[](),.:'\"") for word in said.split()]


def is_known(words: list[str]) -> bool:
    """Whether there is such a command, with such options."""
    group: click.Command = commands
    taken = {"--root", "-v", "--version"}
    words = [word for word in words if word]
    if words[:1] == ["--root"]:
        words = words[2:]
    while isinstance(group, click.Group) and words and not words[0].startswith("-"):
        found = group.commands.get(words[0])
        if found is None:
            return words[0][0] in "…$" or words[0].isupper()
        group, words = found, words[1:]
        taken = set()
    taken |= {o for one in group.params for o in (*one.opts, *one.secondary_opts)} | COMMON
    return all(word.partition("=")[0] in taken for word in words if word.startswith("-"))


def test_every_command_that_is_named_exists() -> None:
    found = list(command_lines())
    assert len(found) > 40
    assert [(page, words) for page, words in found if not is_known(words)] == []


def test_the_table_of_commands_is_complete_and_true() -> None:
    listed: set[str] = set()
    for cell, _ in rows(section("README.md", "Commands").partition("NAME is any")[0]):
        for said in re.findall(r"`([^`]+)`", cell):
            group, *words = said.split()
            last = words[0] if words and re.fullmatch(r"[a-z][a-z|-]*", words[0]) else ""
            names = [f"{group} {one}" for one in last.split("|")] if last else [group]
            if group == "web":
                names = [group]
            listed |= set(names)
            known = {word for name in names for each in COMMANDS.get(name, []) for word in each}
            assert set(re.findall(r"--[\w-]+", said)) <= known, said
    assert listed == set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_is_documented(command: str) -> None:
    said = " ".join(text for page in MANUAL for text in code(page.read_text()))
    words = set(re.findall(r"(?<![\w-])--?[a-z][\w-]*", said))
    assert [each for each in COMMANDS[command] if words.isdisjoint(each)] == []


def test_what_install_sh_takes_is_in_its_help_and_the_pages_ask_for_nothing_else() -> None:
    script = (TOP / "install.sh").read_text()
    helped = script.partition("<<'HELP'")[2].partition("\nHELP\n")[0]
    cases = script.partition("while (($#))")[2].partition("*) usage_error")[0]
    taken = set(
        re.findall(r"(?<![\w-])(?:--[a-z-]+|install|upgrade|rollback|uninstall|status)\b", cases)
    )
    assert taken >= {"install", "--check", "--prepare", "--keep-data"}
    assert {word for word in taken if not re.search(rf"(?<![\w-]){word}(?![\w-])", helped)} == set()
    asked = {
        word
        for page in PAGES
        for line in code(page.read_text())
        for said in re.findall(r"install\.sh ([^|;#<>&()`]+)", line)
        for word in said.split()
        if not word.isupper() and not word.startswith(("/", "…"))
    }
    assert asked - taken <= {"run", "test", "of", "in", "again"}


# -- settings ----------------------------------------------------------------------------------


def number(text: str) -> float:
    return float(text.replace(",", ""))


def test_every_setting_of_config_yaml_is_explained_with_default_and_range() -> None:
    explained: dict[str, tuple[str, str]] = {}
    for names, default, span, _ in rows(section("docs/CONFIGURATION.md", TITLE)):
        each = re.findall(r"`([^`]+)`", names)
        defaults = re.findall(r"`([^`]+)`", default)
        assert len(each) == len(defaults), names
        explained |= {name: (one, span) for name, one in zip(each, defaults, strict=True)}
    assert set(explained) == {*KNOWN}
    for name, (default, _) in explained.items():
        assert type(getattr(Config(), name))(default) == getattr(Config(), name), name
    for name, (_, least, most) in SETTINGS.items():
        low, high = explained[name][1].removesuffix(" s").split(DASH)
        assert (number(low), number(high)) == (least, most), name


TITLE = "Settings: `/etc/origin-pulls/config.yaml`"
OF_ADMINISTRATOR = "Settings of the administrator: `origin-pulls settings [NAME=VALUE…]`"


def test_every_setting_of_the_administrator_is_explained() -> None:
    explained: dict[str, tuple[str, str]] = {}
    for names, default, values, _ in rows(section("docs/CONFIGURATION.md", OF_ADMINISTRATOR)):
        each, defaults = re.findall(r"`([^`]+)`", names), re.findall(r"`([^`]+)`", default)
        explained |= {name: (one, values) for name, one in zip(each, defaults, strict=True)}
    assert set(explained) == {*CHOICES, *NUMBERS}
    assert {
        name: one for name, (one, _) in explained.items()
    } == AdministratorSettings().as_record()
    for name, (least, most) in NUMBERS.items():
        assert explained[name][1] == f"{least}{DASH}{most}", name
    for name, choices in CHOICES.items():
        if "as in a policy" not in explained[name][1]:
            assert re.findall(r"`([^`]+)`", explained[name][1]) == list(map(str, choices)), name


def test_every_key_of_a_policy_is_explained() -> None:
    text = section("docs/CONFIGURATION.md", "Policies: `origin-pulls apply FILE.yaml`")
    keys = {key for names, *_ in rows(text) for key in re.findall(r"`([^`]+)`", names)}
    assert keys == {field.name for field in fields(Policy)} | {"name", "ca_file"}


# -- errors ------------------------------------------------------------------------------------

# Modules whose refusals explain themselves where they are read; all others are in the list.
REFUSING = ("model/refusals.py", "model/edge_obstacles.py", "engine/edge/beginning.py")
ALWAYS = ("Busy", "Unanswered", "Restored", "NotRestored", "Damaged")


def unchanging(node: ast.expr) -> list[str]:
    """The parts of a message that are the same each time."""
    match node:
        case ast.Constant(value=str(text)):
            return [text]
        case ast.JoinedStr(values=values):
            return [part for value in values for part in unchanging(value)]
        case ast.BinOp(left=left, right=right):
            return [*unchanging(left), *unchanging(right)]
    return []


def errors() -> dict[str, str]:
    """The longest unchanging part of each error that stops a change, and where it is raised."""
    found: dict[str, str] = {}
    for path in sorted(PLUGIN.rglob("*.py")):
        inner = str(path.relative_to(PLUGIN))
        if inner.startswith("sandbox/") or inner == "cli/sandbox.py":
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
                continue
            kinds = (*ALWAYS, "Refused") if inner in REFUSING else ALWAYS
            if node.func.id not in kinds or not node.args:
                continue
            parts = [part.strip(" :.,;()…") for part in unchanging(node.args[0])]
            if longest := max(parts, key=len, default=""):
                found[longest] = f"{inner}:{node.lineno}"
    return found


def test_every_error_is_explained() -> None:
    said = " ".join((TOP / "docs/OPERATING.md").read_text().replace("`", "").split())
    found = errors()
    assert len(found) > 40
    assert {text: at for text, at in found.items() if text not in said} == {}


# -- files and modules -------------------------------------------------------------------------

PATH = re.compile(r"(?<![\w/.…-])((?:[\w.-]+/)+[\w.-]*)(?![\w/*{])")


def test_every_file_of_the_project_that_is_named_exists() -> None:
    wrong, right = [], 0
    for page in PAGES:
        for text in code(page.read_text()):
            for said in PATH.findall(text):
                first = said.partition("/")[0]
                bases = [base for base in (TOP, PLUGIN, page.parent) if (base / first).is_dir()]
                if not bases or first in (".", ".venv"):
                    continue
                places = [
                    Path(f"{base / said}{ending}") for base in bases for ending in ("", ".py")
                ]
                if any(place.exists() for place in places):
                    right += 1
                else:
                    wrong.append((page.name, said))
    assert right > 40
    assert wrong == []


@pytest.mark.parametrize(
    ("heading", "start", "folder"),
    [
        (
            "Layers (imports point down only; `tests/test_layers.py` keeps it so)",
            "**`engine/`**",
            "engine",
        ),
        ("The way at the edge", "", "engine/edge"),
    ],
)
def test_the_map_names_every_module(heading: str, start: str, folder: str) -> None:
    text = section("docs/ARCHITECTURE.md", heading)
    text = text[text.index(start) :]
    listed = {name for cells in rows(text) for name in re.findall(r"`(\w+)`", cells[0])}
    named = {name for cells in rows(text) for name in re.findall(r"`(\w+)`", " ".join(cells))}
    there = {path.stem for path in (PLUGIN / folder).glob("*.py")} - {"__init__"}
    assert (listed - there, there - named) == (set(), set())
