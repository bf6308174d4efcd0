"""From a switch to a proven change and back, through the services, the agent and a real Apache."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping

import pytest

from tests.server_under_test import replace_program
from tests.web.browsing import Answer, Visitor
from tests.web.conftest import Served

pytestmark = pytest.mark.apache

PATIENCE = 120.0
FINGERPRINT = re.compile(r'name="fingerprint" value="([0-9a-f]+)"')
JOB = re.compile(r"r=/jobs/([0-9]+)")


def applied(visitor: Visitor, values: Mapping[str, str] = {}, options: str = "") -> str:
    """Review what is staged, apply it, wait for its end; the address of the job's page."""
    review = visitor.get(f"r=/review{options}")
    found = FINGERPRINT.search(review.text)
    assert found, review.text
    answer = visitor.post("r=/apply", {"fingerprint": found[1], **values})
    assert answer.status == 303, answer.text
    job = JOB.search(answer.headers["location"])
    assert job, answer.headers["location"]
    ended(visitor, job[1])
    return f"r=/jobs/{job[1]}"


def ended(visitor: Visitor, number: str) -> Answer:
    """The job's page when it has ended."""
    end = time.monotonic() + PATIENCE
    while "data-op-poll" in (answer := visitor.get(f"r=/jobs/{number}/progress&partial=1")).text:
        assert time.monotonic() < end, answer.text
        time.sleep(0.1)
    return answer


def followed(visitor: Visitor, answer: Answer) -> Answer:
    """The page that a redirect leads to."""
    assert answer.status == 303, answer.text
    return visitor.get(answer.headers["location"].partition("?")[2])


def test_root_enforces_confirms_and_undoes(served: Served) -> None:
    whm = served.whm
    whm.post("r=/stage", {"do": "enforce", "pick": "plain/plain.example"})
    assert "Nothing says that Cloudflare presents" in whm.get("r=/review").text
    page = applied(whm, {"edge_ready": "yes", "revert_minutes": "30"}, "&edge_ready=yes")
    job = whm.get(page)
    assert "Done and proven" in job.text
    assert "SSLVerifyClient require" in job.text
    assert served.under.is_enforced("plain.example")
    assert "unless you confirm it" in job.text
    confirmed = followed(whm, whm.post(f"{page}/confirm", {}))
    assert "Confirmed: it stays" in confirmed.text
    assert "unless you confirm it" not in confirmed.text
    undone = whm.post(f"{page}/undo", {})
    ended(whm, JOB.search(undone.headers["location"])[1])  # type: ignore[index]
    assert served.under.is_open("plain.example")
    assert "Undone by" in whm.get(page).text
    # The box that was ticked for that demand is not ticked for the next one.
    whm.post("r=/stage", {"do": "enforce", "pick": "plain/plain.example"})
    applied(whm, {"edge_ready": "yes"}, "&edge_ready=yes")
    whm.post("r=/stage", {"do": "observe", "pick": "plain/plain.example"})
    applied(whm)
    whm.post("r=/stage", {"do": "enforce", "pick": "plain/plain.example"})
    assert "Nothing says that Cloudflare presents" in whm.get("r=/review").text
    whm.post("r=/discard", {})


def test_an_undo_takes_nobodys_earlier_word_for_what_cloudflare_does(served: Served) -> None:
    whm = served.whm
    whm.post("r=/stage", {"do": "enforce", "pick": "plain/plain.example"})
    applied(whm, {"edge_ready": "yes"}, "&edge_ready=yes")
    whm.post("r=/stage", {"do": "off", "pick": "plain/plain.example"})
    ended_by = applied(whm)
    review = whm.get(f"{ended_by}/undo/review").text
    assert "Nothing would be done" in review
    assert "Cloudflare presents them still" in review
    assert (
        "Cloudflare still presents"
        not in served.account("plain").get(f"{ended_by}/undo/review").text
    )
    said = whm.get(f"{ended_by}/undo/review&edge_ready=yes").text
    found = FINGERPRINT.search(said)
    assert found, said
    values = {"fingerprint": found[1], "edge_ready": "yes"}
    undone = whm.post(f"{ended_by}/undo", values)
    ended(whm, JOB.search(undone.headers["location"])[1])  # type: ignore[index]
    assert served.under.is_enforced("plain.example")
    served.under.json("off", "plain.example")


