"""Observing: nobody is refused whom Apache can bear, and every request leaves a line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.apache.certificates import SERVER, Signer
from tests.apache.client import TLS_1_2, TLS_1_3, Shown, raw, request
from tests.apache.sites import Sites

pytestmark = pytest.mark.apache

SITE, BYSTANDER = "shop.example", "plain.example"
KEY = "shop/shop.example"


@pytest.fixture(scope="module", autouse=True)
def _observed(sites: Sites) -> None:
    sites.change("observe", SITE)


@pytest.fixture(scope="module")
def stranger(keys: Path) -> Shown:
    return Signer.alone("A stranger").kept(keys)


@pytest.mark.parametrize(
    ("method", "path", "host"),
    [
        ("GET", "/", SITE),
        ("GET", "/", "www.shop.example"),
        ("GET", "/", "mail.shop.example"),
        ("GET", "/app/anything", SITE),
        ("GET", "/satisfy/", SITE),
        ("POST", "/cgi-bin/front.cgi", SITE),
    ],
)
def test_nobody_is_refused(
    sites: Sites, stranger: Shown, method: str, path: str, host: str
) -> None:
    for shown in (None, stranger, sites.leaf(SITE)):
        text = request(method, path, host, Content_Length="0")
        assert sites.visitor(SITE, shown=shown).send(text).status == 200


def test_a_service_name_still_leads_to_its_service(sites: Sites) -> None:
    assert sites.visitor("webmail.shop.example").get().status == 503


def test_the_tenants_own_locks_hold(sites: Sites) -> None:
    for shown in (None, sites.leaf(SITE)):
        visitor = sites.visitor(SITE, shown=shown)
        assert [visitor.get(path).status for path in ("/secret/", "/denied/")] == [401, 403]


@pytest.mark.parametrize("tls", [TLS_1_2, TLS_1_3], ids=["TLS 1.2", "TLS 1.3"])
def test_a_request_without_certificate_is_logged_so(sites: Sites, tls: object) -> None:
    with sites.logged(1) as lines:
        sites.visitor(SITE, tls=tls).get()
    [fields] = lines
    when, key, status, verified, issuer, serial, name, protocol, peer, client, host, proof = fields
    assert proof == "-"
    assert re.fullmatch(r"\d{10}", when)
    assert (key, status, verified, issuer, serial) == (KEY, "200", "NONE", "-", "-")
    assert protocol == ("TLSv1.2" if tls is TLS_1_2 else "TLSv1.3")
    assert (name, peer, client, host) == (SITE, "127.0.0.1", "127.0.0.1", SITE)


def test_a_request_with_the_leaf_is_logged_with_its_issuer(sites: Sites) -> None:
    with sites.logged(1) as lines:
        sites.visitor(SITE, shown=sites.leaf(SITE)).get()
    [fields] = lines
    assert fields[3:5] == ["SUCCESS", f"CN=Origin Pulls CA for {SITE}"]


@pytest.mark.parametrize("tls", [TLS_1_2, TLS_1_3], ids=["TLS 1.2", "TLS 1.3"])
def test_a_strangers_certificate_is_never_logged_as_good(
    sites: Sites, stranger: Shown, tls: object
) -> None:
    visitor = sites.visitor(SITE, shown=stranger, tls=tls).but()
    with sites.logged(2) as lines:
        visitor.get()
        visitor.get2()
    for fields in lines:
        assert fields[3] == "GENEROUS" or fields[3].startswith("FAILED:")
        assert fields[4] == "CN=A stranger"


def test_every_request_leaves_one_line(sites: Sites) -> None:
    paths = ("/", "/app/front/controlled", "/nothing", "/secret/", "/denied/", "/app")
    with sites.logged(2 * len(paths)) as lines:
        for path in paths:
            sites.visitor(SITE).get(path)
            sites.visitor(SITE).get2(path)
        # The line of a later request comes last, so nothing is still to come.
    assert len(lines) == 2 * len(paths)
    assert {fields[1] for fields in lines} == {KEY}


def test_requests_of_one_connection_leave_a_line_each(sites: Sites) -> None:
    with sites.logged(3) as lines, sites.visitor(SITE).connected("http/1.1") as line:
        again = raw("GET / HTTP/1.1", f"Host: {SITE}")
        line.sendall(again + again + request("GET", "/nothing", SITE))
        while line.recv(65536):
            pass
    assert [fields[2] for fields in lines] == ["200", "200", "404"]


def test_a_site_without_policy_leaves_no_line(sites: Sites) -> None:
    with sites.logged(1) as lines:
        for name in (BYSTANDER, "blog.example", "any.shop.example", "unknown.example"):
            sites.visitor(name).get()
            sites.plain_visitor(name).get()
        sites.plain_visitor(SITE).get()
        sites.visitor(SITE).get("/last")
    assert [fields[1:3] for fields in lines] == [[KEY, "404"]]


@pytest.mark.parametrize("host", ["a\tb", "x\\ty", '"quoted"', "%0a", "x\x7f", "ü"], ids=ascii)
def test_no_host_header_forges_a_line(sites: Sites, host: str) -> None:
    with sites.logged(1) as lines:
        sites.visitor(SITE).send(raw("GET / HTTP/1.1", f"Host: {host}", "Connection: close"))
        sites.visitor(SITE).get()
    assert all(len(fields) == 12 for fields in lines)
    assert all(fields[0].isdigit() for fields in lines)


def test_no_certificate_forges_a_line(sites: Sites, keys: Path) -> None:
    name = "x\t200\tSUCCESS\n1700000000\tshop/shop.example"
    with sites.logged(1) as lines:
        sites.visitor(SITE, shown=Signer.alone(name).kept(keys)).get()
    [fields] = lines
    assert len(fields) == 12
    assert fields[3] != "SUCCESS"


def test_a_certificate_that_apache_cannot_bear_is_refused_even_here(
    sites: Sites, keys: Path
) -> None:
    """The limit of observing, which the documentation names (`optional_no_ca` and OpenSSL)."""
    leaf = Signer.authority("Somebody's CA").leaf("A server", usage=SERVER).kept(keys)
    assert sites.visitor(SITE, shown=leaf).get().is_refused


def test_a_request_that_the_rule_refuses_is_logged_as_403(sites: Sites) -> None:
    sites.enforce("blog.example", "--exempt-path", "/open")
    log = sites.one.root / "etc/apache2/logs/error_log"
    before = len(log.read_text())
    with sites.logged(2) as lines:
        sites.visitor("blog.example").get()
        sites.visitor("blog.example").get2()
    assert [fields[1:4] for fields in lines] == [["blog/blog.example", "403", "NONE"]] * 2
    assert "Request exceeded the limit" not in log.read_text()[before:]
