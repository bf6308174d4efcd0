"""What each of Cloudflare's errors means, and what to do about it: one table, as data.

Codes and texts are those of Cloudflare's documentation and of answers that were seen; the table
is asked from the top down, by code or by text, and its last rows answer by HTTP status alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from origin_pulls.errors import EdgeRefused

BUSY_TRIES = 10
DEPLOYING_TRIES = 12


class Means(StrEnum):
    """What an error is for the one who called."""

    NO = "no"  # for good
    BUSY = "busy"  # again after a pause, reading first
    EXISTS = "exists"  # the same certificate is there: adopt it
    GONE = "gone"  # what was to be deleted is deleted
    FRESH = "fresh"  # perhaps only because the token is some seconds old
    ABSENT = "absent"  # there is no such thing


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One row: how an error is recognised, what it means, what a person is told.

    In ``message`` and ``hint``, ``{said}`` is Cloudflare's own text and ``{needs}`` the
    permission of the call.
    """

    means: Means
    message: str
    hint: str
    codes: tuple[int, ...] = ()
    texts: tuple[str, ...] = ()
    statuses: tuple[int, ...] = ()
    tries: int = BUSY_TRIES

    def fits(self, status: int, codes: Sequence[int], said: str) -> bool:
        """Whether this row speaks of an error with these codes and words."""
        if self.codes or self.texts:
            named = any(code in self.codes for code in codes)
            return named or any(text in said for text in self.texts)
        return not self.statuses or status in self.statuses

    def error(self, *, status: int, code: int, said: str, needs: str) -> EdgeRefused:
        """The error to raise for an answer that this row speaks of."""
        # Not str.format: what Cloudflare says may hold braces.
        words = {"{said}": said or f"HTTP {status}", "{needs}": needs or "its permission"}
        message, hint = self.message, self.hint
        for mark, text in words.items():
            message, hint = message.replace(mark, text), hint.replace(mark, text)
        number = f" ({code})" if code else ""
        is_absent = self.means in (Means.GONE, Means.ABSENT)
        return EdgeRefused(
            message + number, hint=hint, code=code, status=status, is_absent=is_absent
        )


ANEW = (
    "Make a token at https://dash.cloudflare.com/profile/api-tokens (not a Global API key), and "
    "add it with `origin-pulls token add`."
)
PERMISSION = (
    "The token needs the permission {needs}, for this zone. Edit it in Cloudflare's dashboard "
    "(My Profile, API Tokens); then `origin-pulls token check`."
)
REPORT = "This is an error of Origin Pulls: please report it with these words."

TABLE: tuple[Fault, ...] = (
    Fault(
        means=Means.FRESH,
        texts=("unable to authenticate request",),
        message="Cloudflare does not know the token (yet)",
        hint="A token made a moment ago takes some seconds: try again. Otherwise: " + ANEW,
    ),
    Fault(
        means=Means.NO,
        codes=(1404,),
        message="Cloudflare wants a certificate's id: {said}",
        hint=REPORT,
    ),
    Fault(
        means=Means.NO,
        codes=(1408,),
        message="Cloudflare cannot read the certificate: {said}",
        hint="It must be one PEM certificate with its unencrypted key.",
    ),
    Fault(
        means=Means.EXISTS,
        codes=(1406,),
        texts=("certificate already exists",),
        message="The same certificate is at Cloudflare already and cannot be taken up: {said}",
        hint="It is perhaps just being deleted: wait a minute and try again.",
    ),
    Fault(
        means=Means.NO,
        codes=(1412,),
        texts=("only leaf certificate", "missing leaf certificate"),
        message="Cloudflare takes leaf certificates only: {said}",
        hint="The certificate must say CA:FALSE in its basic constraints.",
    ),
    Fault(
        means=Means.GONE,
        codes=(1414, 1551, 1552),
        texts=("certificate is already deleted", "certificate not found"),
        message="The certificate is not at Cloudflare any more: {said}",
        hint="Nothing is left to do for it.",
    ),
    Fault(
        means=Means.NO,
        codes=(1415,),
        texts=("invalid certificate id",),
        message="Cloudflare has no such certificate in this place: {said}",
        hint="It was deleted, or belongs to the zone instead of a name. Look with "
        "`origin-pulls edge NAME`.",
    ),
    Fault(
        means=Means.BUSY,
        codes=(1433,),
        message="The certificate is still in use at Cloudflare: {said}",
        hint="A host name still refers to it; once that is void, try again.",
    ),
    Fault(
        means=Means.BUSY,
        codes=(1434,),
        texts=("while in pending deployment", "in pending deployment state"),
        message="Cloudflare is still deploying the certificate: {said}",
        hint="Wait some minutes and try again.",
        tries=DEPLOYING_TRIES,
    ),
    Fault(
        means=Means.ABSENT,
        codes=(1553,),
        message="Nothing is set for this host name: {said}",
        hint="The zone's own setting counts for it.",
    ),
    Fault(
        means=Means.NO,
        texts=("missing hostname",),
        message="Cloudflare wants a host name: {said}",
        hint=REPORT,
    ),
    Fault(
        means=Means.NO,
        texts=("from location",),
        message="The token may not be used from this server: {said}",
        hint="Add this server's address to the token's client IP filter, or remove the filter.",
    ),
    Fault(
        means=Means.NO,
        texts=("account owned tokens", "account-owned tokens"),
        message="The token belongs to an account, and this call is for users: {said}",
        hint="It can be used all the same; see `origin-pulls token check`.",
    ),
    Fault(
        means=Means.NO,
        codes=(9109,),
        message="The token is not good, or not for this zone: {said}",
        hint=PERMISSION,
    ),
    Fault(
        means=Means.NO,
        codes=(1000,),
        message="Cloudflare does not know this token: {said}",
        hint=ANEW,
    ),
    Fault(means=Means.NO, codes=(1001,), message="No token was sent: {said}", hint=REPORT),
    Fault(
        means=Means.NO,
        codes=(6003, 6103, 6111),
        message="That is no API token: {said}",
        hint="Give the token alone, without quotes, spaces or Bearer. " + ANEW,
    ),
    Fault(
        means=Means.NO,
        codes=(7000, 7003),
        message="Cloudflare knows no zone of this id: {said}",
        hint="The zone was moved or deleted, or belongs to another account. Look with "
        "`origin-pulls zones`.",
    ),
    Fault(
        means=Means.NO,
        codes=(10000,),
        texts=("requires permission",),
        message="The token lacks {needs}, or does not reach this zone: {said}",
        hint=PERMISSION,
    ),
    Fault(
        means=Means.BUSY,
        statuses=(409,),
        message="Cloudflare is busy with another change of this zone: {said}",
        hint="Something else changes its client certificates. Wait a minute and try again.",
    ),
    Fault(
        means=Means.ABSENT,
        statuses=(404,),
        message="There is no such thing at Cloudflare: {said}",
        hint="Look with `origin-pulls zones` and `origin-pulls edge NAME`.",
    ),
    Fault(
        means=Means.NO,
        statuses=(401, 403),
        message="Cloudflare refuses the token: {said}",
        hint=PERMISSION,
    ),
    Fault(
        means=Means.NO,
        message="Cloudflare refused: {said}",
        hint="Trying again will not help. If the reason is not clear, compare with Cloudflare's "
        "dashboard (SSL/TLS, Origin Server).",
    ),
)


def find(status: int, codes: Sequence[int], said: str) -> Fault:
    """The row that speaks of an error; there always is one."""
    words = said.lower()
    return next(fault for fault in TABLE if fault.fits(status, codes, words))
