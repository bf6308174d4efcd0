"""What visitors hold from the time before a demand: sessions and open connections."""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.apache.certificates import Signer
from tests.apache.client import (
    TLS_1_2,
    TLS_1_3,
    Answer,
    Visitor,
    answer_of,
    exchange,
    raw,
    request,
)
from tests.apache.sites import Sites

pytestmark = pytest.mark.apache

FROM_OFF, FROM_OFF_RULED = "acme.example", "shop.example"
FROM_OBSERVE, FROM_OBSERVE_RULED = "blog.example", "reseller1.example"
SITES = (FROM_OFF, FROM_OFF_RULED, FROM_OBSERVE, FROM_OBSERVE_RULED)
VERSIONS = {"TLS 1.2": TLS_1_2, "TLS 1.3": TLS_1_3}
Key = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Held:
    """What one visitor holds."""

    connection: ssl.SSLSocket
    by_ticket: Visitor
    by_number: Visitor


@pytest.fixture(scope="module")
def held(sites: Sites, keys: Path) -> Iterator[Mapping[Key, Held]]:
    """Connections and sessions made before the sites began to demand a certificate.

    Where a site observes, the visitor has shown a stranger's certificate, and was served.
    """
    stranger = Signer.alone("A stranger").kept(keys)
    sites.change("observe", FROM_OBSERVE, FROM_OBSERVE_RULED)
    (keys / "wanted.yaml").write_text(yaml.safe_dump({"vhosts": [_wanted(name) for name in SITES]}))
    found: dict[Key, Held] = {}
    with contextlib.ExitStack() as stack:
        for name in SITES:
            shown = stranger if name in (FROM_OBSERVE, FROM_OBSERVE_RULED) else None
            for word, tls in VERSIONS.items():
                visitor = sites.visitor(name, shown=shown, tls=tls)
                connection = stack.enter_context(visitor.connected("http/1.1"))
                assert answer_of(connection, raw("GET / HTTP/1.1", f"Host: {name}")).status == 200
                found[name, word] = Held(connection, _session(visitor), _session(visitor, True))
        sites.change("apply", str(keys / "wanted.yaml"))
        yield found


def _wanted(name: str) -> dict[str, object]:
    ruled = {"exempt_paths": ["/open"]} if name in (FROM_OFF_RULED, FROM_OBSERVE_RULED) else {}
    return {"name": name, "mode": "enforce", "edge_ready": True, **ruled}


def _session(visitor: Visitor, by_number: bool = False) -> Visitor:
    context = visitor.tls_context("http/1.1")
    if by_number:
        context.options |= ssl.OP_NO_TICKET
    visitor = visitor.but(context=context)
    with visitor.connected() as line:
        assert exchange(line, request("GET", "/", visitor.name or "")).status == 200
        held = visitor.but(session=line.session)
    with held.connected() as line:
        assert exchange(line, request("GET", "/", visitor.name or "")).status == 200
        assert line.session_reused
        # TLS 1.3 tickets are for one use: keep the newest.
        return visitor.but(session=line.session)


def is_refused(answer: Answer, name: str) -> bool:
    assert f"<h1>{name}</h1>".encode() not in answer.text
    return answer.is_refused or answer.status == 403


CASES = pytest.mark.parametrize(
    ("name", "tls"), [(name, word) for name in SITES for word in VERSIONS]
)


@CASES
def test_a_ticket_of_the_time_before_opens_nothing(
    held: Mapping[Key, Held], name: str, tls: str
) -> None:
    assert is_refused(held[name, tls].by_ticket.get(), name)


@CASES
def test_a_session_of_the_time_before_opens_nothing(
    held: Mapping[Key, Held], name: str, tls: str
) -> None:
    assert is_refused(held[name, tls].by_number.get(), name)


@CASES
def test_an_open_connection_of_the_time_before_serves_nothing(
    held: Mapping[Key, Held], name: str, tls: str
) -> None:
    with contextlib.suppress(ConnectionError, ssl.SSLError):
        answer = exchange(held[name, tls].connection, request("GET", "/", name))
        assert answer.status is None
        assert answer.text == b""
