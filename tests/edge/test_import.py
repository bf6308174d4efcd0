"""Certificates made elsewhere: judged as Cloudflare and Apache will, then rotated to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from origin_pulls.errors import Unusable
from origin_pulls.server import importing
from tests.edge.site import EdgeSite

NOW = datetime.now(UTC)
DAY = timedelta(days=1)
CLIENT, SERVER = ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH


@dataclass(frozen=True)
class Made:
    """A certificate with its key."""

    certificate: x509.Certificate
    key: Any

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        return bytes(self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def make(
    name: str,
    by: Made | None = None,
    *,
    is_authority: bool | None = False,
    usages: Sequence[x509.ObjectIdentifier] = (CLIENT,),
    starts: int = -1,
    ends: int = 400,
    curve: ec.EllipticCurve | None = None,
) -> Made:
    key = ec.generate_private_key(curve or ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by.certificate.subject if by else subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW + starts * DAY)
        .not_valid_after(NOW + ends * DAY)
    )
    if is_authority is not None:
        constraints = x509.BasicConstraints(ca=is_authority, path_length=None)
        builder = builder.add_extension(constraints, critical=True)
    if usages:
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
    return Made(builder.sign(by.key if by else key, hashes.SHA256()), key)


ROOT = make("A root", is_authority=True, usages=())
OTHER = make("Another root", is_authority=True, usages=())
MIDDLE = make("In between", ROOT, is_authority=True, usages=())
GOOD = make("leaf", ROOT)

REFUSED = {
    "is a CA": (make("leaf", ROOT, is_authority=True), ROOT),
    "does not say": (make("leaf", ROOT, is_authority=None), ROOT),
    "not for clients": (make("leaf", ROOT, usages=(SERVER,)), ROOT),
    "expired on": (make("leaf", ROOT, starts=-9, ends=-1), ROOT),
    "not valid before": (make("leaf", ROOT, starts=2), ROOT),
    "of a kind": (make("leaf", ROOT, curve=ec.SECP521R1()), ROOT),
    "did not sign": (GOOD, OTHER),
    "is not a root": (make("leaf", MIDDLE), MIDDLE),
}


@pytest.mark.parametrize(("said", "given"), REFUSED.items(), ids=REFUSED.keys())
def test_what_cloudflare_or_apache_would_not_take_is_refused(
    said: str, given: tuple[Made, Made]
) -> None:
    leaf, root = given
    with pytest.raises(Unusable, match=said):
        importing.material(leaf.pem, leaf.key_pem, root.pem, now=NOW)


def test_a_key_of_another_certificate_is_refused() -> None:
    with pytest.raises(Unusable, match="not that of"):
        importing.material(GOOD.pem, OTHER.key_pem, ROOT.pem, now=NOW)


def test_a_chain_is_refused() -> None:
    with pytest.raises(Unusable, match="2 certificates"):
        importing.material(GOOD.pem + ROOT.pem, GOOD.key_pem, ROOT.pem, now=NOW)


def test_a_self_signed_leaf_is_its_own_anchor() -> None:
    leaf = make("by itself")
    made = importing.material(leaf.pem, leaf.key_pem, None, now=NOW)
    assert made.authority == made.leaf


def write(folder: Path, made: Made) -> list[str]:
    files = {"--certificate": made.pem, "--key": made.key_pem, "--ca": ROOT.pem}
    given = []
    for option, text in files.items():
        place = folder / option.strip("-")
        place.write_bytes(text)
        given += [option, str(place)]
    return given


@pytest.mark.apache
def test_an_imported_certificate_is_brought_and_then_rotated_to_the_next(
    site: EdgeSite, tmp_path: Path
) -> None:
    name = "blog.example"
    first, second = GOOD, make("leaf two", ROOT)
    kept = site.json("certificate", "import", name, *write(tmp_path, first))
    assert kept["job"] is None
    site.json("enforce", name)
    live = [one["sha256"] for one in site.live(name)]
    assert live == [first.certificate.fingerprint(hashes.SHA256()).hex()]
    rotated = site.json("certificate", "import", name, *write(tmp_path, second))
    assert rotated["job"]["state"] == "done"
    live = [one["sha256"] for one in site.live(name)]
    assert live == [second.certificate.fingerprint(hashes.SHA256()).hex()]
    shown = site.json("certificate", "show", name)["certificates"]
    assert [(one["sha256"], one["is_imported"], one["form"]) for one in shown] == [
        (live[0], True, "zone")
    ]
    assert shown[0]["edge_id"] == site.live(name)[0]["id"]
    assert site.json("certificate", "export-ca", name)["ca"] == ROOT.pem.decode()
    assert site.is_enforced(name)
    assert site.visit(name).status == 200
