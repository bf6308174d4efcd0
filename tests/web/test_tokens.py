"""Tokens come in by a page, are verified at Cloudflare, and come out of no page again."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from origin_pulls.sandbox.cloudflare.running import summary
from tests.conftest import standing
from tests.web.browsing import Visitor
from tests.web.conftest import Served, give_feature
from tests.web.test_changes import followed

pytestmark = pytest.mark.apache

REMOVE = re.compile(r"r=(/tokens/[0-9a-f]+/remove)")


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    """A served sandbox before which a Cloudflare stands."""
    with standing(cloudflare=True) as sandbox:
        give_feature(sandbox)
        sandbox.start_services()
        yield Served(sandbox)


@pytest.fixture
def secret(served: Served) -> Iterator[str]:
    """A token that Cloudflare accepts; none is kept here afterwards."""
    access = served.sandbox.cloudflare
    assert access is not None
    yield str(summary(access)["cloudflare_token"])
    for visitor in (served.whm, served.account("shop")):
        while found := REMOVE.search(visitor.get("r=/tokens").text):
            visitor.post(f"r={found[1]}", {}, token=token_of(visitor))


def token_of(visitor: Visitor) -> str:
    """What signs the forms of this person; the tokens' page always has one."""
    return visitor.get("r=/tokens").token


def add(visitor: Visitor, secret: str, **values: str) -> str:
    """The page after a token was brought."""
    given = {"secret": secret, **values}
    return followed(visitor, visitor.post("r=/tokens", given, token=token_of(visitor))).text


def test_a_good_token_is_kept_and_never_shown(served: Served, secret: str) -> None:
    page = add(served.whm, secret, label="<b>ours</b>")
    assert "Cloudflare accepts it" in page
    assert secret not in page
    assert secret[-4:] in page
    assert "&lt;b&gt;ours&lt;/b&gt;" in page
    assert secret not in served.whm.get("r=/activity").text
    for log in ("agent", "web-admin"):
        text = served.sandbox.path(f"/var/log/origin-pulls/{log}.log").read_text()
        assert secret not in text


def test_a_bad_token_is_refused_and_not_repeated(served: Served, secret: str) -> None:
    wrong = "cfut_" + "z" * 40
    page = add(served.whm, wrong)
    assert "Not kept" in page
    assert wrong not in page
    assert "Not kept" in add(served.whm, "Bearer " + secret)


def test_an_accounts_token_is_the_accounts_whatever_it_says(served: Served, secret: str) -> None:
    shop = served.account("shop")
    assert "Cloudflare accepts it" in add(shop, secret, account="blog")
    assert secret[-4:] not in served.account("blog").get("r=/tokens").text
    page = served.whm.get("r=/tokens").text
    assert ">shop<" in page
    assert ">blog<" not in page


def test_no_account_can_forget_what_is_not_its_own(served: Served, secret: str) -> None:
    add(served.whm, secret)
    found = REMOVE.search(served.whm.get("r=/tokens").text)
    assert found
    shop = served.account("shop")
    answer = shop.post(f"r={found[1]}", {}, token=token_of(shop))
    assert "There is no token" in followed(shop, answer).text
    assert secret[-4:] in served.whm.get("r=/tokens").text
    forgotten = served.whm.post(f"r={found[1]}", {}, token=token_of(served.whm))
    assert "is forgotten here" in followed(served.whm, forgotten).text


def test_a_token_is_replaced_by_another_of_the_same_owner(served: Served, secret: str) -> None:
    whm, shop = served.whm, served.account("shop")
    for visitor in (whm, shop):
        add(visitor, secret)
    page = whm.get("r=/tokens").text
    addresses = [found.replace("remove", "replace") for found in REMOVE.findall(page)]
    assert len(addresses) == 2
    for address in addresses:
        assert f"r={address}" in page
        said = followed(whm, whm.post(f"r={address}", {"secret": secret}, token=token_of(whm)))
        assert "Replaced: token" in said.text
        assert secret not in said.text
        wrong = {"secret": "cfut_" + "z" * 40}
        said = followed(whm, whm.post(f"r={address}", wrong, token=token_of(whm)))
        assert "Not replaced" in said.text
    mine = REMOVE.findall(shop.get("r=/tokens").text)
    assert len(mine) == 1
    for address in addresses:
        answer = shop.post(f"r={address}", {"secret": secret}, token=token_of(shop))
        is_own = address.replace("replace", "remove") in mine
        assert ("Replaced" in followed(shop, answer).text) == is_own
    assert len(REMOVE.findall(whm.get("r=/tokens").text)) == 2
