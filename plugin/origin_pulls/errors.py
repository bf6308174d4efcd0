"""The one tree of errors, and the exit code each of them means.

::

    OriginPullsError            what is so (message) and what to do about it (hint)
    ├── Refused             3   nothing was touched
    │   └── Busy            3   another run holds the lock
    ├── Restored            4   it failed and was taken back
    ├── NotRestored         5   somebody must look; the hint names the commands to type
    ├── Unusable            2   what was typed cannot be understood
    └── Damaged             5   a file of ours cannot be read (store, journal)
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


class Restored(OriginPullsError):
    """It was tried, it failed, and the state before was put back and tested."""

    exit_code = 4


class NotRestored(OriginPullsError):
    """It failed and could not be taken back: a person has to look at once."""

    exit_code = 5


class Damaged(OriginPullsError):
    """A file of ours cannot be read; no decision can be built on it."""

    exit_code = 5
