"""The project's documents, and what stands in them: pages, sections, blocks to type, links."""

from __future__ import annotations

import re
from pathlib import Path

TOP = Path(__file__).parents[1]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def pages() -> list[Path]:
    """Every page of the project."""
    return sorted({*TOP.glob("*.md"), *(TOP / "docs").rglob("*.md"), *TOP.glob("[a-z]*/*.md")})


def section(page: str, heading: str) -> str:
    """What stands below a heading of the second rank, up to the next one."""
    text = (TOP / page).read_text()
    _, found, rest = text.partition(f"\n## {heading}\n")
    assert found, f"{page} has no section {heading!r}"
    return rest.partition("\n## ")[0]


def blocks(text: str) -> list[str]:
    """The blocks of a text that one types, in order; those in a language are left out."""
    return [block for language, block in FENCE.findall(text) if not language]


def code(text: str) -> list[str]:
    """What stands as code in a text: each line of a block, and each piece inside a line."""
    fenced = [line for _, block in FENCE.findall(text) for line in block.splitlines()]
    spans = re.findall(r"(?<!`)`([^`]+)`(?!`)", FENCE.sub("", text))
    return [*fenced, *(" ".join(span.split()) for span in spans)]


def rows(text: str) -> list[list[str]]:
    """The cells of every table of a text, row by row, without heads."""
    lines = [line for line in FENCE.sub("", text).splitlines() if line.startswith("|")]
    split = [re.split(r"(?<!\\)\|", line.strip()[1:-1]) for line in lines]
    cells = [[cell.strip().replace("\\|", "|") for cell in row] for row in split]
    heads = {number for number, row in enumerate(cells) if set("".join(row)) <= set("-: ")}
    return [row for number, row in enumerate(cells) if not {number, number + 1} & heads]


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", FENCE.sub("", page.read_text()), re.MULTILINE)
    plain = [re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", title).lower() for title in titles]
    return {re.sub(r"[^\w -]", "", title).strip().replace(" ", "-") for title in plain}


def links(page: Path) -> list[str]:
    """The targets of a page's links and pictures."""
    return re.findall(r"\]\(([^)\s]+)\)", FENCE.sub("", page.read_text()))
