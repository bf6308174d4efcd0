"""What people at a shell type, and where people at a page find the same.

Sentences are written once, for both; in them, what can be typed stands in backticks.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from origin_pulls.model.settings import TITLES

TYPED = re.compile(r"`([^`]+)`")
# A clause ends with its stop or semicolon and a blank: dots in names and versions end nothing.
CLAUSE = re.compile(r"(?<=[.;]) +")
NAME = "[^ ]+"


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a page has what is typed elsewhere.

    ``words`` are those that stand on the page, " > " between one place and what is in it;
    ``page`` is one of a few that need no more than perhaps a job's ``number`` to be found.
    ``is_for_all`` is true where account holders have it.
    """

    words: str
    page: str = ""
    number: int | None = None
    is_for_all: bool = True


_OWN = "origin-pulls "
_JOB = "(?P<number>[0-9]+)"
SPOTS: tuple[tuple[str, Spot], ...] = (
    (f"(?:{_OWN})?token add", Spot("Tokens > Bring a token", "tokens")),
    (f"(?:{_OWN})?token list", Spot("Tokens", "tokens")),
    (f"(?:{_OWN})?token check", Spot("Tokens > Ask Cloudflare what they reach", "tokens")),
    (f"{_OWN}list --attention", Spot("Domains > Attention", "attention")),
    (f"{_OWN}list(?: --search TEXT)?", Spot("Domains", "domains")),
    (f"{_OWN}jobs", Spot("Jobs", "jobs")),
    (f"{_OWN}(?:job|wait) {_JOB}", Spot("Job {number}", "job")),
    (f"{_OWN}wait N", Spot("Jobs", "jobs")),
    (f"{_OWN}undo {_JOB}(?: --edge-ready)?", Spot("Job {number} > Undo this job", "job")),
    (f"{_OWN}cancel {_JOB}", Spot("Job {number} > Cancel this job", "job")),
    (f"{_OWN}edge {NAME}", Spot("Ask Cloudflare now")),
    (f"(?:{_OWN})?show(?: {NAME})?", Spot("the page of the domain")),
    (f"(?:{_OWN})?off(?: {NAME})?", Spot("Off")),
    (f"(?:{_OWN})?observe(?: {NAME})?", Spot("Observe")),
    (f"(?:{_OWN})?enforce(?: {NAME})?", Spot("Enforce")),
    (f"{_OWN}enforce {NAME} --trust own", Spot("A certificate made here")),
    (f"{_OWN}rotate(?: {NAME})?", Spot("Rotate certificate")),
    ("--trust own", Spot("A certificate made here")),
    (f"--exempt-name (?P<of>{NAME})", Spot("Exemptions > Host names: {of}")),
    ("--port80", Spot("Port 80")),
    ("--port80 redirect", Spot("Redirect to HTTPS")),
    ("--port80 cloudflare", Spot("Let Cloudflare's networks in, nobody else")),
    ("--keep-going", Spot("Do the others all the same")),
    ("--revert-in", Spot("Goes back by itself")),
    ("--edge-ready", Spot("I have uploaded the certificates", is_for_all=False)),
    ("--trust custom", Spot("A certificate authority of yours", is_for_all=False)),
    ("--trust custom --ca FILE", Spot("A certificate authority of yours", is_for_all=False)),
    (
        "--trust custom --ca FILE --edge-ready",
        Spot(
            "A certificate authority of yours, I have uploaded the certificates", is_for_all=False
        ),
    ),
    (f"{_OWN}relax --all", Spot("Relax everything", "relax", is_for_all=False)),
    (f"{_OWN}activity", Spot("Activity", "activity", is_for_all=False)),
    (f"{_OWN}doctor", Spot("Doctor", "doctor", is_for_all=False)),
    *((name, Spot(title, is_for_all=False)) for name, title in TITLES.items()),
)
_PATTERNS = tuple((re.compile(pattern), spot) for pattern, spot in SPOTS)


def spot(typed: str) -> Spot | None:
    """Where a page has what is typed so, without its backticks; nothing where none has it."""
    for pattern, found in _PATTERNS:
        if match := pattern.fullmatch(typed):
            given = {name: text for name, text in match.groupdict().items() if text}
            number = int(given["number"]) if "number" in given else None
            words = found.words.format(**given)
            return Spot(words, found.page, number, found.is_for_all)
    return None


def for_all(hint: str) -> tuple[str, bool]:
    """What of a hint an account holder can follow, and whether something had to be left out."""
    clauses = CLAUSE.split(hint) if hint else []
    kept = [clause for clause in clauses if all(map(_is_for_all, TYPED.findall(clause)))]
    text = " ".join(kept)
    return text[:-1] + "." if text.endswith(";") else text, len(kept) < len(clauses)


def _is_for_all(typed: str) -> bool:
    found = spot(typed)
    return found is not None and found.is_for_all
