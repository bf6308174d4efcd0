"""A sandbox on which the agent and both web services run, and people who visit them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from origin_pulls.sandbox import Sandbox
from tests.conftest import standing
from tests.server_under_test import UnderTest, replace_program
from tests.web.browsing import Visitor


@dataclass(frozen=True, slots=True)
class Served:
    """The product with its services running on a sandbox."""

    sandbox: Sandbox

    @property
    def under(self) -> UnderTest:
        """The same, to run commands on and to visit its sites."""
        return UnderTest(self.sandbox)

    @property
    def whm(self) -> Visitor:
        """Root, as WHM's bridge hands their requests on."""
        return self.in_whm("root")

    def in_whm(self, user: str, acl: str = "all") -> Visitor:
        """A user of WHM."""
        headers = {
            "X-Origin-Pulls-User": user,
            "X-Origin-Pulls-Acl": acl,
            "X-Origin-Pulls-Address": "192.0.2.7",
        }
        return Visitor(self.sandbox.path("/run/origin-pulls/admin/web.sock"), 0, headers)

    def uid(self, user: str) -> int:
        """The uid of an account."""
        return int(str(self.sandbox.accounts[user]["uid"]))

    def account(self, user: str) -> Visitor:
        """An account holder, as cPanel's bridge hands their requests on."""
        return self.somebody(self.uid(user))

    def somebody(self, uid: int) -> Visitor:
        """Whoever has this uid, at the accounts' socket."""
        return Visitor(self.sandbox.path("/run/origin-pulls/account/web.sock"), uid)


HAS_FEATURE = """case "$*" in
*verify_user_has_feature*) echo '{"metadata": {"result": 1}, "data": {"has_feature": 1}}' ;;
*) exec "$REAL" "$@" ;;
esac"""


def give_feature(sandbox: Sandbox) -> None:
    """Let cPanel say that every account has the feature, whatever is registered."""
    replace_program(sandbox.path("/usr/local/cpanel/bin/whmapi1"), HAS_FEATURE)


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    """One served sandbox for all tests of a module: leave it as you found it."""
    with standing() as sandbox:
        give_feature(sandbox)
        sandbox.start_services()
        served = Served(sandbox)
        # The first command looks at the server, so that the pages have something to list.
        served.under.json("observe", "blog.example")
        yield served
