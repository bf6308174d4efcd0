"""Renders the include files that Apache reads, and recognises what stands on disk as ours or not.

The rules are measured (docs/ARCHITECTURE.md, "What Apache really does"): the demand stands at
vhost level; where something is exempt, only a rewrite rule in the vhost holds, because it runs
before any tenant's ``.htaccess``.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from enum import StrEnum

from origin_pulls.errors import Refused
from origin_pulls.model import names
from origin_pulls.model.inventory import Kind, Vhost
from origin_pulls.model.policy import Mode, Policy, Port80

FILE_NAME = "origin-pulls.conf"
MARK = "# Origin Pulls keeps this file. Do not edit it; see `origin-pulls show`."
DIGEST = re.compile(r"# sha256 ([0-9a-f]{64})")
LOG_VARIABLE = "origin_pulls_vhost"
NONCE = "Origin-Pulls-Proof"  # the header by which the log shows a request of ours
PASS = "origin_pulls_pass"  # noqa: S105 - an Apache variable, no secret
NOT_WELL_KNOWN = r"RewriteCond %{REQUEST_URI} !^/\.well-known/"
SAFE_WORD = re.compile(r"[A-Za-z0-9._~@:+,=/*\[\]-]+")
SAFE_FILE = re.compile(r"/[A-Za-z0-9._@:+,=/*-]+")
SNI_FIXED = (2, 4, 64)  # CVE-2025-23048 is open before it


class State(StrEnum):
    """What a file at the place of one of our includes is."""

    ABSENT = "absent"
    COMMENT = "comment"
    OURS = "ours"
    EDITED = "edited"
    FOREIGN = "foreign"


def state(text: bytes | None) -> State:
    """Whether the file is ours as we wrote it, ours but edited, somebody else's, or not there."""
    if text is None:
        return State.ABSENT
    if not text.strip():
        return State.COMMENT  # somebody emptied it; nothing is lost
    head, _, body = text.decode("utf-8", "replace").partition("\n")
    if head != MARK:
        return State.FOREIGN
    line, _, body = body.partition("\n")
    digest = DIGEST.fullmatch(line)
    if not digest or digest[1] != _digest(body):
        return State.EDITED
    is_comment = all(line.startswith("#") or not line.strip() for line in body.splitlines())
    return State.COMMENT if is_comment else State.OURS


def nothing() -> bytes:
    """The include of a vhost for which nothing is wanted: comments alone.

    The file stays, because Apache refuses an ``Include`` whose pattern matches no file.
    """
    return _signed(["# Nothing is demanded here. The file stays: an Include needs a match."])


def secure(
    policy: Policy, vhost: Vhost, *, bundle: str, depth: int, version: tuple[int, ...]
) -> bytes:
    """The include of the SSL vhost. ``bundle`` is the CA file, ``depth`` its longest chain."""
    if policy.mode is Mode.OFF:
        return nothing()
    demand = {
        (Mode.OBSERVE, False): "optional_no_ca",
        (Mode.OBSERVE, True): "optional_no_ca",
        (Mode.ENFORCE, False): "require",
        (Mode.ENFORCE, True): "optional",
    }[policy.mode, policy.is_exempting]
    lines = [
        f"# {_word(vhost.key)}: {policy.mode}",
        f"SSLVerifyClient {demand}",
        f"SSLVerifyDepth {depth}",
        f'SSLCACertificateFile "{_file(bundle)}"',
        f'SetEnvIfExpr "true" {LOG_VARIABLE}={_word(vhost.key)}',
    ]
    if version < SNI_FIXED:
        lines.append("SSLStrictSNIVHostCheck on")
    if policy.mode is Mode.ENFORCE and policy.is_exempting:
        lines += _rule(policy, vhost)
    return _signed(lines)


def plain(policy: Policy, *, ranges: Sequence[str], https_port: int) -> bytes:
    """The include of the port 80 vhost: leave it, send it to HTTPS, or let Cloudflare in alone."""
    match policy.port80:
        case Port80.LEAVE:
            return nothing()
        case Port80.REDIRECT:
            port = "" if https_port == 443 else f":{https_port}"
            site = f"https://%{{SERVER_NAME}}{port}"
            return _signed(
                [
                    *_files_alone("/"),
                    "RewriteEngine On",
                    # The path as it was asked for: unescaped, a %3F would begin a query.
                    NOT_WELL_KNOWN,
                    'RewriteCond %{THE_REQUEST} "^[A-Z]+ (?:https?://[^/ ]+)?(/[^? ]*)"',
                    f"RewriteRule ^ {site}%1 [R=302,L,NE]",
                    # Whatever else a client may write for a request line goes the same way.
                    NOT_WELL_KNOWN,
                    f"RewriteRule ^ {site}%{{REQUEST_URI}} [R=302,L]",
                ]
            )
        case Port80.CLOUDFLARE:
            # AutoSSL proves a domain over plain HTTP; its answers are public by nature.
            proofs = "/(acme-challenge|pki-validation|cpanel-dcv)/"
            allowed = [_from(network) for network in (*ranges, "127.0.0.0/8", "::1/128")]
            return _signed(
                [
                    *_files_alone(proofs),
                    f'<If "! ({" || ".join(allowed)})">',
                    "ErrorDocument 403 default",
                    "</If>",
                    "RewriteEngine On",
                    f"RewriteCond %{{REQUEST_URI}} !^/\\.well-known{proofs}",
                    *(f'RewriteCond expr "! {network}"' for network in allowed),
                    "RewriteRule ^ - [F,L,NS]",
                ]
            )


