"""Ways round a vhost's demand through another vhost: its name, its certificate, its sessions."""

from __future__ import annotations

import socket
import ssl

import pytest

from tests.apache.certificates import Signer
from tests.apache.client import (
    TLS_1_2,
    TLS_1_3,
    Answer,
    Shown,
    Visitor,
    exchange,
    raw,
    request,
)
from tests.apache.sites import Sites

pytestmark = pytest.mark.apache

SITE, RULED = "shop.example", "blog.example"  # `require`, and `optional` with the rule
OTHER = "reseller1.example"  # `require` as well, with a certificate of its own
FIRST = "acme.example"  # `require`; answers clients without SNI
OBSERVED = "xn--bcher-kva.example"
PLAIN = "plain.example"
VERSIONS = pytest.mark.parametrize("tls", [TLS_1_2, TLS_1_3], ids=["TLS 1.2", "TLS 1.3"])
TARGETS = pytest.mark.parametrize("target", [SITE, RULED])


@pytest.fixture(scope="module", autouse=True)
def _enforced(sites: Sites) -> None:
    sites.change("enforce", "--edge-ready", SITE, OTHER, FIRST)
    sites.enforce(RULED, "--exempt-path", "/open", "--exempt-net", "192.0.2.0/24")
    sites.change("observe", OBSERVED)


@pytest.fixture(scope="module")
def stranger(keys: object, tmp_path_factory: pytest.TempPathFactory) -> Shown:
    return Signer.alone("A stranger").kept(tmp_path_factory.mktemp("stranger"))


def door(sites: Sites, stranger: Shown, name: str, tls: ssl.TLSVersion) -> Visitor:
    """Somebody whom the vhost ``name`` lets into the handshake."""
    shown = {OBSERVED: stranger}
    if name in (OTHER, FIRST, SITE):
        shown[name] = sites.leaf(name)
    return sites.visitor(name, shown=shown.get(name), tls=tls)


def is_given_away(answer: Answer) -> bool:
    return any(f"<h1>{name}</h1>".encode() in answer.text for name in (SITE, RULED))


# -- one name in the handshake, another in the request -----------------------------------------


@VERSIONS
@TARGETS
@pytest.mark.parametrize(
    "name",
    [PLAIN, "any.shop.example", "api.shop.example", OTHER, FIRST, OBSERVED, "cpanel.plain.example"],
)
def test_a_handshake_for_one_site_leads_to_no_other(
    sites: Sites, stranger: Shown, name: str, target: str, tls: ssl.TLSVersion
) -> None:
    visitor = door(sites, stranger, name, tls)
    answers = [
        visitor.send(request("GET", "/", target)),
        visitor.send(raw(f"GET https://{target}/ HTTP/1.1", f"Host: {name}", "Connection: close")),
        visitor.get2(authority=target),
    ]
    assert [answer.status for answer in answers] == [421, 421, 421]
    assert not any(map(is_given_away, answers))


@VERSIONS
def test_a_handshake_for_a_site_with_exemptions_leads_to_none_without(
    sites: Sites, tls: ssl.TLSVersion
) -> None:
    visitor = sites.visitor(RULED, tls=tls)
    for answer in (visitor.send(request("GET", "/open/", SITE)), visitor.get2(authority=SITE)):
        assert answer.status == 421
        assert not is_given_away(answer)


@VERSIONS
@pytest.mark.parametrize("target", [SITE, RULED, OTHER, "www.shop.example", "unknown.example", ""])
@pytest.mark.parametrize("name", [None, "unknown.example", "127.0.0.1"], ids=str)
def test_without_a_known_name_in_the_handshake_the_first_site_demands_its_certificate(
    sites: Sites, name: str | None, target: str, tls: ssl.TLSVersion
) -> None:
    visitor = sites.visitor(name, tls=tls)
    assert visitor.send(request("GET", "/", target)).is_refused


@VERSIONS
@TARGETS
@pytest.mark.parametrize("name", [None, "unknown.example"], ids=str)
def test_the_first_sites_own_certificate_without_a_known_name_leads_to_no_other(
    sites: Sites, name: str | None, target: str, tls: ssl.TLSVersion
) -> None:
    visitor = sites.visitor(name, shown=sites.leaf(FIRST), tls=tls)
    answer = visitor.send(request("GET", "/", target))
    assert answer.status == 421
    assert not is_given_away(answer)


@VERSIONS
@pytest.mark.parametrize(
    "name",
    [
        SITE,
        "SHOP.EXAMPLE",
        "Shop.Example",
        "www.shop.example",
        "mail.shop.example",
        "webmail.shop.example",
        "shop-parked.example",
        "www.shop-second.example",
    ],
)
def test_every_name_of_a_site_demands_the_certificate(
    sites: Sites, name: str, tls: ssl.TLSVersion
) -> None:
    assert sites.visitor(name, tls=tls).get().is_refused
    assert sites.visitor(name, tls=tls).get2().is_refused


