"""The manual page says what the commands are; bash completes them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from origin_pulls.cli import commands, manual
from tests.documents import TOP
from tests.test_docs import COMMANDS

COMPLETION = TOP / "appconfig/systemd/origin-pulls.completion"
HIDDEN = {  # what a command knows only to say that it takes it not
    "off": {
        *("--trust", "--ca", "--exempt-name", "--exempt-path", "--exempt-net", "--no-exempt"),
        *("--edge-ready", "--on-drift"),
    }
}
# As readline asks: the words so far, the last of them begun; what it would offer, one a line.
ASK = """
. "$1"
shift
complete -p origin-pulls >&2
COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
_origin_pulls origin-pulls
printf '%s\\n' "${COMPREPLY[@]}"
"""


def plain(text: str) -> str:
    return text.replace(r"\-", "-").replace(r"\&", "").replace(r"\e", "\\")


def test_the_manual_page_holds_every_command_with_its_options() -> None:
    parts = dict(
        part.partition("\n")[::2] for part in re.split(r"^\.SS ", manual.page(), flags=re.MULTILINE)
    )
    found = {re.sub(r" \\fI.*", "", plain(title)): plain(text) for title, text in parts.items()}
    for command, options in COMMANDS.items():
        said = found[command]
        for spellings in options:
            if not spellings & ({"--root", "--json"} | HIDDEN.get(command, set())):
                assert any(re.search(rf"^\.B .*{one}\b", said, re.M) for one in spellings), (
                    spellings
                )


def test_it_explains_each_exit_code_of_the_readme() -> None:
    table = (TOP / "README.md").read_text().partition("### Exit codes")[2].partition("\n## ")[0]
    codes = re.findall(r"^\| (\d+) \|", table, re.MULTILINE)
    assert [code for code, _ in manual.STATUS] == codes


def test_roff_reads_it_without_a_warning(tmp_path: Path) -> None:
    words = ["groff", "-ww", "-K", "utf8", "-T", "utf8", "-man"]
    ran = subprocess.run(words, input=manual.page(), capture_output=True, text=True, check=True)
    assert ran.stderr == ""
    assert "origin-pulls" in ran.stdout


def test_what_looks_like_a_request_is_text() -> None:
    group = click.Group(commands={"x": click.Command("x", help=".TH\n\n'quoted' \\fB back-slash")})
    said = manual.page(group)
    assert r"\&.TH" in said
    assert r"\&'quoted' \efB back\-slash" in said


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        (["enf"], {"enforce"}),
        (["token", ""], set(commands.commands["token"].commands)),  # type: ignore[attr-defined]
        (["enforce", "blog.example", "--exempt-n"], {"--exempt-name", "--exempt-net"}),
        (["enforce", "--trust", ""], {"own", "cloudflare", "custom"}),
        (["--root", "/", "che"], {"check-installation"}),
        (["prove", "blog.example", "--j"], {"--json"}),
    ],
)
def test_bash_completes(typed: list[str], offered: set[str]) -> None:
    folder = Path(sys.executable).parent
    ran = subprocess.run(
        ["bash", "-c", ASK, "bash", COMPLETION, "origin-pulls", *typed],
        env={"PATH": f"{folder}:/usr/bin:/bin"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "-F _origin_pulls origin-pulls" in ran.stderr
    assert set(ran.stdout.split()) == offered


def test_the_help_of_off_lists_only_what_off_takes() -> None:
    said = CliRunner().invoke(commands, ["off", "--help"]).output
    assert "--port80" in said
    assert "--keep-going" in said
    for option in ("--trust", "--ca", "--exempt-name", "--no-exempt", "--edge-ready", "--on-drift"):
        assert f"{option} " not in said
