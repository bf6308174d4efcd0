"""A sandbox with its Cloudflare, and what a test needs in order to speak with it."""

from __future__ import annotations

import datetime
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPSConnection
from typing import Any

import pytest
import requests
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from origin_pulls.sandbox import Sandbox
from origin_pulls.sandbox.cloudflare.access import Access
from origin_pulls.sandbox.cloudflare.remote import Remote
from origin_pulls.sandbox.cloudflare.running import summary
from tests.conftest import standing

DAY = datetime.timedelta(days=1)
PATIENCE = 60.0


@dataclass(frozen=True, slots=True)
class Leaf:
    """A certificate with its key, in PEM, and its serial number as Apache writes it."""

    pem: str
    key: str
    serial: str

    @property
    def body(self) -> dict[str, str]:
        """As an upload has it."""
        return {"certificate": self.pem, "private_key": self.key}


def leaf(*, is_authority: bool | None = False, days: int = 30) -> Leaf:
    """A self-signed certificate; ``is_authority`` None says nothing about what it is."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "pulls of a test")])
    serial = x509.random_serial_number()
    now = datetime.datetime.now(datetime.UTC)
    builder = (
        x509.CertificateBuilder(name, name, key.public_key(), serial)
        .not_valid_before(now - 60 * DAY)
        .not_valid_after(now + days * DAY)
    )
    if is_authority is not None:
        constraints = x509.BasicConstraints(ca=is_authority, path_length=None)
        builder = builder.add_extension(constraints, critical=True)
    made = builder.sign(key, hashes.SHA256())
    return Leaf(
        made.public_bytes(serialization.Encoding.PEM).decode(),
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        ).decode(),
        f"{serial:X}".zfill(len(f"{serial:X}") + len(f"{serial:X}") % 2),
    )


@dataclass(frozen=True, slots=True)
class Said:
    """What the API said."""

    status: int
    body: dict[str, Any]
    headers: dict[str, str]

    @property
    def result(self) -> Any:
        """Its result."""
        return self.body.get("result")

    @property
    def error(self) -> tuple[int, int]:
        """Status and first code of a refusal."""
        return self.status, self.body["errors"][0]["code"]


@dataclass(slots=True)
class Cloudflare:
    """The API, the switches and the edge of one sandbox, as a test sees them."""

    sandbox: Sandbox
    access: Access
    token: str
    remote: Remote
    http: requests.Session = field(default_factory=requests.Session)

    def call(self, method: str, path: str, body: object = None, *, token: str = "") -> Said:
        """Call the API with the sandbox's token, or another."""
        headers = {"Authorization": f"Bearer {token or self.token}"}
        answer = self.http.request(
            method, f"{self.access.url}{path}", json=body, headers=headers, timeout=PATIENCE
        )
        return Said(answer.status_code, answer.json(), dict(answer.headers))

    def zone(self, name: str = "shop.example") -> str:
        """The path of a zone."""
        found = self.call("GET", f"/zones?name={name}").result
        return f"/zones/{found[0]['id']}"

    def aop(self, name: str = "shop.example") -> str:
        """The path of a zone's origin pulls."""
        return f"{self.zone(name)}/origin_tls_client_auth"

    def uploaded(self, given: Leaf, *, store: str = "", zone: str = "shop.example") -> str:
        """Upload a certificate and let it become active; its id."""
        said = self.call("POST", f"{self.aop(zone)}{store}", given.body)
        assert said.status == 200, said
        self.remote.clock(advance=60)
        return str(said.result["id"])

    def visit(
        self, name: str, path: str = "/", *, place: int = 0, scheme: str = "https"
    ) -> tuple[int, dict[str, str], str]:
        """Visit a site through one place of the edge: status, headers, body."""
        address = ("127.0.64.1", "127.0.64.2")[place]
        connection: HTTPConnection
        if scheme == "https":
            port = self.access.edge_port
            connection = _Direct(address, port, name, str(self.sandbox.server_ca))
        else:
            port = self.access.edge_http_port
            connection = HTTPConnection(address, port, timeout=PATIENCE)
        try:
            connection.request("GET", path, headers={"Host": f"{name}:{port}"})
            with connection.getresponse() as response:
                text = response.read().decode()
                return response.status, dict(response.getheaders()), text
        finally:
            connection.close()


def await_answer(
    cloudflare: Cloudflare, name: str, is_it: Callable[[int, Mapping[str, str]], bool]
) -> None:
    """Visit until Apache, which tells nobody that it has changed over, answers so."""
    pause = threading.Event()
    for _ in range(600):
        if is_it(*cloudflare.visit(name)[:2]):
            return
        pause.wait(0.1)
    raise AssertionError(f"{name} never answered so")


class _Direct(HTTPSConnection):
    """Connects to an address and asks for a name there."""

    def __init__(self, address: str, port: int, name: str, authority: str) -> None:
        super().__init__(address, port, timeout=PATIENCE)
        self._name = name
        self._trust = ssl.create_default_context(cafile=authority)

    def connect(self) -> None:
        HTTPConnection.connect(self)
        self.sock = self._trust.wrap_socket(self.sock, server_hostname=self._name)


@pytest.fixture(scope="package")
def standing_cloudflare() -> Iterator[Cloudflare]:
    """One sandbox with a Cloudflare for all these tests; its Apache tells what was presented."""
    with standing(cloudflare=True) as sandbox:
        tell = (
            "SSLVerifyClient optional_no_ca\nSSLVerifyDepth 2\n"
            'Header always set X-Shown "%{SSL_CLIENT_M_SERIAL}s"\n'
            'Header always set X-Issuer "%{SSL_CLIENT_I_DN}s"\n'
        )
        sandbox.path("/etc/apache2/conf.d/tell.conf").write_text(tell)
        restarted = sandbox.run("/usr/local/cpanel/scripts/restartsrv_httpd", "--graceful")
        assert restarted.returncode == 0, restarted.stdout
        assert sandbox.cloudflare
        token = str(summary(sandbox.cloudflare)["cloudflare_token"])
        one = Cloudflare(sandbox, sandbox.cloudflare, token, Remote(sandbox.cloudflare.url))
        one.http.trust_env = False
        await_answer(one, "shop.example", lambda _, headers: "X-Shown" in headers)
        yield one
        one.http.close()


@pytest.fixture
def cloudflare(standing_cloudflare: Cloudflare) -> Cloudflare:
    """That Cloudflare as it was at first, with its clock stopped."""
    standing_cloudflare.remote.reset()
    standing_cloudflare.remote.clock(speed=0)
    standing_cloudflare.remote.edge()
    return standing_cloudflare
