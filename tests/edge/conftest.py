"""A sandbox with its Cloudflare and a token that is kept; both sides new for each test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from origin_pulls.sandbox.cloudflare.remote import Remote
from origin_pulls.sandbox.cloudflare.running import summary
from origin_pulls.secret import Secret
from origin_pulls.server.tokens import Token, Tokens
from tests.conftest import standing
from tests.edge.site import QUICK, EdgeSite


@pytest.fixture(scope="module")
def standing_site() -> Iterator[EdgeSite]:
    """One sandbox for all tests of a module."""
    with standing(cloudflare=True) as sandbox:
        assert sandbox.cloudflare
        token = str(summary(sandbox.cloudflare)["cloudflare_token"])
        one = EdgeSite(sandbox, Remote(sandbox.cloudflare.url), token)
        settings = one.config.settings_file
        settings.write_text(settings.read_text() + QUICK)
        kept = Token(id="5a5a5a5a", secret=Secret(token.encode()), added="2026-01-01T00:00:00")
        Tokens(one.config.tokens_directory).keep(kept)
        yield one


@pytest.fixture
def site(standing_site: EdgeSite) -> EdgeSite:
    """That sandbox as on the first day."""
    standing_site.begin_anew()
    return standing_site