def test_an_account_observes_its_own_vhost_and_the_administrator_sees_who(served: Served) -> None:
    shop = served.account("shop")
    shop.post("r=/stage", {"row": "shop/api.shop.example", "do": "observe", "pick": []})
    shop.post("r=/stage", {"do": "observe", "pick": "shop/api.shop.example"})
    page = applied(shop)
    text = shop.get(page).text
    assert "Done and proven" in text
    assert served.account("blog").get(page).status == 404
    assert "the administrator" in served.account("blog").get("r=/jobs").text
    assert ">root<" not in served.account("blog").get("r=/jobs").text
    activity = served.whm.get("r=/activity&kind=account").text
    assert "shop" in activity
    assert "api.shop.example" in activity


def test_a_switch_without_script_stages_and_unstages(served: Served) -> None:
    whm, key = served.whm, "dedi/dedi.example"
    whm.post("r=/stage", {"do": "switches", "row": key, "on": key})
    assert "dedi.example" in whm.get("r=/review").text
    part = whm.post("r=/stage&partial=1", {"row": key})
    assert not part.is_framed
    assert f'id="state-{key}" data-op-part>off<' in part.text
    assert "Nothing is staged" in whm.get("r=/review").text


def test_all_that_match_are_staged_at_once(served: Served) -> None:
    whm = served.whm
    whm.post("r=/stage", {"do": "observe", "all": "yes", "search": "shop"})
    review = whm.get("r=/review").text
    assert "5 staged" in review
    assert "plain.example" not in review
    assert "is forgotten" in followed(whm, whm.post("r=/discard", {})).text


def test_a_long_review_goes_on_to_its_last_vhost(served: Served) -> None:
    whm = served.whm
    whm.post("r=/stage", {"do": "observe", "all": "yes"})
    total = int(re.findall(r"Review and apply \(([0-9]+)\)", whm.get("r=/").text)[0])
    seen: list[str] = []
    query, prints, pages = "r=/review", set(), 0
    while query:
        text = whm.get(query).text
        assert len(re.findall("<[a-z]", text)) <= 1500
        seen += re.findall(r'name="key" value="([^"]+)"', text)
        prints |= set(FINGERPRINT.findall(text))
        assert f"of {total}, refused ones before the others" in text
        more = re.search(r'\?(r=/review&(?:amp;)?after=[0-9]+)"[^>]*>The next ones', text)
        query, pages = more[1].replace("&amp;", "&") if more else "", pages + 1
    assert pages > 1
    assert len(seen) == len(set(seen)) == total
    assert len(prints) == 1, "what is applied is all of it, whichever page is open"
    assert "From the first" in text
    assert "No more than" in whm.get("r=/review&after=999999").text
    whm.post("r=/discard", {})


def test_apply_without_a_review_is_refused(served: Served) -> None:
    whm = served.whm
    whm.post("r=/stage", {"do": "observe", "pick": "dedi/dedi.example"})
    assert "was not reviewed" in whm.post("r=/apply", {}).text
    whm.post("r=/discard", {})


def test_what_changed_since_the_review_is_not_applied_blindly(served: Served) -> None:
    whm = served.whm
    whm.post("r=/stage", {"do": "observe", "pick": "acme/acme.example"})
    found = FINGERPRINT.search(whm.get("r=/review").text)
    assert found
    # The agent's own part of it; the rest says what was asked.
    answer = whm.post("r=/apply", {"fingerprint": "0" * 64 + found[1][64:]})
    number = JOB.search(answer.headers["location"])
    assert number
    assert "refused" in ended(whm, number[1]).text
    assert served.under.is_open("acme.example")
    again = followed(whm, whm.post(f"r=/jobs/{number[1]}/again", {}))
    assert "acme.example" in again.text
    whm.post("r=/discard", {})


def test_the_vhosts_form_stages_its_whole_policy(served: Served) -> None:
    whm = served.whm
    policy = {
        "mode": "observe",
        "trust": "own",
        "port80": "redirect",
        "exempt_names": "mail.dedi.example\r\n",
        "exempt_paths": "/hooks\r\n/wp-json/",
        "exempt_networks": "192.0.2.0/24",
    }
    answer = whm.post("r=/vhosts/dedi/dedi.example/policy", policy)
    assert answer.headers["location"] == "?r=/review"
    form = whm.get("r=/vhosts/dedi/dedi.example").text
    assert "mail.dedi.example</textarea>" in form
    assert "/hooks\n/wp-json/</textarea>" in form
    whm.post("r=/discard", {})


