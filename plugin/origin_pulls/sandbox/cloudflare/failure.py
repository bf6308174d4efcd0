"""Why the edge got no answer from an origin, in Cloudflare's own status codes."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from pathlib import Path
from socket import create_connection

from origin_pulls.sandbox.cloudflare.access import Access

PATIENCE = 5.0
UNKNOWN, DOWN, SILENT, TIMED_OUT, HANDSHAKE, INVALID = 520, 521, 522, 524, 525, 526


def status(access: Access, headers: Mapping[str, str], refused_late: int) -> int:
    """The status for a request that nginx could not have answered.

    nginx calls everything 502 or 504, so the origin is asked once more: does it listen, is its
    certificate good? What remains after that is a handshake that it refused.
    """
    began = headers.get("X-Began", "-").rpartition(" ")[2]
    if began not in ("", "-"):
        if headers.get("X-Status") == "504":
            return TIMED_OUT
        # With TLS 1.3 the refusal of a certificate comes after the edge believes to be through.
        return refused_late if headers.get("X-Way") != "plain" else UNKNOWN
    way, address = headers.get("X-Way", ""), headers.get("X-Origin", "").strip("[]")
    port = access.http_port if way == "plain" else access.https_port
    context = _context(access.layout.server_ca, is_verified=way == "verified")
    try:
        with create_connection((address, port), PATIENCE) as connected:
            if way == "plain":
                return UNKNOWN
            with context.wrap_socket(connected, server_hostname=headers.get("X-Name")):
                return HANDSHAKE
    except ssl.SSLCertVerificationError:
        return INVALID
    except ssl.SSLError:
        return HANDSHAKE
    except TimeoutError:
        return SILENT
    except ConnectionResetError:
        return HANDSHAKE if way != "plain" else UNKNOWN
    except OSError:
        return DOWN


def _context(authority: Path, *, is_verified: bool) -> ssl.SSLContext:
    if is_verified:
        return ssl.create_default_context(cafile=authority)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
