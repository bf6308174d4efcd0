"""The SSL vhosts with their certificates, as ``fetch_ssl_vhosts`` lists them."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.x509.oid import NameOID

from origin_pulls.sandbox import server_settings, userdata
from origin_pulls.sandbox.layout import Layout


def listed(layout: Layout) -> list[dict[str, Any]]:
    """One entry for each SSL vhost of an account, in the order of httpd.conf."""
    shared = server_settings.read(layout).shared_address
    found = []
    seen: set[str] = set()
    pairs = [
        (owned, record)
        for owned in userdata.read_all(layout)
        for record in owned.ssl_vhosts.values()
    ]
    for owned, record in sorted(pairs, key=lambda pair: _order(pair[1]["servername"])):
        name = record["servername"]
        combined = layout.certificate(name)
        if not combined.is_file() or not combined.stat().st_size:
            continue
        domains = [name, *record.aliases]
        if name.startswith("_wildcard_"):
            domains = record.aliases
        found.append(
            {
                "servername": name,
                "user": owned.user,
                "type": "main" if name == owned.main_domain else "sub",
                "domains": domains,
                "docroot": record["documentroot"],
                "ip": record["ip"],
                "ipv6": None,
                "iptype": "shared" if record["ip"] == shared else "dedicated",
                "is_primary_on_ip": int(record["ip"] not in seen),
                "needs_sni": int(record["ip"] in seen),
                "mail_sni_status": 1,
                "crt": _certificate(combined),
            }
        )
        seen.add(record["ip"])
    return found


def _order(server_name: str) -> tuple[bool, str]:
    return server_name.startswith("_wildcard_"), server_name


def _certificate(combined: Path) -> dict[str, Any]:
    leaf = x509.load_pem_x509_certificates(combined.read_bytes())[0]
    names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    issuer = leaf.issuer.get_attributes_for_oid(NameOID.COMMON_NAME)
    return {
        "id": hashlib.sha256(leaf.tbs_certificate_bytes).hexdigest()[:40],
        "domains": names.get_values_for_type(x509.DNSName),
        "not_before": int(leaf.not_valid_before_utc.timestamp()),
        "not_after": int(leaf.not_valid_after_utc.timestamp()),
        "is_self_signed": int(leaf.issuer == leaf.subject),
        "validation_type": "dv",
        "issuer.commonName": str(issuer[0].value) if issuer else "",
        "issuer.organizationName": "Origin Pulls sandbox",
    }
