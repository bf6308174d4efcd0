"""What the audit says of a wish: when it was done, and when it was refused."""

from __future__ import annotations

from dataclasses import dataclass

from origin_pulls.model.desk_wish import (
    ChangeSettings,
    Confirm,
    Doctor,
    Edge,
    Enter,
    Lock,
    Prove,
    Relax,
    Show,
    Unlock,
)
from origin_pulls.model.token_wish import (
    AddToken,
    CheckTokens,
    Forgetting,
    ListTokens,
    RemoveToken,
)
from origin_pulls.model.wish import Cancel, Change, Preview, Rotate, Undo, Wish

# They change nothing and make no requests of a site.
LOOKS = (Preview, Enter, Show, Edge, Doctor, ListTokens, Forgetting, CheckTokens)
ASKED = "asked for "  # begins what is said of a wish whose job says itself what became of it


MARK = "`"  # names of settings: a page says their titles


@dataclass(frozen=True, slots=True)
class Words:
    """What was done, what was wanted (when it is refused), what it is about, and its job or 0."""

    done: str
    wanted: str
    subject: str = ""
    job: int = 0


def words(wish: Wish) -> Words:
    """What the audit says of a wish."""
    match wish:
        case Change():
            modes = "/".join(sorted({str(one.policy.mode) for one in wish.items}))
            count = len(wish.items)
            first = f"{wish.items[0].user}/{wish.items[0].server_name}"
            about = first if count == 1 else f"{count} vhosts"
            return Words(f"{ASKED}{modes}", f"to change to {modes}", about)
        case Undo():
            what = f"to undo job {wish.job}"
            return Words(f"{ASKED}an undo of job {wish.job}", what, f"job {wish.job}")
        case Rotate():
            what = "a new certificate"
            return Words(f"{ASKED}{what}", f"to bring {what}", f"{wish.user}/{wish.server_name}")
        case Preview():
            what = "an undo" if isinstance(wish.of, Undo) else "a change"
            return Words(f"reviewed {what}", f"to review {what}", words(wish.of).subject)
        case Cancel():
            return _of_job("cancelled", "cancel", wish.job)
        case Confirm():
            return _of_job("confirmed", "confirm", wish.job)
        case Prove():
            return Words("proved it", "to prove it", f"{wish.user}/{wish.server_name}")
        case Lock():
            return Words(f"locked: {wish.reason}", "to lock it", f"{wish.user}/{wish.server_name}")
        case Unlock():
            return Words("unlocked", "to unlock it", f"{wish.user}/{wish.server_name}")
        case ChangeSettings():
            said = ", ".join(f"{MARK}{name}{MARK} to {value}" for name, value in wish.values)
            return Words(f"set {said}", f"to set {said}", "settings")
        case Relax():
            return Words("relaxed everything", "to relax everything", "server")
        case AddToken():
            of = f"token of {wish.account or 'the server'}"
            what = "replaced a token" if wish.replaces else "brought a token"
            return Words(what, "to bring a token", of)
        case RemoveToken():
            return Words("forgot a token", "to forget a token", f"token {wish.token}")
        case Show() | Edge():
            return Words("looked at it", "to look at it", f"{wish.user}/{wish.server_name}")
        case Doctor():
            return Words("asked the doctor", "to ask the doctor", "server")
        case _:
            return Words("looked", "to look")


def refused(wish: Wish, why: str) -> str:
    """What the audit says of a wish that was refused."""
    return f"tried {words(wish).wanted}; refused: {why}"


def is_audited(wish: Wish) -> bool:
    """Whether the audit keeps that this was asked: what changes something or makes requests."""
    return not isinstance(wish, LOOKS)


def _of_job(done: str, wanted: str, job: int) -> Words:
    return Words(f"{done} job {job}", f"to {wanted} job {job}", f"job {job}", job)
