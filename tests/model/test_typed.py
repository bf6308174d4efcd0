"""Sentences are written once: what is typed at a shell has its place on the pages, or is known
to have none."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import origin_pulls
from origin_pulls.model import rights, typed
from origin_pulls.model.settings import TITLES

PACKAGE = Path(origin_pulls.__file__).parent
TEMPLATES = PACKAGE.parents[1] / "templates"
# Nobody reads these on a page: the shell's own words, and the sandbox's.
NOT_ON_PAGES = ("cli", "sandbox")
# What no page has: an administrator types it, an account holder is not told of it.
AT_THE_SHELL = re.compile(
    r"origin-pulls (?:zones|check-installation(?: --repair)?|certificate import(?: [^ ]+)?"
    r"|rotate [^ ]+ --made-here|ranges(?: --json)?|agent)"
    r"|--(?:from|shrink|ca|root DIR)"
)
OPTION = re.compile(r"(?<![\w`-])--[a-z]")


def sentences() -> Iterator[tuple[str, str]]:
    """Every text of the program that is no docstring, and where it stands; of a value in it, 7."""
    for file in sorted(PACKAGE.rglob("*.py")):
        where = file.relative_to(PACKAGE)
        if where.parts[0] in NOT_ON_PAGES:
            continue
        tree = ast.parse(file.read_text())
        statements = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
        pieces = {
            id(part)
            for node in ast.walk(tree)
            if isinstance(node, ast.JoinedStr)
            for part in ast.walk(node)
            if part is not node
        }
        for node in ast.walk(tree):
            if id(node) in statements | pieces:
                continue
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield f"{where}:{node.lineno}", node.value
            elif isinstance(node, ast.JoinedStr):
                texts = [
                    str(one.value) if isinstance(one, ast.Constant) else "7" for one in node.values
                ]
                yield f"{where}:{node.lineno}", "".join(texts)


def test_what_is_typed_has_its_place_on_the_pages() -> None:
    unknown = [
        (where, snippet)
        for where, text in sentences()
        for snippet in typed.TYPED.findall(text)
        if snippet.startswith(("origin-pulls", "--"))
        and typed.spot(snippet) is None
        and not AT_THE_SHELL.fullmatch(snippet)
    ]
    assert not unknown, "\n".join(map(str, unknown))


def test_an_option_in_a_sentence_stands_in_backticks() -> None:
    bare = [
        (where, text)
        for where, text in sentences()
        if text[:1].isupper() and " " in text and OPTION.search(typed.TYPED.sub("", text))
    ]
    assert not bare, "\n".join(map(str, bare))


def test_a_place_is_named_as_the_page_names_it() -> None:
    texts = [file.read_text() for file in TEMPLATES.rglob("*.html")]
    # The form of the settings prints each of these.
    pages = " ".join([*texts, *TITLES.values()])
    for _, spot in typed.SPOTS:
        for words in re.split(" > |, I ", spot.words):
            said = re.sub(r" ?\{\w+\}|:.*|^the page of the domain$", "", words)
            assert said in pages, words


@pytest.mark.parametrize(
    ("hint", "told"),
    [
        ("", ""),
        ("Set the record to proxied.", "Set the record to proxied."),
        ("See `origin-pulls jobs`.", "See `origin-pulls jobs`."),
        ("See `origin-pulls zones`.", rights.ASK_ADMIN),
        ("Do `rm -rf x`.", rights.ASK_ADMIN),
        (
            "Bring one: `origin-pulls token add`. Or say so with `--edge-ready`.",
            f"Bring one: `origin-pulls token add`. {rights.OR_ASK_ADMIN}",
        ),
        (
            "Add one (`token add`), or leave it: `--exempt-name a.example`; or `--edge-ready`.",
            "Add one (`token add`), or leave it: `--exempt-name a.example`. " + rights.OR_ASK_ADMIN,
        ),
        ("Look into /etc/apache2.", rights.ASK_ADMIN),
    ],
)
def test_an_account_holder_reads_what_they_can_do(hint: str, told: str) -> None:
    assert rights.as_told_to_accounts("No", hint) == ("No", told)


def test_a_job_is_found_by_its_number() -> None:
    found = typed.spot("origin-pulls cancel 12")
    assert found is not None
    assert (found.words, found.page, found.number) == ("Job 12 > Cancel this job", "job", 12)
    assert typed.spot("origin-pulls cancel x") is None
    assert typed.spot("origin-pulls enforce a.example; rm") is None
