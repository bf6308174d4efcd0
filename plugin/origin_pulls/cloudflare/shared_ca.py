"""Cloudflare's shared CA: one certificate for all its customers, shipped and checked here."""

from __future__ import annotations

from datetime import datetime
from importlib import resources

from origin_pulls.errors import Damaged
from origin_pulls.model import certificates
from origin_pulls.model.certificates import Anchor

FILE = "origin-pull-ca.pem"


def anchor(now: datetime) -> Anchor:
    """The shared CA, if it is the one that Cloudflare published until 2029; else ``Damaged``.

    Source: developers.cloudflare.com/ssl/static/authenticated_origin_pull_ca.pem. It is never
    downloaded at run time: it was once published broken for days.
    """
    text = resources.files("origin_pulls.cloudflare").joinpath(FILE).read_bytes()
    found = certificates.anchors(text, now=now, where="Cloudflare's shared CA")[0]
    if found.sha256 != certificates.CLOUDFLARE_SHA256:
        raise Damaged(
            f"The shipped {FILE} is not Cloudflare's: its fingerprint is {found.sha256}",
            hint="Install Origin Pulls anew from a release whose checksum is right.",
        )
    return found
