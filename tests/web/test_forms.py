"""A form counts only when it is ours, fresh, and sent from our own page."""

from __future__ import annotations

import pytest

from tests.web.conftest import Served

pytestmark = pytest.mark.apache

KEY = "shop/api.shop.example"
CHANGE = {"do": "enforce", "pick": KEY}


def is_staged(served: Served) -> bool:
    return "api.shop.example" in served.account("shop").get("r=/review").text


@pytest.fixture(autouse=True)
def nothing_is_staged(served: Served) -> None:
    served.account("shop").post("r=/discard", {})


@pytest.mark.parametrize("token", ["", "1.2", "9" * 90, "1796011974." + "0" * 64, "ü.ü"])
def test_a_form_without_our_token_changes_nothing(served: Served, token: str) -> None:
    assert served.account("shop").post("r=/stage", CHANGE, token=token).status == 403
    assert not is_staged(served)


def test_a_token_of_another_account_is_worth_nothing(served: Served) -> None:
    foreign = served.account("blog").get("r=/").token
    assert served.account("shop").post("r=/stage", CHANGE, token=foreign).status == 403


def test_a_token_of_the_other_side_is_worth_nothing(served: Served) -> None:
    foreign = served.in_whm("shop").get("r=/").token
    assert served.account("shop").post("r=/stage", CHANGE, token=foreign).status == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
    ],
)
def test_a_form_from_another_site_changes_nothing(served: Served, headers: dict[str, str]) -> None:
    assert served.account("shop").post("r=/stage", CHANGE, **headers).status == 403
    assert not is_staged(served)


def test_a_form_of_ours_from_our_own_site_counts(served: Served) -> None:
    headers = {"Origin": "https://server.example", "Sec_Fetch_Site": "same-origin"}
    answer = served.account("shop").post("r=/stage", CHANGE, **headers)
    assert answer.status == 303
    assert answer.headers["location"].startswith("index.live.php?r=/&said=")
    assert is_staged(served)


def test_whm_is_sent_on_by_a_bare_query(served: Served) -> None:
    answer = served.whm.post("r=/discard", {})
    assert answer.status == 303
    assert answer.headers["location"].startswith("?r=/&said=")


def test_no_address_changes_anything_when_it_is_only_opened(served: Served) -> None:
    for page in ("stage", "discard", "apply", "drop", "jobs/1/undo", "jobs/1/confirm"):
        assert served.whm.get(f"r=/{page}").status in (404, 405)


def test_a_sentence_is_said_once_and_to_its_person_alone(served: Served) -> None:
    location = served.account("shop").post("r=/discard", {}).headers["location"]
    query = location.partition("?")[2]
    assert "is forgotten" not in served.account("blog").get(query).text
    assert "is forgotten" in served.account("shop").get(query).text
    assert "is forgotten" not in served.account("shop").get(query).text


def test_what_is_staged_outlives_a_restart_of_the_service(served: Served) -> None:
    from origin_pulls.sandbox import services

    shop = served.account("shop")
    token = shop.get("r=/").token
    shop.post("r=/stage", CHANGE)
    services.stop(served.sandbox.layout, ["web-account"])
    served.sandbox.start_services()
    assert is_staged(served)
    # A page that was open meanwhile still works.
    assert shop.post("r=/discard", {}, token=token).status == 303
