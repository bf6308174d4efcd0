"""Who is served and who is refused: each rendered form, each certificate, each protocol."""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
import yaml

from tests.apache.certificates import SERVER, Signer
from tests.apache.client import TLS_1_2, TLS_1_3, Answer, Shown
from tests.apache.sites import Sites

pytestmark = pytest.mark.apache

SERVED, FORBIDDEN, REFUSED = "served", "403", "refused in the handshake"
EXEMPTING: Mapping[str, object] = {"exempt_paths": ["/open"], "exempt_networks": ["192.0.2.0/24"]}

# Trust custom: a CA of somebody's own, so that all kinds of leaves can be signed.
OBSERVED, ENFORCED, EXEMPTED = "acme.example", "blog.example", "shop.example"
# Trust own: the product made CA and leaf.
OWN_OBSERVED, OWN_ENFORCED = "reseller1.example", "xn--bcher-kva.example"
OWN_EXEMPTED = "api.shop.example"
# Trust custom: one self-signed certificate and nothing else.
ALONE_ENFORCED, ALONE_EXEMPTED = "blog-addon.blog.example", "blog.shop.example"

STRANGERS = (
    "a leaf of another CA",
    "a self-signed certificate",
    "a leaf of another CA of the same name",
    "a certificate signed by the leaf",
    "a leaf for servers",
    "an expired leaf",
)
# What OpenSSL finds wrong besides the unknown issuer, `optional_no_ca` refuses as well.
UNBEARABLE = STRANGERS[2:]

OUTCOMES: Mapping[str, Mapping[str, str]] = {
    OBSERVED: {
        "nothing": SERVED,
        "the leaf": SERVED,
        "the probe": SERVED,
        **{who: REFUSED if who in UNBEARABLE else SERVED for who in STRANGERS},
    },
    ENFORCED: {
        "nothing": REFUSED,
        "the leaf": SERVED,
        "the probe": SERVED,
        **dict.fromkeys(STRANGERS, REFUSED),
    },
    EXEMPTED: {
        "nothing": FORBIDDEN,
        "the leaf": SERVED,
        "the probe": SERVED,
        **dict.fromkeys(STRANGERS, REFUSED),
    },
    OWN_OBSERVED: {"its own leaf": SERVED, "another vhost's own leaf": SERVED},
    OWN_ENFORCED: {
        "nothing": REFUSED,
        "its own leaf": SERVED,
        "the probe": SERVED,
        "another vhost's own leaf": REFUSED,
        "a leaf of another CA": REFUSED,
        "a certificate signed by its own leaf": REFUSED,
    },
    OWN_EXEMPTED: {
        "nothing": FORBIDDEN,
        "its own leaf": SERVED,
        "the probe": SERVED,
        "another vhost's own leaf": REFUSED,
        "a leaf of another CA": REFUSED,
        "a certificate signed by its own leaf": REFUSED,
    },
    ALONE_ENFORCED: {
        "nothing": REFUSED,
        "the trusted self-signed certificate": SERVED,
        "the probe": SERVED,
        "a self-signed certificate": REFUSED,
        "a self-signed certificate of the same name": REFUSED,
        "a certificate signed by the trusted self-signed one": REFUSED,
    },
    ALONE_EXEMPTED: {
        "nothing": FORBIDDEN,
        "the trusted self-signed certificate": SERVED,
        "the probe": SERVED,
        "a self-signed certificate": REFUSED,
        "a self-signed certificate of the same name": REFUSED,
        "a certificate signed by the trusted self-signed one": REFUSED,
    },
}
ROWS = [(site, who, end) for site, row in OUTCOMES.items() for who, end in row.items()]
VERSIONS = [TLS_1_2, TLS_1_3]
Wallets = Mapping[str, Mapping[str, Shown | None]]


@pytest.fixture(scope="module")
def wallets(sites: Sites, keys: Path, probe: Shown) -> Wallets:
    """All vhosts under their policies, and for each what its visitors may show."""
    authority, alone = Signer.authority("Somebody's CA"), Signer.alone("Somebody alone")
    (keys / "authority.pem").write_bytes(authority.pem)
    (keys / "alone.pem").write_bytes(alone.pem)
    (keys / "wanted.yaml").write_text(yaml.safe_dump({"vhosts": list(_wanted())}))
    sites.change("apply", str(keys / "wanted.yaml"))
    common: dict[str, Shown | None] = {
        "nothing": None,
        "the probe": probe,
        "a leaf of another CA": Signer.authority("Another CA").leaf("x").kept(keys),
        "a self-signed certificate": Signer.alone("A stranger").kept(keys),
    }
    custom = {**common, **_custom(authority, keys)}
    lonely = {**common, **_lonely(alone, keys)}
    return {
        **dict.fromkeys((OBSERVED, ENFORCED, EXEMPTED), custom),
        **dict.fromkeys((ALONE_ENFORCED, ALONE_EXEMPTED), lonely),
        **{
            site: {**common, **_own(sites, site, keys)}
            for site in (OWN_OBSERVED, OWN_ENFORCED, OWN_EXEMPTED)
        },
    }


