"""Vhosts of other shapes: a wildcard, an address of its own, a port alone, a suspended account."""

from __future__ import annotations

import pytest

from tests.apache.client import request
from tests.apache.sites import Sites

pytestmark = pytest.mark.apache

WILDCARD, FRIENDLY = "any.shop.example", "friendly.shop.example"
DEDICATED, SUSPENDED = "dedi.example", "closed.example"


@pytest.fixture(scope="module", autouse=True)
def _enforced(sites: Sites) -> None:
    sites.enforce(WILDCARD, "--exempt-name", FRIENDLY)
    sites.change("enforce", "--edge-ready", DEDICATED, SUSPENDED)


@pytest.mark.parametrize(
    "name", [WILDCARD, "other.shop.example", "a.b.shop.example", "*.shop.example"]
)
def test_every_name_below_a_wildcard_is_refused(sites: Sites, name: str) -> None:
    visitor = sites.visitor(WILDCARD)
    answer = visitor.send(request("GET", "/", name))
    assert answer.status in (400, 403)
    assert b"<h1>*.shop.example" not in answer.text


def test_every_name_below_a_wildcard_is_served_to_who_has_its_leaf(sites: Sites) -> None:
    leaf = sites.leaf(WILDCARD)
    names = (WILDCARD, "other.shop.example")
    answers = [sites.visitor(name, shown=leaf).get() for name in names]
    assert [answer.status for answer in answers] == [200, 200]


@pytest.mark.parametrize("name", [WILDCARD, FRIENDLY])
def test_an_exempt_name_below_a_wildcard_is_served(sites: Sites, name: str) -> None:
    assert sites.visitor(name).send(request("GET", "/", FRIENDLY)).status == 200


@pytest.mark.parametrize("host", [WILDCARD, "xfriendly.shop.example", "x.friendly.shop.example"])
def test_an_exempt_name_below_a_wildcard_opens_no_other(sites: Sites, host: str) -> None:
    assert sites.visitor(FRIENDLY).send(request("GET", "/", host)).status == 403


def test_a_vhost_beside_the_wildcard_stays_open(sites: Sites) -> None:
    assert sites.visitor("shop.example").get().status == 200
    assert sites.visitor("api.shop.example").get().status == 200


@pytest.mark.parametrize("name", [DEDICATED, "www.dedi.example", "unknown.example", None], ids=str)
def test_an_address_of_its_own_demands_the_certificate_of_everybody(
    sites: Sites, name: str | None
) -> None:
    visitor = sites.visitor(name, address=sites.one.sandbox.dedicated_address)
    assert visitor.send(request("GET", "/", DEDICATED)).is_refused
    assert visitor.get2(authority=DEDICATED).is_refused


def test_an_address_of_its_own_serves_who_has_the_leaf(sites: Sites) -> None:
    address = sites.one.sandbox.dedicated_address
    visitor = sites.visitor(DEDICATED, address=address, shown=sites.leaf(DEDICATED))
    assert visitor.get().status == 200


@pytest.mark.parametrize("host", [DEDICATED, "dedi.example:443"])
def test_the_shared_address_does_not_serve_what_has_its_own(sites: Sites, host: str) -> None:
    answer = sites.visitor("plain.example").send(request("GET", "/", host))
    assert b"<h1>dedi.example" not in answer.text


def test_a_suspended_account_demands_the_certificate_too(sites: Sites) -> None:
    assert sites.visitor(SUSPENDED).get().is_refused