@pytest.mark.parametrize(
    "wrong",
    [
        {"exempt_paths": "/a\n</textarea><script>alert(1)</script>"},
        {"exempt_names": "a b"},
        {"mode": "<b>on</b>"},
        {"trust": "custom"},
        {"exempt_networks": "0.0.0.0/0"},
    ],
)
def test_a_form_that_makes_no_sense_is_answered_with_what_is_wrong(
    served: Served, wrong: Mapping[str, str]
) -> None:
    policy = {"mode": "observe", "trust": "own", "port80": "leave", **wrong}
    answer = served.whm.post("r=/vhosts/dedi/dedi.example/policy", policy)
    assert answer.status == 200
    assert "<script>" not in answer.text
    assert "<b>on" not in answer.text
    assert "Nothing is staged" in served.whm.get("r=/review").text


def test_a_locked_vhost_is_the_administrators_alone(served: Served) -> None:
    whm, blog = served.whm, served.account("blog")
    reason = "<i>Ask us first</i> & wait"
    whm.post("r=/vhosts/blog/blog.example/lock", {"reason": reason})
    try:
        page = blog.get("r=/vhosts/blog/blog.example").text
        assert "&lt;i&gt;Ask us first&lt;/i&gt; &amp; wait" in page
        assert "<i>Ask" not in page
        blog.post("r=/stage", {"do": "off", "pick": "blog/blog.example"})
        review = blog.get("r=/review").text
        assert "Ask us first" in review
        assert "Leave out" in review
        blog.post("r=/drop", {"key": "blog/blog.example"})
        assert "Nothing is staged" in blog.get("r=/review").text
    finally:
        blog.post("r=/discard", {})
        whm.post("r=/vhosts/blog/blog.example/unlock", {})
    assert "Ask us first" not in blog.get("r=/vhosts/blog/blog.example").text


def test_account_holders_may_do_what_the_settings_say(served: Served) -> None:
    whm, dedi = served.whm, served.account("dedi")
    try:
        said = followed(whm, whm.post("r=/settings", {"accounts_may": "see"}))
        assert "Saved." in said.text
        assert "lets you look here" in dedi.get("r=/").text
        dedi.post("r=/stage", {"do": "observe", "pick": "dedi/dedi.example"})
        found = FINGERPRINT.search(dedi.get("r=/review").text)
        answer = dedi.post("r=/apply", {"fingerprint": found[1] if found else "0" * 64})
        assert "Not applied" in followed(dedi, answer).text
    finally:
        whm.post("r=/settings", {"accounts_may": "everything"})
        dedi.post("r=/discard", {})
    wrong = whm.post("r=/settings", {"revert_minutes": "-1"})
    assert "Not saved" in wrong.text


def test_a_vhost_is_proven_from_its_page(served: Served) -> None:
    answer = served.account("blog").post("r=/vhosts/blog/blog.example/prove", {})
    assert "Proven just now" in answer.text


def test_the_ca_can_be_downloaded_and_no_key(served: Served) -> None:
    answer = served.account("blog").get("r=/vhosts/blog/blog.example/ca")
    assert answer.text.startswith("-----BEGIN CERTIFICATE-----")
    assert "PRIVATE KEY" not in answer.text
    assert 'filename="blog.example-ca.pem"' in answer.headers["content-disposition"]


def test_exports_are_files_with_all_that_match(served: Served) -> None:
    answer = served.whm.get("r=/export&form=csv&search=shop")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.headers["content-disposition"] == 'attachment; filename="origin-pulls.csv"'
    assert len(answer.text.strip().splitlines()) == 6
    assert not answer.is_framed


def test_an_account_exports_its_own_and_nothing_else(served: Served) -> None:
    shop = served.account("shop")
    for form in ("csv", "json"):
        assert f"r=/export&form={form}" in shop.get().text.replace("&amp;", "&")
        text = shop.get(f"r=/export&form={form}&account=blog&only=blog").text
        assert "blog.example" not in text.replace("blog.shop.example", "")
    listed = json.loads(shop.get("r=/export&form=json").text)["vhosts"]
    assert {one["user"] for one in listed} == {"shop"}


def test_the_activity_leads_to_the_review_of_an_undo(served: Served) -> None:
    whm = served.whm
    whm.post("r=/stage", {"do": "observe", "pick": "dedi/dedi.example"})
    page = applied(whm)
    number = page.rpartition("/")[2]
    link = f"r=/jobs/{number}/undo/review"
    assert link in whm.get("r=/activity").text
    review = whm.get(link).text
    assert "would be as before" in review
    assert "SSLVerifyClient" in review
    assert served.account("shop").get(link).status == 404
    undone = whm.post(f"{page}/undo", {})
    ended(whm, JOB.search(undone.headers["location"])[1])  # type: ignore[index]
    assert link not in whm.get("r=/activity").text
    assert "an undo put it back" in whm.get(link).text


