"""Imports point down only; what is pure stays pure."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "plugin" / "origin_pulls"

# From the top down; what stands in one row must not import another of the same row.
LAYERS = (
    ("cli",),
    ("web",),
    ("actions",),
    ("agent",),
    ("engine",),
    ("server", "cloudflare", "store"),
    ("model",),
    ("config",),
    ("secret", "yaml_text"),
    ("errors",),
)
PURE_FORBIDDEN = {"os", "pathlib", "subprocess", "socket", "sqlite3", "requests", "time", "random"}


def layer(module: str) -> int | None:
    for number, names in enumerate(LAYERS):
        if module.split(".")[0] in names:
            return number
    return None


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def own_imports(path: Path) -> set[str]:
    names = {
        name.removeprefix("origin_pulls.") for name in imports(path) if "origin_pulls." in name
    }
    return {name.split(".")[0] for name in names} - {"__version__"}


SOURCES = sorted(PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_down_only(path: Path) -> None:
    own = path.relative_to(PACKAGE).with_suffix("").parts[0]
    mine = layer(own)
    assert mine is not None or own in ("sandbox", "__init__"), f"{own} stands in no layer"
    for name in own_imports(path) - {own}:
        if own == "sandbox":
            assert name in ("errors", "sandbox"), f"the sandbox must not know {name}"
        elif own == "cli" and path.stem == "sandbox":
            assert name in ("sandbox", "errors", "cli")
        elif mine is not None:
            theirs = layer(name)
            assert theirs is not None, f"{own} must not import {name}"
            assert theirs > mine, f"{own} must not import {name}"


@pytest.mark.parametrize(
    "path", sorted((PACKAGE / "model").glob("*.py")), ids=lambda path: path.stem
)
def test_the_model_opens_nothing(path: Path) -> None:
    used = {name.split(".")[0] for name in imports(path)}
    allowed = {"pathlib"}  # for paths as values; opening one would need a call that reviews see
    assert not used & (PURE_FORBIDDEN - allowed)
    calls = {
        node.func.attr
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
    }
    assert not calls & {"open", "read_text", "read_bytes", "write_text", "write_bytes", "exists"}