def _files_alone(below: str) -> list[str]:
    """Lines that let nothing but files be served below ``/.well-known``.

    What is open there for AutoSSL must not be answered with the site by a tenant's catch-all (a
    rewriting, FallbackResource, DirectoryIndex, ErrorDocument). The section is merged after every
    ``.htaccess``, so it has the last word. Its ``RewriteEngine Off`` switches our own rules off
    there too, so it must never cover more than they leave open.
    """
    return [
        f'<LocationMatch "^/\\.well-known{below}">',
        "RewriteEngine Off",
        "FallbackResource disabled",
        "DirectoryIndex disabled",
        "ErrorDocument 403 default",
        "ErrorDocument 404 default",
        "</LocationMatch>",
    ]


def server(*, log: str) -> bytes:
    """The server-level include: one request log for all vhosts that have a policy."""
    fields = (
        "%{%s}t",
        f"%{{{LOG_VARIABLE}}}e",
        "%>s",
        "%{SSL_CLIENT_VERIFY}x",
        "%{SSL_CLIENT_I_DN}x",
        "%{SSL_CLIENT_M_SERIAL}x",
        "%{SSL_TLS_SNI}x",
        "%{SSL_PROTOCOL}x",
        "%{c}a",
        "%a",
        "%{Host}i",
        # What strangers may send here is escaped by Apache and means nothing: it is a random
        # word that only the one who asked can look for.
        f"%{{{NONCE}}}i",
    )
    layout = "\\t".join(fields)
    return _signed([f'GlobalLog "{_file(log)}" "{layout}" env={LOG_VARIABLE}'])


def _rule(policy: Policy, vhost: Vhost) -> list[str]:
    """The fail-closed rule: who holds no pass gets 403, before any ``.htaccess`` is read.

    A pass is given on the first pass through the rules only, for the certificate or for an
    exemption, and goes with the request through internal redirects. So an exempt path survives
    a front controller, while the error page of a refusal is refused as well: a tenant's
    ``ErrorDocument`` or catch-all rewrite must not serve the site under another name.
    """
    first = 'RewriteCond %{ENV:REDIRECT_STATUS} =""'
    give = f"[E={PASS}:1]"
    lines = [
        # Without it Apache would ask for the site's own error page, which is refused as well,
        # and so on until it gives up and logs an error.
        """<If "%{SSL_CLIENT_VERIFY} != 'SUCCESS'">""",
        "ErrorDocument 403 default",
        "</If>",
        "RewriteEngine On",
        "RewriteCond %{SSL:SSL_CLIENT_VERIFY} =SUCCESS [OR]",
        f"RewriteCond %{{ENV:REDIRECT_{PASS}}} =1",
        f"RewriteRule ^ - {give}",
    ]
    kinds = {name.name: name for name in vhost.names}
    for exempt in policy.exempt_names:
        name = kinds.get(exempt)
        lines.append(first)
        if name and name.kind is Kind.SERVICE and name.forms:
            lines += _service_conditions(name.forms)
        else:
            lines.append(f"RewriteCond %{{HTTP_HOST}} ^{_pattern(exempt)}(:[0-9]+)?$ [NC]")
        lines.append(f"RewriteRule ^/ - {give}")
    for path in policy.exempt_paths:
        lines += [
            first,
            f"RewriteCond %{{REQUEST_URI}} ^{_pattern(path)}(/|$)",
            f"RewriteRule ^/ - {give}",
        ]
    for network in policy.exempt_networks:
        lines += [first, f'RewriteCond expr "{_from(network)}"', f"RewriteRule ^/ - {give}"]
    return [*lines, f"RewriteCond %{{ENV:{PASS}}} !=1", "RewriteRule ^ - [F,L,NS]"]


def _service_conditions(forms: Iterable[str]) -> list[str]:
    """Exactly what cPanel's own rule proxies away; every other spelling reaches the site."""
    hosts = [f"RewriteCond %{{HTTP_HOST}} ={_word(form)}" for form in forms]
    return [
        "RewriteCond %{HTTP:Upgrade} !websocket [NC]",
        *(f"{host} [OR]" for host in hosts[:-1]),
        hosts[-1],
    ]


def _from(network: str) -> str:
    # The TCP peer, not what mod_remoteip made of a header that anybody can send.
    return f"%{{CONN_REMOTE_ADDR}} -ipmatch '{names.network(network)}'"


def _pattern(text: str) -> str:
    return re.sub(r"([.+*])", r"\\\1", _word(text))


def _word(text: str) -> str:
    """``text`` if it can stand in Apache's configuration as one harmless word."""
    if not SAFE_WORD.fullmatch(text):
        raise Refused(
            f"{names.shown(text)} cannot stand in Apache's configuration",
            hint="Names hold letters, digits and a few signs only.",
        )
    return text


def _file(path: str) -> str:
    if not SAFE_FILE.fullmatch(path):
        raise Refused(
            f"The path {names.shown(path)} cannot stand in Apache's configuration",
            hint="Use a folder without spaces and quotes.",
        )
    return path


def _signed(lines: Sequence[str]) -> bytes:
    body = "".join(f"{line}\n" for line in lines)
    return f"{MARK}\n# sha256 {_digest(body)}\n{body}".encode()


def _digest(body: str) -> str:
    return hashlib.sha256(body.encode("utf-8", "replace")).hexdigest()