@pytest.mark.parametrize("target", [SITE, RULED, "unknown.example"])
def test_another_address_of_the_server_does_not_serve_the_site(sites: Sites, target: str) -> None:
    visitor = sites.visitor(target, address="127.0.0.2")
    assert not is_given_away(visitor.get())


@pytest.mark.parametrize("page", ["/index.html", "/"])
def test_an_error_page_for_misdirected_requests_does_not_serve_the_site(
    sites: Sites, page: str
) -> None:
    lines = [f"ErrorDocument {code} {page}" for code in (400, 403, 421)]
    with sites.administrator_lines(*lines):
        answers = [
            sites.visitor(name).send(request("GET", "/", target))
            for name in (PLAIN, RULED)
            for target in (SITE, RULED)
        ]
    assert not any(map(is_given_away, answers))


@TARGETS
@pytest.mark.parametrize("page", ["", "/index.html"], ids=["default", "error page"])
def test_plain_http_on_the_tls_port_does_not_serve_the_site(
    sites: Sites, target: str, page: str
) -> None:
    lines = [f"ErrorDocument 400 {page}"] if page else []
    with sites.administrator_lines(*lines):
        to = ("127.0.0.1", sites.one.sandbox.https_port)
        with socket.create_connection(to, timeout=10) as line:
            answer = exchange(line, request("GET", "/", target))
    assert answer.status in (None, 400, 403)
    assert not is_given_away(answer)


def test_who_switches_the_host_on_an_open_connection_is_judged_again(sites: Sites) -> None:
    with sites.visitor(PLAIN).connected("http/1.1") as line:
        line.sendall(raw("GET / HTTP/1.1", f"Host: {PLAIN}") + request("GET", "/", SITE))
        text = b"".join(iter(lambda: line.recv(65536), b""))
    assert text.startswith(b"HTTP/1.1 200")
    assert b"HTTP/1.1 421" in text
    assert f"<h1>{SITE}</h1>".encode() not in text


# -- sessions -------------------------------------------------------------------------------


def session_of(visitor: Visitor) -> Visitor:
    """The same visitor with a session of this vhost in hand."""
    context = visitor.context or visitor.tls_context("http/1.1")
    visitor = visitor.but(context=context)
    with visitor.connected() as line:
        exchange(line, request("GET", "/", visitor.name or ""))
        session = line.session
    assert session is not None
    return visitor.but(session=session)


def with_session(visitor: Visitor, *, is_ticket: bool) -> Visitor:
    context = visitor.tls_context("http/1.1")
    if not is_ticket:
        context.options |= ssl.OP_NO_TICKET
    held = session_of(visitor.but(context=context))
    assert held.session is not None
    assert held.session.has_ticket == (is_ticket or visitor.tls is TLS_1_3)
    return held


KINDS = pytest.mark.parametrize("is_ticket", [True, False], ids=["ticket", "kept by the server"])


@VERSIONS
@KINDS
def test_a_session_is_resumed_where_it_was_made(
    sites: Sites, stranger: Shown, tls: ssl.TLSVersion, is_ticket: bool
) -> None:
    held = with_session(door(sites, stranger, SITE, tls), is_ticket=is_ticket)
    with held.connected() as line:
        answer = exchange(line, request("GET", "/", SITE))
        assert line.session_reused
    assert answer.status == 200


@VERSIONS
@KINDS
@TARGETS
@pytest.mark.parametrize("name", [PLAIN, OTHER, FIRST, OBSERVED, "any.shop.example"])
def test_a_session_of_one_site_opens_no_other(
    sites: Sites,
    stranger: Shown,
    name: str,
    target: str,
    tls: ssl.TLSVersion,
    is_ticket: bool,
) -> None:
    held = with_session(door(sites, stranger, name, tls), is_ticket=is_ticket)
    answer = held.but(name=target).get()
    assert answer.status in (None, 403)
    assert not is_given_away(answer)


@VERSIONS
@KINDS
def test_a_session_without_certificate_of_a_site_with_exemptions_opens_no_other(
    sites: Sites, tls: ssl.TLSVersion, is_ticket: bool
) -> None:
    held = with_session(sites.visitor(RULED, tls=tls), is_ticket=is_ticket)
    assert held.but(name=SITE).get().is_refused


@VERSIONS
@KINDS
@TARGETS
def test_a_session_of_one_site_does_not_lead_to_another_by_the_host_header(
    sites: Sites, stranger: Shown, target: str, tls: ssl.TLSVersion, is_ticket: bool
) -> None:
    held = with_session(door(sites, stranger, OTHER, tls), is_ticket=is_ticket)
    with held.connected() as line:
        answer = exchange(line, request("GET", "/", target))
        assert line.session_reused
    assert answer.status == 421
    assert not is_given_away(answer)
