"""Letters by the server's own mail program, as every mail server has it: ``sendmail``."""

from __future__ import annotations

from collections.abc import Sequence
from email.message import EmailMessage
from pathlib import Path

from origin_pulls.config import Config
from origin_pulls.server import commands
from origin_pulls.server.commands import Ran

LONGEST_SUBJECT = 150
LONGEST_LINE = 700


def is_possible(config: Config) -> bool:
    """Whether anybody is to be written to, and this server can."""
    return bool(config.notify) and config.sendmail_program.exists()


def send(config: Config, subject: str, lines: Sequence[str]) -> Ran:
    """Hand a letter to the mail program; it goes to ``config.notify`` alone.

    Whatever signs the texts hold: the subject stays one line, and no line begins a header.
    """
    # -i: a line of one dot does not end it. The address is an argument, never taken from the text.
    words: list[str | Path] = [config.sendmail_program, "-i", "--", config.notify]
    outside = commands.outside(config.systemd_run_program, words)
    return commands.run(
        outside,
        timeout=config.letter_timeout,
        text=letter(config.notify, subject, lines).as_string(),
    )


def letter(address: str, subject: str, lines: Sequence[str]) -> EmailMessage:
    """The letter itself, in plain text."""
    made = EmailMessage()
    made["To"] = address
    made["Subject"] = _plain(subject, LONGEST_SUBJECT)
    made["Auto-Submitted"] = "auto-generated"
    made.set_content("".join(f"{_plain(line, LONGEST_LINE)}\n" for line in lines))
    return made


def _plain(text: str, longest: int) -> str:
    """Printable signs alone: no line break, nothing that a terminal would obey."""
    text = "".join(sign if sign.isprintable() else " " for sign in text)
    return text if len(text) <= longest else f"{text[: longest - 1]}…"
