"""The one tree of errors, and the exit code each of them means.

::

    OriginPullsError            what is so (message) and what to do about it (hint)
    ├── Refused             3   nothing was touched
    │   ├── Busy            3   another run holds the lock
    │   ├── EdgeRefused     3   Cloudflare said no, and will say so again
    │   └── EdgeUnknown     3   Cloudflare did not say: try later
    │       ├── EdgeLater   3   it is to be asked again in so many seconds
    │       └── EdgeTooMuch 3   a list there is longer than is read
    ├── Unanswered          3   it was asked for, and may be done or not: look before asking again
    ├── Restored            4   it failed and was taken back
    │   └── Overtaken       4   everything is being relaxed, and this gives way to it
    ├── NotRestored         5   somebody must look; the hint names the commands to type
    ├── Unusable            2   what was typed cannot be understood
    └── Damaged             5   a file of ours cannot be read (store, journal)
        └── Full            5   the disk is full: what was begun goes on when there is room
"""


class OriginPullsError(Exception):
    """Something a person must be told: ``message`` says what is so, ``hint`` what to do."""

    exit_code = 1

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class Unusable(OriginPullsError):
    """What was typed does not follow the grammar; nothing was looked at."""

    exit_code = 2


class Refused(OriginPullsError):
    """It will not be done, and nothing was touched."""

    exit_code = 3


class Busy(Refused):
    """Another run holds the lock and did not let go in time."""


class Unanswered(OriginPullsError):
    """It was asked for and no answer came: it may be done, or it may not."""

    exit_code = 3


class EdgeRefused(Refused):
    """Cloudflare said no, and will say so again; ``code`` is its own, ``status`` HTTP's.

    ``is_absent``: it says that there is no such thing (any more).
    """

    def __init__(
        self,
        message: str,
        *,
        hint: str = "",
        code: int = 0,
        status: int = 0,
        is_absent: bool = False,
    ) -> None:
        super().__init__(message, hint=hint)
        self.code = code
        self.status = status
        self.is_absent = is_absent

    @property
    def is_about_permission(self) -> bool:
        """Whether it is the token that is not good, or not good for this."""
        return self.status in (401, 403) or self.code in (9109, 10000)


class EdgeUnknown(Refused):
    """Cloudflare gave no answer that can be built on (lost, throttled, broken): try later."""


class EdgeLater(EdgeUnknown):
    """Cloudflare is to be asked again later, in ``seconds``: nobody waits for that on the spot."""

    def __init__(self, message: str, *, hint: str = "", seconds: float = 0.0) -> None:
        super().__init__(message, hint=hint)
        self.seconds = seconds


class EdgeTooMuch(EdgeUnknown):
    """A list at Cloudflare is longer than is read; half of it is not built on."""


class Restored(OriginPullsError):
    """It was tried, it failed, and the state before was put back and tested."""

    exit_code = 4


class Overtaken(Restored):
    """Everything is being relaxed: what was begun is left to that, which takes it back."""


class NotRestored(OriginPullsError):
    """It failed and could not be taken back: a person has to look at once."""

    exit_code = 5


class Damaged(OriginPullsError):
    """A file of ours cannot be read; no decision can be built on it."""

    exit_code = 5


class Full(Damaged):
    """The store cannot be written because the disk is full; it is sound, and so is the rest."""
