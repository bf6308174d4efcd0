"""Who gets in, as whom, and what forged words are worth."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.web.conftest import Served

pytestmark = pytest.mark.apache

SHOPS = "api.shop.example"
BLOGS = "blog-addon.blog.example"


def test_root_sees_all_vhosts_in_the_panels_frame(served: Served) -> None:
    answer = served.whm.get()
    assert answer.status == 200
    assert answer.headers["x-origin-pulls-frame"] == "Origin%20Pulls"
    assert SHOPS in answer.text
    assert BLOGS in answer.text


def test_an_account_sees_its_own_vhosts_and_no_other(served: Served) -> None:
    answer = served.account("shop").get()
    assert answer.status == 200
    assert SHOPS in answer.text
    assert "blog.example<" not in answer.text
    assert BLOGS not in answer.text


def test_an_account_cannot_open_roots_socket(served: Served) -> None:
    with pytest.raises(PermissionError):
        replace(served.whm, uid=served.uid("shop")).get()


def test_headers_do_not_make_an_account_somebody_else(served: Served) -> None:
    forged = {
        "X-Origin-Pulls-User": "root",
        "X-Origin-Pulls-Acl": "all",
        "Remote-User": "blog",
        "X-Forwarded-User": "blog",
        "Cookie": "user=blog",
    }
    answer = replace(served.account("shop"), headers=forged).get()
    assert SHOPS in answer.text
    assert BLOGS not in answer.text
    assert "?r=/doctor" not in answer.text


@pytest.mark.parametrize("page", ["doctor", "settings", "activity", "relax", "facts"])
def test_an_account_has_no_page_of_the_administrators(served: Served, page: str) -> None:
    answer = served.account("shop").get(f"r=/{page}")
    assert answer.status == 404


def test_root_is_refused_on_the_accounts_socket(served: Served) -> None:
    answer = served.somebody(0).get()
    assert answer.status == 403
    assert SHOPS not in answer.text


@pytest.mark.parametrize("uid", [65534, 60999, 12345])
def test_a_uid_that_is_no_account_sees_nothing(served: Served, uid: int) -> None:
    answer = served.somebody(uid).get()
    assert answer.status in (200, 403)
    assert ".example" not in answer.text


def test_a_reseller_without_all_privileges_is_refused(served: Served) -> None:
    assert served.in_whm("reseller1", acl="").get().status == 403
    assert served.in_whm("reseller1", acl="some").get().status == 403


def test_a_request_without_a_user_is_refused(served: Served) -> None:
    assert served.in_whm("", acl="all").get().status == 403
    assert replace(served.whm, headers={}).get().status == 403


@pytest.mark.parametrize(
    "query",
    [
        "r=/vhosts/blog/blog.example",
        "r=/vhosts/shop/blog.example",
        "r=/vhosts/blog/blog.example/ca",
        "r=/jobs/1",
        "r=/jobs/1/progress&partial=1",
    ],
)
def test_what_is_another_accounts_does_not_exist(served: Served, query: str) -> None:
    answer = served.account("shop").get(query)
    assert answer.status == 404 or "There is no" in answer.text
    assert "mail.blog.example" not in answer.text


def test_another_accounts_vhost_cannot_be_staged(served: Served) -> None:
    shop = served.account("shop")
    key = "blog/blog.example"
    for values in (
        {"do": "enforce", "pick": key},
        {"do": "switches", "row": key, "on": key},
    ):
        assert shop.post("r=/stage", values).status == 404
    assert "Nothing is staged" in shop.get("r=/review").text


def test_an_accounts_filter_cannot_reach_further(served: Served) -> None:
    for query in ("r=/&account=blog", "r=/&search=blog.example", "r=/&owner=root"):
        assert "blog/blog.example" not in served.account("shop").get(query).text
    exported = served.account("shop").get("r=/export&form=json&account=blog").text
    assert "blog.example" not in exported.replace("blog.shop.example", "")


@pytest.mark.parametrize(
    "query",
    [
        "r=/../etc/passwd",
        "r=//jobs",
        "r=/vhosts/shop/%2e%2e",
        "r=jobs",
        "r=/jobs&r=/doctor",
        "r=/jobs/1%0d%0aX-Bad:%201",
        "r=/" + "a" * 500,
    ],
)
def test_an_address_that_is_none_of_ours_is_not_found(served: Served, query: str) -> None:
    answer = served.whm.get(query)
    assert answer.status == 404
    assert "x-bad" not in answer.headers


def test_markup_that_was_typed_comes_back_as_text(served: Served) -> None:
    answer = served.whm.get("r=/&search=%3Cscript%3Ealert(1)%3C/script%3E")
    assert "<script>" not in answer.text
    answer = served.whm.get("r=/activity&search=%22%3E%3Cimg%20src=x%3E&who=%3Cb%3E")
    assert "<img" not in answer.text
    assert "<b>" not in answer.text
