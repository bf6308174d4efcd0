"""What a change would do, in words and values that anybody may read: no secret, no root's file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from origin_pulls.model.inventory import Kind, Proxied
from origin_pulls.model.job import UNTOUCHED
from origin_pulls.model.policy import Policy, read_policy


@dataclass(frozen=True, slots=True)
class PreviewedName:
    """A host name of a vhost: what it is for, whether Cloudflare stands before it."""

    name: str
    kind: Kind
    proxied: Proxied = Proxied.UNKNOWN
    is_exempt: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PreviewedVhost:
    """One vhost of a preview.

    ``words`` say what will happen to its visitors; of very many ``names`` some are given, and
    ``more_names`` counts the others; ``names_at`` is when it was learned whether
    Cloudflare stands before its names (empty: never); ``services`` are names of cPanel's own
    services that are demanded a certificate too; ``refused`` with ``hint`` says why nothing will;
    ``is_shut``: nobody could get in, because Cloudflare stands before no name.
    """

    user: str
    server_name: str
    before: Policy = UNTOUCHED
    wanted: Policy = UNTOUCHED
    words: tuple[str, ...] = ()
    names: tuple[PreviewedName, ...] = ()
    more_names: int = 0
    names_at: str = ""
    services: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()
    refused: str = ""
    hint: str = ""
    diff: str = ""
    is_shut: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """What one wish would do.

    Apply carries ``fingerprint`` back. ``vhosts`` holds some, those ``after`` so many, refused
    ones before the others; ``total`` and ``refusals`` count all, ``changes`` those that would get
    another policy (which may need no step at all), ``edge_first`` those to which Cloudflare is
    made to present before.
    """

    fingerprint: str
    total: int
    refusals: int
    changes: int = 0
    after: int = 0
    edge_first: int = 0
    is_partial: bool = False
    steps: tuple[str, ...] = ()
    vhosts: tuple[PreviewedVhost, ...] = ()
    needs_rebuild: bool = False

    @property
    def would_be_done(self) -> bool:
        """Whether applying it now would change something."""
        if not self.steps and not self.changes:
            return False
        return self.total > self.refusals and (self.is_partial or not self.refusals)


def as_record(preview: Preview) -> dict[str, Any]:
    """The preview as plain values, the shape that ``read_preview`` takes."""
    record = asdict(preview)
    for found, vhost in zip(record["vhosts"], preview.vhosts, strict=True):
        found["before"] = vhost.before.as_record()
        found["wanted"] = vhost.wanted.as_record()
    return record


def read_preview(record: Mapping[str, Any]) -> Preview:
    """The preview of a record that ``as_record`` made (JSON turned its tuples into lists)."""
    vhosts = tuple(_vhost(one) for one in record["vhosts"])
    return Preview(**{**record, "vhosts": vhosts, "steps": tuple(record["steps"])})


def _vhost(record: Mapping[str, Any]) -> PreviewedVhost:
    names = tuple(
        PreviewedName(
            one["name"], Kind(one["kind"]), Proxied(one["proxied"]), bool(one["is_exempt"])
        )
        for one in record["names"]
    )
    return PreviewedVhost(
        **{
            **record,
            "before": read_policy(record["before"]),
            "wanted": read_policy(record["wanted"]),
            "names": names,
            "words": tuple(record["words"]),
            "services": tuple(record["services"]),
            "warnings": tuple(record["warnings"]),
        }
    )