def test_a_review_that_takes_long_goes_on_and_is_shown_when_it_is_there(served: Served) -> None:
    whm, gate = served.whm, served.sandbox.path("/gate")
    httpd = served.under.apache.paths.httpd
    real = replace_program(httpd, f'while [ -e {gate} ]; do sleep 0.1; done; exec "$REAL" "$@"')
    gate.touch()
    try:
        whm.post("r=/stage", {"do": "observe", "pick": "dedi/dedi.example"})
        page = whm.get("r=/review&partial_ok=yes").text
        assert "1 vhost is being looked at" in page
        poll = re.search(r'data-op-poll="\?([^"]+)"', page)
        assert poll
        assert "partial=1" in poll[1]
        assert "partial_ok=yes" in poll[1]
        gate.unlink()
        part = whm.get(poll[1].replace("&amp;", "&"))
        assert not part.is_framed
        assert FINGERPRINT.search(part.text), part.text
        assert "data-op-poll" not in part.text
    finally:
        gate.unlink(missing_ok=True)
        real.rename(httpd)
        whm.post("r=/discard", {})


def test_a_domain_with_an_asterisk_is_called_so_everywhere(served: Served) -> None:
    whm, shop = served.whm, served.account("shop")
    shop.post("r=/stage", {"do": "observe", "pick": "shop/_wildcard_.shop.example"})
    page = applied(shop)
    whm.post("r=/vhosts/shop/_wildcard_.shop.example/lock", {"reason": "Ask first"})
    visible = re.compile(r">[^<]*_wildcard_[^<]*<")
    try:
        for query in (page, "r=/activity", "r=/doctor", "r=/jobs", "r=/", "r=/tokens"):
            text = re.sub('<div class="op-diff".*?</div>', "", whm.get(query).text, flags=re.DOTALL)
            assert not visible.search(text), (query, visible.search(text))
        assert "shop/*.shop.example" in whm.get("r=/activity").text
        export = whm.get("r=/export&form=csv&search=shop").text
        assert "*.shop.example,shop," in export
        assert "_wildcard_" not in export
    finally:
        whm.post("r=/vhosts/shop/_wildcard_.shop.example/unlock", {})
        shop.post("r=/stage", {"do": "off", "pick": "shop/_wildcard_.shop.example"})
        applied(shop)


def test_the_doctor_says_how_it_stands(served: Served) -> None:
    assert "Apache" in served.whm.get("r=/doctor").text
    part = served.whm.get("r=/facts&partial=1")
    assert "2.4" in part.text
    assert "Apache itself, on port" in part.text  # who ends TLS
    assert not part.is_framed


def test_without_the_agent_each_page_says_so_and_none_is_blank(served: Served) -> None:
    from origin_pulls.sandbox import services

    services.stop(served.sandbox.layout, ["agent"])
    try:
        assert "dedi.example" in served.whm.get().text
        for page in ("doctor", "vhosts/dedi/dedi.example"):
            answer = served.whm.get(f"r=/{page}")
            assert answer.status == 200
            assert "<code>" in answer.text or "systemctl start" in answer.text
            assert "does not answer" in answer.text
        # It is a row of the doctor's own, and the list no longer says what the doctor said last.
        doctor = served.whm.get("r=/doctor").text
        assert re.search(r'rowheader">The agent</th>.*op-tag-bad', doctor)
        for query in ("", "r=/facts&partial=1"):
            said = served.whm.get(query or "r=/").text
            assert "Doctor: the agent does not answer" in said
            assert "Apache itself, on port" not in said
        relaxed = served.whm.post("r=/relax", {"sure": "yes"}).text
        assert "Nothing was relaxed" in relaxed
        assert "Type as root: <code>origin-pulls relax --all</code>" in relaxed
        assert "systemctl start" not in relaxed
    finally:
        served.sandbox.start_services()


def test_the_panic_button_relaxes_everything_after_a_yes(served: Served) -> None:
    whm = served.whm
    whm.post("r=/stage", {"do": "enforce", "pick": "plain/plain.example"})
    applied(whm, {"edge_ready": "yes"}, "&edge_ready=yes")
    assert served.under.is_enforced("plain.example")
    assert "Tick the box" in followed(whm, whm.post("r=/relax", {})).text
    assert served.under.is_enforced("plain.example")
    assert "emptied" in whm.post("r=/relax", {"sure": "yes"}).text
    assert served.under.is_open("plain.example")
