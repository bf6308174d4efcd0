"""What a form says wrongly is told above it, as a failure, and what was typed stays in it."""

from __future__ import annotations

import pytest

from tests.web.conftest import Served
from tests.web.test_changes import followed

pytestmark = pytest.mark.apache

HERE = "r=/vhosts/dedi/dedi.example"
POLICY = {
    "mode": "observe",
    "trust": "cloudflare",
    "port80": "redirect",
    "on_drift": "tell",
    "exempt_names": "mail.dedi.example\r\n\r\n  www.dedi.example ",
    "exempt_paths": "/hooks\r\n/bad path",
    "exempt_networks": "192.0.2.0/24",
}


@pytest.mark.parametrize("user", ["root", "dedi"])
def test_the_form_of_a_policy_comes_back_as_it_was_typed(served: Served, user: str) -> None:
    visitor = served.whm if user == "root" else served.account(user)
    page = visitor.post(f"{HERE}/policy", POLICY).text
    assert 'class="op-bad">Not staged: &#39;/bad path&#39; cannot be an exempt path' in page
    for text in (
        'value="observe" checked',
        'value="cloudflare" checked',
        'value="redirect" checked',
        'value="tell" checked',
        "mail.dedi.example\nwww.dedi.example</textarea>",
        "/hooks\n/bad path</textarea>",
        "192.0.2.0/24</textarea>",
    ):
        assert text in page, text
    assert "Stage and review" in page
    assert "Nothing is staged" in visitor.get("r=/review").text


def test_what_is_one_a_line_is_staged_as_such(served: Served) -> None:
    whm = served.whm
    answer = whm.post(f"{HERE}/policy", {**POLICY, "exempt_paths": "/hooks\r\n"})
    assert "exempt: open" in followed(whm, answer).text
    whm.post("r=/discard", {})


def test_a_token_that_is_not_kept_leaves_the_rest_of_its_form(served: Served) -> None:
    given = {"secret": "Bearer x", "label": 'ours "1"', "account": "shop"}
    page = served.whm.post("r=/tokens", given).text
    assert 'class="op-bad">Not kept: What was given begins with Bearer' in page
    assert 'value="ours &#34;1&#34;"' in page
    assert 'name="account" value="shop"' in page
    assert "Bearer x" not in page


def test_a_setting_that_cannot_be_is_named_as_the_form_names_it(served: Served) -> None:
    page = served.whm.post("r=/settings", {"account_wishes": "0", "accounts_may": "see"}).text
    said = page.partition('class="op-bad">')[2].partition("</p>")[0]
    assert "How often an account may ask" in said
    assert "account_wishes" not in said
    assert "from 1 to 600" in said
    assert 'name="account_wishes" value="0"' in page
    assert '<option value="see" selected>' in page
    assert served.under.json("settings")["settings"]["accounts_may"] == "everything"


def test_what_was_not_done_looks_like_it(served: Served) -> None:
    whm, dedi = served.whm, served.account("dedi")
    said = followed(whm, whm.post(f"{HERE}/lock", {"reason": "  "}))
    assert 'class="op-bad">Not locked' in said.text
    said = followed(whm, whm.post("r=/jobs/1/confirm", {}))
    assert 'class="op-bad">Not confirmed' in said.text
    said = followed(whm, whm.post("r=/tokens/0a0a0a0a/remove", {}))
    assert 'class="op-bad">Not forgotten' in said.text
    dedi.post("r=/stage", {"do": "observe", "pick": "dedi/dedi.example"})
    served.under.json("settings", "accounts_may=see")
    try:
        said = followed(dedi, dedi.post("r=/apply", {"fingerprint": "0" * 64}))
        assert 'class="op-bad">Not applied' in said.text
    finally:
        served.under.json("settings", "accounts_may=everything")
        dedi.post("r=/discard", {})
    assert 'class="op-note">What was staged' in followed(whm, whm.post("r=/discard", {})).text
