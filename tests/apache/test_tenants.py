"""What tenants lock or open in their own folders, below a vhost that demands a certificate."""

from __future__ import annotations

import base64

import pytest

from tests.apache.client import Answer
from tests.apache.sites import Sites

pytestmark = pytest.mark.apache

ENFORCED, EXEMPTED = "blog.example", "shop.example"
FORMS = pytest.mark.parametrize("site", [ENFORCED, EXEMPTED], ids=["require", "exemption rule"])
FOLDERS = ("secret", "denied", "satisfy", "app")


@pytest.fixture(scope="module", autouse=True)
def _enforced(sites: Sites) -> None:
    sites.enforce(ENFORCED)
    sites.enforce(EXEMPTED, "--exempt-name", "webmail.shop.example", "--exempt-path", "/open")


def password(user: str = "alice", word: str = "wonderland") -> str:
    return "Basic " + base64.b64encode(f"{user}:{word}".encode()).decode()


def with_leaf(sites: Sites, site: str, path: str, **headers: str) -> Answer:
    return sites.visitor(site, shown=sites.leaf(site)).get(path, **headers)


@FORMS
def test_a_certificate_is_no_password(sites: Sites, site: str) -> None:
    answer = with_leaf(sites, site, "/secret/")
    assert answer.status == 401
    assert b"secret of" not in answer.text


@FORMS
def test_a_certificate_makes_no_wrong_password_right(sites: Sites, site: str) -> None:
    answer = with_leaf(sites, site, "/secret/", Authorization=password(word="looking-glass"))
    assert answer.status == 401
    assert b"secret of" not in answer.text


@FORMS
def test_the_right_password_opens_the_folder_to_who_has_a_certificate(
    sites: Sites, site: str
) -> None:
    answer = with_leaf(sites, site, "/secret/", Authorization=password())
    assert answer.status == 200
    assert f"secret of {site}".encode() in answer.body


@FORMS
def test_a_certificate_does_not_open_what_is_denied_to_all(sites: Sites, site: str) -> None:
    answer = with_leaf(sites, site, "/denied/")
    assert answer.status == 403
    assert b"denied of" not in answer.text


@FORMS
def test_a_folder_that_satisfies_any_is_open_to_who_has_a_certificate(
    sites: Sites, site: str
) -> None:
    answer = with_leaf(sites, site, "/satisfy/")
    assert answer.status == 200
    assert f"satisfy of {site}".encode() in answer.body


@FORMS
@pytest.mark.parametrize("folder", FOLDERS)
@pytest.mark.parametrize("file", ["", "index.html", "nothing/here"])
def test_without_certificate_no_folder_is_open(
    sites: Sites, site: str, folder: str, file: str
) -> None:
    answer = sites.visitor(site).get(f"/{folder}/{file}")
    assert answer.is_refused if site == ENFORCED else answer.status == 403
    assert f"of {site}".encode() not in answer.text


@FORMS
@pytest.mark.parametrize("folder", FOLDERS)
def test_without_certificate_the_right_password_opens_nothing(
    sites: Sites, site: str, folder: str
) -> None:
    answer = sites.visitor(site).get(f"/{folder}/", Authorization=password())
    assert answer.is_refused if site == ENFORCED else answer.status == 403
    assert f"of {site}".encode() not in answer.text


@FORMS
@pytest.mark.parametrize(
    "access",
    [
        "Require all granted",
        "Require all granted\nSatisfy Any",
        "Order deny,allow\nAllow from all\nSatisfy Any",
        "AuthMerging Off\nRequire all granted",
        "SSLVerifyClient none",
        "SSLVerifyClient none\nSatisfy Any",
        "SSLOptions +OptRenegotiate -StrictRequire\nSatisfy Any",
        "RewriteEngine Off",
        "RewriteEngine On\nRewriteOptions IgnoreInherit\nRewriteRule ^ - [END]",
    ],
)
def test_without_certificate_no_htaccess_opens_the_site(
    sites: Sites, site: str, access: str
) -> None:
    with sites.tenant_files(site.partition(".")[0], dot_htaccess=f"{access}\n"):
        answer = sites.visitor(site).get()
        assert answer.is_refused if site == ENFORCED else answer.status == 403
        assert f"<h1>{site}</h1>".encode() not in answer.text


@FORMS
def test_the_site_itself_is_served_to_who_has_a_certificate(sites: Sites, site: str) -> None:
    answer = with_leaf(sites, site, "/")
    assert answer.status == 200
    assert f"<h1>{site}</h1>".encode() in answer.body
