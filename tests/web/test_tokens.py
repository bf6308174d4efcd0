"""Tokens come in by a page, are verified at Cloudflare, and come out of no page again."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from origin_pulls.sandbox.cloudflare.remote import Remote
from origin_pulls.sandbox.cloudflare.running import summary
from tests.conftest import standing
from tests.web.browsing import Visitor
from tests.web.conftest import Panel, Served, give_feature
from tests.web.looking import open_page
from tests.web.test_changes import followed

pytestmark = pytest.mark.apache

KEPT = re.compile(r"(r=/tokens/[0-9a-f]+)/forget")


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    """A served sandbox before which a Cloudflare stands."""
    with standing(cloudflare=True) as sandbox:
        give_feature(sandbox)
        sandbox.start_services()
        served = Served(sandbox)
        served.under.json("settings", "account_wishes=600")
        yield served


@pytest.fixture
def secret(served: Served) -> Iterator[str]:
    """A token that Cloudflare accepts; none is kept here afterwards."""
    access = served.sandbox.cloudflare
    assert access is not None
    yield str(summary(access)["cloudflare_token"])
    for visitor in (served.whm, served.account("shop")):
        while found := KEPT.search(visitor.get("r=/tokens").text):
            visitor.post(f"{found[1]}/remove", {}, token=token_of(visitor))


def token_of(visitor: Visitor) -> str:
    """What signs the forms of this person; the tokens' page always has one."""
    return visitor.get("r=/tokens").token


def add(visitor: Visitor, secret: str, **values: str) -> str:
    """The page after a token was brought."""
    given = {"secret": secret, **values}
    answer = visitor.post("r=/tokens", given, token=token_of(visitor))
    return answer.text if answer.status == 200 else followed(visitor, answer).text


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
    found = KEPT.search(served.whm.get("r=/tokens").text)
    assert found
    shop = served.account("shop")
    answer = shop.post(f"{found[1]}/remove", {}, token=token_of(shop))
    assert "There is no token" in followed(shop, answer).text
    assert secret[-4:] in served.whm.get("r=/tokens").text
    forgotten = served.whm.post(f"{found[1]}/remove", {}, token=token_of(served.whm))
    assert "is forgotten here" in followed(served.whm, forgotten).text


def test_a_token_is_replaced_by_another_of_the_same_owner(served: Served, secret: str) -> None:
    whm, shop = served.whm, served.account("shop")
    for visitor in (whm, shop):
        add(visitor, secret)
    page = whm.get("r=/tokens").text
    addresses = [f"{found}/replace" for found in KEPT.findall(page)]
    assert len(addresses) == 2
    for address in addresses:
        assert address in page
        said = followed(whm, whm.post(address, {"secret": secret}, token=token_of(whm)))
        assert "Replaced: token" in said.text
        assert secret not in said.text
        wrong = {"secret": "cfut_" + "z" * 40}
        said = followed(whm, whm.post(address, wrong, token=token_of(whm)))
        assert "Not replaced" in said.text
    mine = KEPT.findall(shop.get("r=/tokens").text)
    assert len(mine) == 1
    for address in addresses:
        answer = shop.post(address, {"secret": secret}, token=token_of(shop))
        is_own = address.removesuffix("/replace") in mine
        assert ("Replaced" in followed(shop, answer).text) == is_own
    assert len(KEPT.findall(whm.get("r=/tokens").text)) == 2


def test_what_forgetting_means_is_said_before(served: Served, secret: str) -> None:
    whm, shop = served.whm, served.account("shop")
    add(shop, secret)
    served.under.json("enforce", "*.shop.example")
    page = shop.get("r=/tokens").text
    found = KEPT.search(page)
    assert found
    question_of = f"{found[1]}/forget"
    assert "/remove" not in page
    assert '"Used now for">shop.example<' in page
    question = shop.get(question_of).text
    assert "No token is left for *.shop.example" in question
    assert "will not step back to observe by themselves" in question
    assert "_wildcard_" not in question
    assert secret[-4:] in shop.get("r=/tokens").text, "it is only asked"
    for other in (served.account("blog"), served.account("dedi")):
        assert "There is no token" in followed(other, other.get(question_of)).text
    assert "The first ends on 20" in question
    # With another one nothing is lost.
    add(whm, secret)
    assert "Nothing that is presented now depends on it alone" in shop.get(question_of).text
    said = followed(shop, shop.post(f"{found[1]}/remove", {}, token=token_of(shop))).text
    assert "is forgotten here" in said
    assert "No token is left" not in said
    deeds = [one["action"] for one in served.under.json("activity", "--most", "4")["activity"]]
    told = ["forgot a token", "brought a token", "changed to enforce", "brought a token"]
    assert deeds == told
    newest = served.under.json("activity", "--most", "1")["activity"][0]
    assert (newest["who"], newest["kind"]) == ("shop", "account")
    assert newest["subject"].endswith(" of shop")
    served.under.json("off", "*.shop.example")


def test_cloudflare_is_asked_what_the_tokens_reach_when_a_person_asks(
    served: Served, secret: str
) -> None:
    shop = served.account("shop")
    assert served.sandbox.cloudflare
    remote = Remote(served.sandbox.cloudflare.url)
    add(served.whm, secret)
    before = len(remote.calls())
    page = shop.get("r=/tokens").text
    assert 'href="https://dash.cloudflare.com/profile/api-tokens"' in page
    add(shop, secret)
    before = len(remote.calls())
    assert "What each token reaches" not in shop.get("r=/tokens").text
    assert len(remote.calls()) == before, "to look at the page asks nothing of Cloudflare"
    page = shop.get("r=/tokens/check").text
    assert "What each token reaches" in page
    assert "<div>shop.example</div>" in page
    assert "<div>blog.example</div>" not in page
    assert page.count("nothing that is known") == 1, (
        "the server's token is not the account's to know"
    )
    assert len(remote.calls()) > before
    assert served.whm.get("r=/tokens/check").text.count("nothing that is known") == 2


def test_what_is_unfolded_moves_nothing_beside_it(panel: Panel) -> None:
    assert panel.sandbox.cloudflare
    secret = str(summary(panel.sandbox.cloudflare)["cloudflare_token"])
    add(panel.whm, secret)
    try:
        with panel.signed_in("root", viewport={"width": 1180, "height": 800}) as page:
            open_page(page, "/tokens")
            forget = page.get_by_role("link", name="Forget")
            before = forget.bounding_box()
            page.locator("summary", has_text="Replace").click()
            assert page.get_by_label("New token").is_visible()
            after = forget.bounding_box()
            assert before
            assert after
            assert (after["y"], after["height"]) == (before["y"], before["height"])
    finally:
        found = KEPT.search(panel.whm.get("r=/tokens").text)
        assert found
        panel.whm.post(f"{found[1]}/remove", {}, token=token_of(panel.whm))
