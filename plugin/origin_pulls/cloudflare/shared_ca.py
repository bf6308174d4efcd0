"""Cloudflare's shared CA: one certificate for all its customers, shipped and checked here."""

from __future__ import annotations

from datetime import datetime
from importlib import resources

from origin_pulls.errors import Damaged
from origin_pulls.model import certificates
from origin_pulls.model.certificates import Anchor

FILE = "origin-pull-ca.pem"


def anchor(now: datetime, other: bytes | None = None) -> Anchor:
    """The shared CA, if it is the one that Cloudflare published until 2029; else ``Damaged``.

    ``other`` is the text of root's own file (``Config.shared_ca``), which counts instead: a
    successor that Cloudflare announced, or a sandbox's stand-in.

    Source: developers.cloudflare.com/ssl/static/authenticated_origin_pull_ca.pem. It is never
    downloaded at run time: it was once published broken for days.
    """
    if other is not None:
        return certificates.anchors(other, now=now, where="The shared CA's file")[0]
    text = resources.files("origin_pulls.cloudflare").joinpath(FILE).read_bytes()
    found = certificates.anchors(text, now=now, where="Cloudflare's shared CA")[0]
    if found.sha256 != certificates.CLOUDFLARE_SHA256:
        raise Damaged(
            f"The shipped {FILE} is not Cloudflare's: its fingerprint is {found.sha256}",
            hint="Install Origin Pulls anew from a release whose checksum is right.",
        )
    return found
