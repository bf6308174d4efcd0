"""A text that must never show: keys and tokens travel in it."""

from __future__ import annotations


class Secret:
    """Holds a secret; prints as ``***`` wherever it lands, and is taken out by name alone."""

    __slots__ = ("_text",)

    def __init__(self, text: bytes) -> None:
        self._text = text

    def reveal(self) -> bytes:
        """The secret itself, for the one place that writes or sends it."""
        return self._text

    def __repr__(self) -> str:
        return "***"

    def __reduce__(self) -> str:
        raise TypeError("a secret is not copied out of the process")
