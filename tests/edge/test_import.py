"""Certificates made elsewhere: judged as Cloudflare and Apache will, then rotated to."""

from __future__ import annotations

import subprocess
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from origin_pulls.errors import Unusable
from origin_pulls.server import importing
from tests.edge.site import EdgeSite

NOW = datetime.now(UTC)
DAY = timedelta(days=1)
KEY_USAGES = (
    *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment"),
    *("key_agreement", "key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
)
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
    rsa_bits: int = 0,
    key_usage: Collection[str] | None = None,
    constraint: x509.NameConstraints | None = None,
    alternative: str = "",
) -> Made:
    key = (
        rsa.generate_private_key(65537, rsa_bits)
        if rsa_bits
        else ec.generate_private_key(curve or ec.SECP256R1())
    )
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
    if key_usage is not None:
        stated = x509.KeyUsage(**{name: name in key_usage for name in KEY_USAGES})
        builder = builder.add_extension(stated, critical=True)
    if constraint is not None:
        builder = builder.add_extension(constraint, critical=True)
    if alternative:
        names = x509.SubjectAlternativeName([x509.DNSName(alternative)])
        builder = builder.add_extension(names, critical=False)
    if usages:
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
    return Made(builder.sign(by.key if by else key, hashes.SHA256()), key)


ROOT = make("A root", is_authority=True, usages=())
OTHER = make("Another root", is_authority=True, usages=())
MIDDLE = make("In between", ROOT, is_authority=True, usages=())
GOOD = make("leaf", ROOT)
ALONE = make("by itself")

ELSEWHERE = x509.NameConstraints([x509.DNSName("elsewhere.example")], None)


def root(**named: Any) -> Made:
    return make("A root", **{"is_authority": True, "usages": (), **named})


def below(one: Made, **named: Any) -> tuple[Made, Made]:
    """A good leaf, but for what is named, with the root that signed it."""
    return make("leaf", one, **named), one


# What OpenSSL would refuse; the last is known by a handshake alone.
UNFIT = {
    "(CA:TRUE)": below(root(is_authority=None)),
    r"say that it is a CA": below(root(is_authority=False)),
    "lacks keyCertSign": below(root(key_usage=["crl_sign"])),
    "The CA is not for clients": below(root(usages=(SERVER,))),
    "RSA key of 1024": below(root(rsa_bits=1024)),
    "lacks digitalSignature": below(ROOT, key_usage=["key_encipherment"]),
    "OpenSSL.*permitted subtree": below(root(constraint=ELSEWHERE), alternative="shop.example"),
}
REFUSED = {
    "is a CA": (make("leaf", ROOT, is_authority=True), ROOT),
    "does not say": (make("leaf", ROOT, is_authority=None), ROOT),
    "not for clients": (make("leaf", ROOT, usages=(SERVER,)), ROOT),
    "expired on": (make("leaf", ROOT, starts=-9, ends=-1), ROOT),
    "not valid before": (make("leaf", ROOT, starts=2), ROOT),
    "of a kind": (make("leaf", ROOT, curve=ec.SECP521R1()), ROOT),
    "did not sign": (GOOD, OTHER),
    "is not a root": (make("leaf", MIDDLE), MIDDLE),
    "too soon": (make("leaf", ROOT, ends=1), ROOT),
    "The CA ends on": below(root(ends=1)),
}


@pytest.mark.parametrize(("said", "given"), REFUSED.items(), ids=REFUSED.keys())
def test_what_cloudflare_or_apache_would_not_take_is_refused(
    said: str, given: tuple[Made, Made]
) -> None:
    leaf, root = given
    with pytest.raises(Unusable, match=said):
        importing.material(leaf.pem, leaf.key_pem, root.pem, now=NOW)


@pytest.mark.parametrize(("said", "given"), UNFIT.items(), ids=UNFIT.keys())
def test_what_openssl_would_refuse_is_refused_with_the_reason(
    said: str, given: tuple[Made, Made], tmp_path: Path
) -> None:
    leaf, authority = given
    assert not verified(leaf, authority, tmp_path), "OpenSSL would take it"
    with pytest.raises(Unusable, match=said):
        importing.material(leaf.pem, leaf.key_pem, authority.pem, now=NOW)


@pytest.mark.parametrize(
    ("leaf", "authority"),
    [
        below(ROOT),
        below(root(key_usage=["key_cert_sign"], usages=(CLIENT,))),
        below(root(rsa_bits=2048), rsa_bits=2048, key_usage=["digital_signature"]),
        below(ROOT, usages=()),
        below(root(constraint=ELSEWHERE), alternative="www.elsewhere.example"),
        (ALONE, ALONE),
    ],
)
def test_what_openssl_takes_is_taken(leaf: Made, authority: Made, tmp_path: Path) -> None:
    assert verified(leaf, authority, tmp_path)
    given = None if authority is leaf else authority.pem
    assert importing.material(leaf.pem, leaf.key_pem, given, now=NOW).leaf == leaf.pem


