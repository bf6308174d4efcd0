"""Cloudflare's side in the pages: what it does, a job on its way there, a new certificate, off."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from origin_pulls.sandbox.cloudflare.remote import Remote
from origin_pulls.sandbox.cloudflare.running import summary
from origin_pulls.secret import Secret
from origin_pulls.server.tokens import Token, Tokens
from tests.conftest import standing
from tests.edge.test_import import GOOD, sha256, write
from tests.web.browsing import Answer, Visitor
from tests.web.conftest import Panel, give_feature
from tests.web.looking import open_page, wait_for_end
from tests.web.test_changes import FINGERPRINT, JOB, applied, ended, followed

pytestmark = [pytest.mark.apache, pytest.mark.timeout(600)]

KEY, HERE = "blog/blog.example", "r=/vhosts/blog/blog.example"
PATIENCE = 120.0


@pytest.fixture(scope="module")
def panel(browser: Browser) -> Iterator[Panel]:
    """A served sandbox with panels before which a Cloudflare stands; its token is kept."""
    with standing(cloudflare=True, front=True) as sandbox:
        give_feature(sandbox)
        sandbox.start_services()
        panel = Panel(sandbox, browser)
        assert sandbox.cloudflare
        secret = Secret(str(summary(sandbox.cloudflare)["cloudflare_token"]).encode())
        kept = Token(id="5a5a5a5a", secret=secret, added="2026-01-01T00:00:00")
        Tokens(panel.under.config.tokens_directory).keep(kept)
        panel.under.json("settings", "account_wishes=600")
        yield panel


@pytest.fixture
def remote(panel: Panel) -> Remote:
    assert panel.sandbox.cloudflare
    return Remote(panel.sandbox.cloudflare.url)


def enforced(visitor: Visitor) -> str:
    """Have the blog enforced from the page, the whole way; the address of its job."""
    visitor.post("r=/stage", {"do": "enforce", "pick": KEY})
    return applied(visitor)


def begun(visitor: Visitor) -> str:
    """The same, but only begun."""
    visitor.post("r=/stage", {"do": "enforce", "pick": KEY})
    review = visitor.get("r=/review").text
    found = FINGERPRINT.search(review)
    assert found, review
    answer = visitor.post("r=/apply", {"fingerprint": found[1]})
    job = JOB.search(answer.headers["location"])
    assert job
    return f"r=/jobs/{job[1]}"


@pytest.fixture(autouse=True)
def as_found(panel: Panel, remote: Remote) -> Iterator[None]:
    """Nothing is staged and the blog is off, after each test."""
    yield
    for visitor in (panel.account("blog"), panel.whm):
        visitor.post("r=/discard", {})
    panel.under.json("off", "blog.example", "--remove-certificate")
    remote.reset()
    remote.edge()


def until(visitor: Visitor, query: str, text: str) -> Answer:
    """A page as soon as it says this."""
    end = time.monotonic() + PATIENCE
    while text not in (answer := visitor.get(query)).text:
        assert time.monotonic() < end, answer.text
        time.sleep(0.2)
    return answer


def test_a_vhosts_page_says_what_cloudflare_does_and_rotates_its_certificate(
    panel: Panel,
) -> None:
    blog = panel.account("blog")
    before = blog.get(HERE).text
    assert "has nothing set up at Cloudflare for this vhost" in before
    assert "Rotate certificate" not in before
    job = enforced(blog)
    assert panel.under.is_enforced("blog.example")
    page = blog.get(HERE).text
    assert "presents one certificate of ours for the whole zone" in page
    now = blog.get(f"{HERE}&edge=now").text
    assert "blog.example (proxied): our certificate" in now
    assert "encryption mode full" in now
    shown = re.findall(r"<code>([0-9a-f]{64})</code>", now)
    # What Cloudflare has is what the page calls the certificate presented.
    assert len(shown) != len(set(shown))
    # The steps that it made for itself are listed only when they are asked for.
    listed = {one["job"] for one in panel.under.json("jobs")["jobs"]}
    steps = {one["job"] for one in panel.under.json("jobs", "--all")["jobs"]} - listed
    assert steps
    for visitor in (blog, panel.whm):
        for query in (HERE, "r=/jobs"):
            assert steps.isdisjoint(map(int, JOB.findall(visitor.get(query).text)))
    activity = panel.whm.get("r=/activity").text
    assert steps.isdisjoint(map(int, JOB.findall(activity)))
    step = blog.get(f"r=/jobs/{min(steps)}")
    assert "step%20of%20job" in step.headers["x-origin-pulls-frame"]
    assert "Undo this job" not in step.text
    assert "Undone by" not in blog.get(job).text
    review = blog.get(f"{HERE}/rotate").text
    assert "without a refused request" in review
    answer = blog.post(f"{HERE}/rotate", {})
    number = JOB.search(answer.headers["location"])
    assert number
    assert "done" in ended(blog, number[1]).text
    again = re.findall(r"<code>([0-9a-f]{64})</code>", blog.get(f"{HERE}&edge=now").text)
    assert not set(shown) & set(again)
    assert "new certificate" in blog.get("r=/jobs").text


def test_a_job_at_cloudflare_says_what_it_waits_for_and_can_be_cancelled(
    panel: Panel, remote: Remote
) -> None:
    remote.switch(fate="stuck", fate_times=1)
    blog = panel.account("blog")
    page = begun(blog)
    text = until(blog, page, "Waiting for Cloudflare").text
    assert re.search(r"until \d\d:\d\d UTC at the latest", text)
    assert 'aria-current="step"><span class="op-tag op-tag-running">now' in text
    assert "is at Cloudflare with it" in blog.get(HERE).text
    assert "Rotate certificate" not in blog.get(HERE).text
    for somebody in (panel.account("shop"), panel.account("plain")):
        token = somebody.get("r=/tokens").token
        assert somebody.post(f"{page}/cancel", {}, token=token).status == 404
    assert "is at Cloudflare already" in blog.get(f"{HERE}/rotate").text
    said = followed(blog, blog.post(f"{page}/cancel", {}))
    assert "is being taken back" in said.text
    assert "Cancelled by blog" in ended(blog, page.rpartition("/")[2]).text
    assert panel.under.is_open("blog.example")


def test_an_account_neither_cancels_nor_sees_the_words_for_the_administrators_job(
    panel: Panel, remote: Remote
) -> None:
    remote.switch(fate="stuck", fate_times=1)
    whm, blog = panel.whm, panel.account("blog")
    page = begun(whm)
    until(whm, page, "Waiting for Cloudflare")
    text = blog.get(page).text
    assert "the administrator" in text
    assert "Cancel this job" not in text
    answer = blog.post(f"{page}/cancel", {})
    assert "the administrator&#39;s to cancel" in followed(blog, answer).text
    assert "Waiting for Cloudflare" in whm.get(page).text
    assert "Cancelled" in followed(whm, whm.post(f"{page}/cancel", {})).text
    ended(whm, page.rpartition("/")[2])


def test_off_removes_the_certificate_at_cloudflare_only_when_asked(
    panel: Panel, remote: Remote
) -> None:
    blog = panel.account("blog")
    for options, left in (("", 1), ("&removes=yes", 0)):
        enforced(blog)
        blog.post("r=/stage", {"do": "off", "pick": KEY})
        review = blog.get(f"r=/review{options}").text
        assert "Remove the certificate at Cloudflare too" in review
        assert ("is deleted there afterwards" in review) == (left == 0)
        assert "Authenticated Origin Pulls is turned off at Cloudflare" in review
        assert ("the certificate stays there" in review) == (left == 1)
        assert "let Cloudflare stop presenting (zone blog.example)" in review
        applied(blog, {"removes": "yes"} if not left else {}, options)
        assert panel.under.is_open("blog.example")
        panel.under.json("observe", "plain.example")  # what was to be tidied is done by now
        end = time.monotonic() + PATIENCE
        while len(live(remote)) != left:
            assert time.monotonic() < end, live(remote)
            time.sleep(0.2)


def test_a_certificate_of_the_zone_is_ours_at_each_of_its_vhosts_and_can_be_deleted(
    panel: Panel, remote: Remote
) -> None:
    blog, other = panel.account("blog"), "r=/vhosts/blog/blog-addon.blog.example"
    enforced(blog)
    now = blog.get(f"{other}&edge=now").text
    assert "our certificate for another vhost" in now
    assert re.search(r"Certificate there</dt><dd>active, until [^<]+SHA-256", now)
    assert "not ours" not in now
    blog.post("r=/stage", {"do": "off", "pick": KEY})
    applied(blog)
    until(blog, HERE, "in zone blog.example, presented to nobody")
    (left,) = live(remote)
    assert f"{left}: ours, and presented to nobody" in blog.get(f"{HERE}&edge=now").text
    token = panel.account("shop").get("r=/tokens").token
    assert panel.account("shop").post(f"{HERE}/tidy", {}, token=token).status == 404
    job = JOB.search(blog.post(f"{HERE}/tidy", {}).headers["location"])
    assert job
    ended(blog, job[1])
    end = time.monotonic() + PATIENCE
    while live(remote):
        assert time.monotonic() < end
        time.sleep(0.2)
    assert "presented to nobody" not in until(blog, HERE, "not there, as far as").text


def test_off_says_which_zone_goes_on_and_for_whom(panel: Panel) -> None:
    blog = panel.account("blog")
    other = "blog/blog-addon.blog.example"
    blog.post("r=/stage", {"do": "enforce", "pick": [KEY, other]})
    applied(blog)
    blog.post("r=/stage", {"do": "off", "pick": KEY})
    review = blog.get("r=/review").text
    assert "The zone blog.example goes on presenting" in review
    assert "because blog-addon.blog.example needs it" in review
    blog.post("r=/stage", {"do": "off", "pick": other})
    both = blog.get("r=/review").text
    assert "goes on presenting" not in both
    assert "is turned off at Cloudflare" in both
    applied(blog)


def test_a_review_is_not_green_where_nobody_would_get_in(panel: Panel) -> None:
    whm = panel.whm
    whm.post("r=/stage", {"do": "enforce", "pick": "plain/plain.example"})
    review = whm.get("r=/review&edge_ready=yes").text
    assert "Nobody would get in:" in review
    assert re.search(r'<p class="op-warn"><strong>1\s+vhost would change', review)
    assert "You say that Cloudflare presents" in review
    whm.post("r=/discard", {})
    whm.post("r=/stage", {"do": "enforce", "pick": KEY})
    review = whm.get("r=/review").text
    assert "Nobody would get in" not in review
    assert re.search(r'<p class="op-good"><strong>1\s+vhost would change', review)
    # A token does it all: there is nothing that a person could have uploaded.
    assert "Each zone takes some minutes" in review
    assert "where no token reaches the zone; else Origin Pulls does it" in review


def test_names_that_no_token_reaches_are_named(panel: Panel) -> None:
    now = panel.account("plain").get("r=/vhosts/plain/plain.example&edge=now").text
    assert re.search(r"No token reaches the zone of plain\.example[,.]", now)


def live(remote: Remote) -> list[str]:
    gone = ("pending_deletion", "deleted")
    found = remote.zones()["blog.example"]["zone_certificates"]
    return [one["id"] for one in found if one["status"] not in gone]


def test_a_certificate_made_elsewhere_gives_way_only_when_that_is_said(
    panel: Panel, tmp_path: Path
) -> None:
    blog, whm = panel.account("blog"), panel.whm
    panel.under.json("certificate", "import", "blog.example", *write(tmp_path, GOOD))
    enforced(whm)
    assert "made elsewhere" in whm.get(HERE).text
    refused = blog.get(f"{HERE}/rotate").text
    assert "brought by your provider" in refused
    assert "Rotate the certificate" not in refused
    review = whm.get(f"{HERE}/rotate").text
    assert "Make one here" in review
    plain = followed(whm, whm.post(f"{HERE}/rotate", {}))
    assert "was made elsewhere, and its successor is too" in plain.text
    answer = whm.post(f"{HERE}/rotate", {"made_here": "yes"})
    number = JOB.search(answer.headers["location"])
    assert number
    assert "done" in ended(whm, number[1]).text
    page = whm.get(HERE).text
    assert sha256(GOOD) not in page
    assert "made elsewhere;" not in page
    assert "Rotate the certificate" in blog.get(f"{HERE}/rotate").text
    blog.post("r=/stage", {"do": "off", "pick": KEY})
    applied(blog, {"removes": "yes"}, "&removes=yes")


def test_nobody_rotates_or_asks_for_what_is_anothers(panel: Panel) -> None:
    shop = panel.account("shop")
    token = shop.get("r=/tokens").token
    for query in ("/edge&partial=1", "/rotate", "&edge=now"):
        assert "There is no vhost" in shop.get(f"{HERE}{query}").text
    assert shop.post(f"{HERE}/rotate", {}, token=token).status == 404
    assert panel.account("blog").post(f"{HERE}/rotate", {}, token="x").status == 403
    assert panel.whm.get(f"{HERE}/rotate").status == 200


def test_in_a_browser_the_stages_move_by_themselves(panel: Panel) -> None:
    with panel.signed_in("root") as page:
        open_page(page, "/vhosts/blog/blog.example")
        expect(page.get_by_text("blog.example, as it is now")).to_be_visible()
        page.get_by_role("radio", name="Enforce").check()
        page.get_by_role("button", name="Stage and review").click()
        page.get_by_role("button", name="Apply").click()
        expect(page.get_by_role("heading", name="At Cloudflare")).to_be_visible()
        wait_for_end(page)
        expect(page.get_by_text("Done: proven by")).to_be_visible()
        open_page(page, "/vhosts/blog/blog.example")
        page.get_by_role("link", name="Rotate certificate").click()
        page.get_by_role("button", name="Rotate the certificate").click()
        wait_for_end(page)
        assert panel.under.is_enforced("blog.example")


def test_what_goes_wrong_while_a_part_is_asked_for_is_told_there(panel: Panel) -> None:
    said = '<div class="op-bad"><p><strong>You ask too fast.</strong> Wait.</p></div>'
    with panel.signed_in("root") as page:
        page.route("**/*partial=1*", lambda route: route.fulfill(body=said))
        open_page(page, "/vhosts/blog/blog.example")
        expect(page.locator("#op-edge")).to_contain_text("You ask too fast. Wait.")
        # The way without a script is still there.
        expect(page.get_by_role("link", name="Ask Cloudflare now")).to_be_visible()
