"""Runs in a network namespace of its own: a sandbox, and visitors from Cloudflare and elsewhere.

``python -m tests.apache.namespace`` in a fresh namespace (``unshare -n``) prints, as JSON, what
each visitor was answered on port 80.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator

from tests.apache.client import Answer
from tests.apache.sites import Sites
from tests.conftest import standing
from tests.server_under_test import UnderTest

SITE = "shop.example"
CLOUDFLARE, CLOUDFLARE_6 = "104.16.0.1", "2606:4700::1"
SOMEBODY, LOOPBACK = "203.0.113.9", "127.0.0.1"
CHALLENGE = "/.well-known/acme-challenge/token"
FRONT_CONTROLLER = """RewriteEngine On
RewriteCond %{REQUEST_FILENAME} !-f
RewriteRule . index.html [L]
"""
PROOF_FOLDER = "/.well-known/acme-challenge/"
# Other ways in which a tenant lets one page answer for what does not exist.
CATCH_ALLS = {
    "rewriting": FRONT_CONTROLLER,
    "rewriting that ends": FRONT_CONTROLLER.replace("[L]", "[END]"),
    "a fallback": "FallbackResource /index.html\n",
    "a directory index": "DirectoryIndex /index.html\n",
    "an error page": "ErrorDocument 404 /index.html\nErrorDocument 403 /index.html\n",
}
PATHS = (
    "/",
    "/index.html",
    "/nothing",
    "/app/",
    "/satisfy/",
    CHALLENGE,
    "/.well-known/pki-validation/token",
    "/.well-known/security.txt",
    "/.well-known/acme-challenge/../../index.html",
    "/.well-known/acme-challenge/%2e%2e/%2e%2e/index.html",
    "/index.html/.well-known/acme-challenge/token",
    "/cgi-bin/front.cgi/.well-known/acme-challenge/inner",
    "/.well-known/acme-challenge",
)
FILES = {
    "dot_well-known__acme-challenge__token": "the challenge\n",
    "dot_well-known__pki-validation__token": "the challenge\n",
    "dot_well-known__security.txt": "the contact\n",
}


def main() -> None:
    """Bring the namespace up and ask."""
    for words in (
        ("link", "set", "lo", "up"),
        *(("addr", "add", f"{one}/32", "dev", "lo") for one in (CLOUDFLARE, SOMEBODY)),
    ):
        subprocess.run(["ip", *words], check=True)
    with standing() as sandbox:
        sites = Sites(UnderTest(sandbox))
        sites.enforce(SITE, "--port80", "cloudflare")
        with sites.tenant_files("shop", **FILES):
            found = {"": asked(sites)}
            with sites.tenant_files("shop", dot_htaccess=FRONT_CONTROLLER):
                found["front controller"] = asked(sites)
            with sites.tenant_files("shop", dot_htaccess="ErrorDocument 403 /index.html\n"):
                found["error page"] = asked(sites)
            with sites.administrator_lines("ErrorDocument 403 /index.html"):
                found["error page of the server"] = asked(sites)
            found["catch-alls"] = dict(_caught(sites))
    json.dump(found, sys.stdout)


def asked(sites: Sites) -> dict[str, dict[str, tuple[int | None, str]]]:
    """Status and body for each visitor and path."""
    found = {}
    for source in (CLOUDFLARE, SOMEBODY, LOOPBACK):
        visitor = sites.plain_visitor(SITE, source)
        found[source] = {path: _pair(visitor.get(path)) for path in PATHS}
    forging = sites.plain_visitor(SITE, SOMEBODY)
    headers = ("CF-Connecting-IP", "X-Forwarded-For", "X-Real-IP", "Forwarded")
    found["forging"] = {
        f"{name}: {address}": _pair(forging.get("/", **{name: address}))
        for name in headers
        for address in (CLOUDFLARE, LOOPBACK, CLOUDFLARE_6)
    }
    # Cloudflare hands the visitor's address on, and mod_remoteip believes it.
    handing_on = sites.plain_visitor(SITE, CLOUDFLARE)
    found["handed on"] = {"/": _pair(handing_on.get("/", **{"CF-Connecting-IP": SOMEBODY}))}
    return found


def _caught(sites: Sites) -> Iterator[tuple[str, dict[str, tuple[int | None, str]]]]:
    """What somebody gets who asks for a proof that does not exist, for each catch-all."""
    visitor = sites.plain_visitor(SITE, SOMEBODY)
    for word, text in CATCH_ALLS.items():
        with sites.tenant_files("shop", dot_htaccess=text):
            paths = (PROOF_FOLDER, f"{PROOF_FOLDER}none?route=/")
            yield word, {path: _pair(visitor.get(path)) for path in paths}


def _pair(answer: Answer) -> tuple[int | None, str]:
    return answer.status, answer.body.decode("latin-1")


if __name__ == "__main__":
    main()
