"""A cPanel server's contract under one directory, around a real Apache.

It is written from the facts about cPanel alone and never imports the plugin that is tested
against it; only the tree of errors is shared.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from origin_pulls.sandbox.sandbox import Sandbox as Sandbox

__all__ = ["Sandbox"]


def __getattr__(name: str) -> Any:
    # The sandbox's programs live in this package too and must start fast, as cPanel's do: only
    # who asks for Sandbox pays for loading cryptography.
    if name == "Sandbox":
        from origin_pulls.sandbox.sandbox import Sandbox

        return Sandbox
    raise AttributeError(name)
