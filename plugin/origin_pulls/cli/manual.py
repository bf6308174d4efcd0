"""The manual page origin-pulls(8), made of the commands themselves.

``python -m origin_pulls.cli.manual`` prints it; the installer keeps that where ``man`` looks.
Its form is that of man-pages(7).
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator

import click

from origin_pulls import __version__
from origin_pulls.cli import commands
from origin_pulls.config import Config

PROGRAM = "origin-pulls"
SUMMARY = "Cloudflare Authenticated Origin Pulls per domain on a cPanel & WHM server"
STATUS = (
    ("0", "done"),
    ("1", "a proof does not hold, or a check found something"),
    ("2", "not understood; nothing was looked at"),
    ("3", "refused; nothing was touched"),
    ("4", "failed, and taken back"),
    ("5", "failed, and not taken back: the message names the commands to type"),
    (
        "130",
        "stopped by Ctrl-C: before anything was touched, or too late, which is said",
    ),
)
COMMON = ("root", "as_json", "help")  # what every command takes: said once
KEPT = (
    ("settings_file", "settings of this server"),
    ("keys_directory", "certificates with their keys; root alone"),
    ("tokens_directory", "Cloudflare's tokens; root alone"),
    ("store", "policies, jobs, audit"),
    ("journal", "the undo of the run that is under way"),
    ("agent_socket", "where the agent is asked"),
)


def page(group: click.Group = commands) -> str:
    """The manual page of all commands below ``group``, as roff."""
    lines = [
        r".\" -*- coding: utf-8 -*-",
        f'.TH ORIGIN\\-PULLS 8 "" "Origin Pulls {_text(__version__)}" "System administration"',
        *(".SH NAME", f"{_text(PROGRAM)} \\- {_text(SUMMARY)}"),
        *(".SH SYNOPSIS", f".B {_text(PROGRAM)}", r"[\fB\-\-root\fR \fIDIR\fR] [\fB\-v\fR]"),
        r"\fICOMMAND\fR [\fIOPTIONS\fR]",
        *(".SH DESCRIPTION", *_paragraphs(group)),
        *(".SH OPTIONS", *_options(group)),
        *(".PP", r"Every command takes \fB\-\-root\fR, \fB\-\-json\fR and \fB\-\-help\fR."),
        ".SH COMMANDS",
    ]
    for words, command in _every(group):
        lines += _command(words, command)
    lines.append(".SH EXIT STATUS")
    for code, meaning in STATUS:
        lines += [".TP", f".B {code}", _text(meaning)]
    lines += [".SH ENVIRONMENT", ".TP", r".B ORIGIN_PULLS_ROOT", r"the same as \fB\-\-root\fR"]
    lines.append(".SH FILES")
    for field, meaning in KEPT:
        lines += [".TP", f".I {_text(str(getattr(Config(), field)))}", _text(meaning)]
    guide = Config().release / "docs/OPERATING.md"
    lines += [".SH SEE ALSO", f"{_text(str(guide))}: what to type when nothing else works."]
    return "\n".join([*lines, ""])


def _every(group: click.Group, words: str = "") -> Iterator[tuple[str, click.Command]]:
    for name, command in group.commands.items():
        full = f"{words} {name}".strip()
        if isinstance(command, click.Group):
            yield from _every(command, full)
        elif not command.hidden:
            yield full, command


def _command(words: str, command: click.Command) -> list[str]:
    context = click.Context(command, info_name=words)
    taken = [one.make_metavar(context) for one in command.params if isinstance(one, click.Argument)]
    usage = "".join(rf" \fI{_text(one)}\fR" for one in taken)
    return [rf".SS {_text(words)}{usage}", *_paragraphs(command), *_options(command, but=COMMON)]


def _paragraphs(command: click.Command) -> list[str]:
    text = inspect.cleandoc(command.help or "").replace("\b\n", "")
    lines: list[str] = []
    for paragraph in text.split("\n\n"):
        if paragraph.startswith("Exit codes:"):
            continue  # they have a section of their own
        lines += [".PP", _text(" ".join(paragraph.split()))]
    return lines[1:]


def _options(command: click.Command, *, but: tuple[str, ...] = ()) -> list[str]:
    context = click.Context(command)
    lines: list[str] = []
    for one in command.get_params(context):
        if isinstance(one, click.Option) and not one.hidden and one.name not in but:
            names, meaning = one.get_help_record(context) or ("", "")
            lines += [".TP", f".B {_text(names)}", _text(" ".join(meaning.split()))]
    return lines


def _text(text: str) -> str:
    """The text as roff reads it: nothing in it is a request or an escape."""
    escaped = text.replace("\\", r"\e").replace("-", r"\-")
    return rf"\&{escaped}" if escaped.startswith((".", "'")) else escaped


if __name__ == "__main__":
    click.echo(page(), nl=False)
