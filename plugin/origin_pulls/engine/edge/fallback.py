"""A zone's client that asks with another token what the first one may not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

from origin_pulls.engine.edge.reach import ZoneClient
from origin_pulls.errors import EdgeRefused


def with_fallback(first: ZoneClient, others: Callable[[], Sequence[ZoneClient]]) -> ZoneClient:
    """The client of an account's own token; what it may not do, those of ``others`` are asked.

    They are only called where the first one lacks a permission: an account that brought a weak
    token is served as one that brought none.
    """
    return cast(ZoneClient, _Fallback(first, others))


class _Fallback:
    def __init__(self, first: ZoneClient, others: Callable[[], Sequence[ZoneClient]]) -> None:
        self._first = first
        self._others = others

    def may_edit_certificates(self) -> bool | None:
        answers = [self._first.may_edit_certificates()]
        if answers[0] is False:
            answers += [one.may_edit_certificates() for one in self._others()]
        return True if True in answers else None if None in answers else False

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def call(*values: object, **named: object) -> Any:
            try:
                return getattr(self._first, name)(*values, **named)
            except EdgeRefused as error:
                if not error.is_about_permission:
                    raise
                for other in self._others():
                    try:
                        return getattr(other, name)(*values, **named)
                    except EdgeRefused as also:
                        if not also.is_about_permission:
                            raise
                raise

        return call