def verified(leaf: Made, authority: Made, folder: Path) -> bool:
    """What OpenSSL's own program says, at the security level of the strictest systems."""
    for name, made in (("leaf", leaf), ("ca", authority)):
        (folder / name).write_bytes(made.pem)
    command = ["openssl", "verify", "-purpose", "sslclient", "-auth_level", "2"]
    files = ["-CAfile", str(folder / "ca"), str(folder / "leaf")]
    # Given alone, so that nothing else of this machine is trusted.
    done = subprocess.run([*command, "-no-CApath", *files], capture_output=True, check=False)
    return done.returncode == 0


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


FORMS = {"blog.example": "zone_certificates", "acme.example": "hostname_certificates"}


def sha256(made: Made) -> str:
    return made.certificate.fingerprint(hashes.SHA256()).hex()


def bring(site: EdgeSite, name: str, made: Made, folder: Path) -> dict[str, Any]:
    return site.json("certificate", "import", name, *write(folder, made))


@pytest.mark.apache
@pytest.mark.parametrize("name", FORMS)
def test_an_imported_certificate_is_brought_once_and_then_rotated_to_the_next(
    site: EdgeSite, tmp_path: Path, name: str
) -> None:
    first, second, store = GOOD, make("leaf two", ROOT, ends=20), FORMS[name]
    for _ in range(2):
        kept = bring(site, name, first, tmp_path)
        assert (kept["job"], kept["outcome"], kept["notes"]) == (None, "kept", [])
    site.json("enforce", name)
    before = site.live(name, store)
    assert [one["sha256"] for one in before] == [sha256(first)]
    written = site.writes()
    again = bring(site, name, first, tmp_path)
    assert (again["job"], again["outcome"]) == (None, "presented")
    assert site.live(name, store) == before
    assert site.writes() == written, "a second time there is nothing to do"
    told = site.run("rotate", name, "--json")
    assert told.code == 3, "what a person made is not replaced by what nobody asked for"
    assert "certificate import" in told.record["hint"]
    rotated = bring(site, name, second, tmp_path)
    assert rotated["job"]["state"] == "done"
    assert "in 19 days" in rotated["notes"][0]
    live = [one["sha256"] for one in site.live(name, store)]
    assert live == [sha256(second)]
    shown = site.json("certificate", "show", name)["certificates"]
    assert [(one["sha256"], one["is_imported"]) for one in shown] == [(live[0], True)]
    assert shown[0]["edge_id"] == site.live(name, store)[0]["id"]
    assert site.json("certificate", "export-ca", name)["ca"] == ROOT.pem.decode()
    checked = {one["name"]: one for one in site.run("doctor", "--json").record["checks"]}
    assert name in checked["certificates"]["said"], "the leaf ends before its CA"
    assert site.is_enforced(name)
    assert site.visit(name).status == 200
    foreseen = site.json("rotate", name, "--made-here", "--dry-run")
    assert [one["vhosts"] for one in foreseen["zones"]] == [[name]]
    assert [one["sha256"] for one in site.live(name, store)] == live
    site.json("rotate", name, "--made-here")
    assert sha256(second) not in [one["sha256"] for one in site.live(name, store)]
    assert site.visit(name).status == 200


@pytest.mark.apache
def test_one_certificate_serves_a_vhost_in_each_of_its_zones(
    site: EdgeSite, tmp_path: Path
) -> None:
    name, zones = "shop.example", ("shop.example", "shop-parked.example", "shop-second.example")
    second = make("leaf two", ROOT)
    bring(site, name, GOOD, tmp_path)
    done = site.json("enforce", name)
    ways = [line for line in done["items"][0]["proof"] if "through Cloudflare" in line]
    for zone in zones:
        assert [one["sha256"] for one in site.live(zone)] == [sha256(GOOD)]
        assert any(f"//{zone}/" in line for line in ways), "the proof leaves no zone out"
    ran = site.run("certificate", "import", name, *write(tmp_path, second))
    assert ran.code == 0, ran.stdout + ran.stderr
    for zone in zones:
        assert f"zone {zone}: a new certificate" in ran.stderr
        assert [one["sha256"] for one in site.live(zone)] == [sha256(second)]
        assert site.visit(zone).status == 200


@pytest.mark.apache
def test_what_could_not_be_used_as_it_is_meant_is_refused_and_not_kept(
    site: EdgeSite, tmp_path: Path
) -> None:
    site.json("enforce", "blog-addon.blog.example")
    ran = site.run("certificate", "import", "blog.example", *write(tmp_path, GOOD), "--json")
    assert ran.code == 3, ran.stdout
    assert "blog-addon.blog.example" in ran.record["hint"]
    assert site.json("certificate", "show", "blog.example")["certificates"] == []
    assert not (site.config.keys_directory / sha256(GOOD)[:16]).exists()
    bring(site, "acme.example", GOOD, tmp_path)
    ran = site.run("certificate", "import", "shop.example", *write(tmp_path, GOOD), "--json")
    assert ran.code == 3, ran.stdout
    assert "acme.example" in ran.record["message"]