def _wanted() -> Iterator[dict[str, object]]:
    modes = {OBSERVED: "observe", OWN_OBSERVED: "observe"}
    files = {
        **dict.fromkeys((OBSERVED, ENFORCED, EXEMPTED), "authority.pem"),
        **dict.fromkeys((ALONE_ENFORCED, ALONE_EXEMPTED), "alone.pem"),
    }
    for site in OUTCOMES:
        trust = {"trust": "custom", "ca_file": files[site]} if site in files else {}
        exempt = EXEMPTING if site in (EXEMPTED, OWN_EXEMPTED, ALONE_EXEMPTED) else {}
        mode = modes.get(site, "enforce")
        yield {"name": site, "mode": mode, "edge_ready": mode == "enforce", **trust, **exempt}


def _custom(authority: Signer, keys: Path) -> dict[str, Shown | None]:
    leaf = authority.leaf("Cloudflare")
    below = leaf.leaf("Nobody's business")
    return {
        "the leaf": leaf.kept(keys),
        "a leaf of another CA of the same name": Signer.authority("Somebody's CA")
        .leaf("Cloudflare")
        .kept(keys),
        "a certificate signed by the leaf": below.kept(keys, leaf),
        "a leaf for servers": authority.leaf("A server", usage=SERVER).kept(keys),
        "an expired leaf": authority.leaf("Too late", is_expired=True).kept(keys),
    }


def _lonely(alone: Signer, keys: Path) -> dict[str, Shown | None]:
    return {
        "the trusted self-signed certificate": alone.kept(keys),
        "a self-signed certificate of the same name": Signer.alone("Somebody alone").kept(keys),
        "a certificate signed by the trusted self-signed one": alone.leaf("x").kept(keys, alone),
    }


def _own(sites: Sites, site: str, keys: Path) -> dict[str, Shown | None]:
    other = OWN_ENFORCED if site != OWN_ENFORCED else OWN_EXEMPTED
    leaf = sites.leaf(site)
    signer = Signer.load(leaf)
    below = signer.leaf("Nobody's business").kept(keys, signer)
    return {
        "its own leaf": leaf,
        "another vhost's own leaf": sites.leaf(other),
        "a certificate signed by its own leaf": below,
    }


def _came(answer: Answer, site: str) -> str:
    if answer.is_refused:
        assert not answer.text
        return REFUSED
    is_page = f"<h1>{site}</h1>".encode() in answer.text
    assert is_page == (answer.status == 200)
    return SERVED if is_page else str(answer.status)


@pytest.mark.parametrize("http", ["HTTP/1.1", "h2"])
@pytest.mark.parametrize("tls", VERSIONS, ids=["TLS 1.2", "TLS 1.3"])
@pytest.mark.parametrize(
    ("site", "who", "end"), ROWS, ids=[f"{site}: {who}: {end}" for site, who, end in ROWS]
)
def test_a_visitor_with_this_certificate_comes_to_this_end(
    sites: Sites, wallets: Wallets, site: str, who: str, end: str, tls: ssl.TLSVersion, http: str
) -> None:
    visitor = sites.visitor(site, shown=wallets[site][who], tls=tls)
    answer = visitor.get() if http == "HTTP/1.1" else visitor.get2()
    assert _came(answer, site) == end


def test_every_form_is_rendered_as_the_table_takes_it(sites: Sites, wallets: Wallets) -> None:
    forms = {
        site: next(
            line.split()[1]
            for line in sites.one.include(user, site).read_text().splitlines()
            if line.startswith("SSLVerifyClient")
        )
        for user, site in (("acme", OBSERVED), ("blog", ENFORCED), ("shop", EXEMPTED))
    }
    assert forms == {OBSERVED: "optional_no_ca", ENFORCED: "require", EXEMPTED: "optional"}


@pytest.mark.parametrize("site", [ENFORCED, EXEMPTED])
def test_a_visitor_who_may_renegotiate_later_is_no_better_off(
    sites: Sites, wallets: Wallets, site: str
) -> None:
    answer = sites.visitor(site, will_show_later=True).get()
    assert answer.status in (None, 403)
