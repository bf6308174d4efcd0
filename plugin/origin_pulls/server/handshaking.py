"""A TLS handshake in memory, as the edge and Apache have it: does OpenSSL let a leaf in?"""

from __future__ import annotations

import ssl
import tempfile
from pathlib import Path

from origin_pulls.server import files
from origin_pulls.server.certificates import Material

MOST_ROUNDS = 20


def refusal(material: Material) -> str:
    """Why a server that trusts the CA alone lets the leaf not in; empty when it does.

    It is this machine's OpenSSL that is asked, so its security level, name constraints and critical
    extensions count as they will in Apache. Both sides are here, and nothing leaves this process.
    """
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # The server's own certificate is not what is tried: it is the same leaf.
    client.check_hostname = False
    client.verify_mode = ssl.CERT_NONE
    try:
        server.load_verify_locations(cadata=material.authority.decode("ascii"))
        server.verify_mode = ssl.CERT_REQUIRED
        with tempfile.TemporaryDirectory() as folder:
            # OpenSSL is given keys by files alone; this one is root's, in a folder that is 0700.
            chain = Path(folder) / "leaf.pem"
            text = material.leaf_key.reveal() + material.leaf
            files.replace(chain, text, mode=files.PRIVATE)
            for side in (server, client):
                side.load_cert_chain(chain)
        _shake_hands(server, client)
    except ssl.SSLCertVerificationError as error:
        return error.verify_message
    except ssl.SSLError as error:
        return (error.reason or str(error)).replace("_", " ").lower()
    return ""


def _shake_hands(server: ssl.SSLContext, client: ssl.SSLContext) -> None:
    """Carry the handshake of both sides through; ``SSLError`` where one refuses the other."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    here = server.wrap_bio(to_server, to_client, server_side=True)
    there = client.wrap_bio(to_client, to_server)
    left = [there, here]
    for _ in range(MOST_ROUNDS):
        for side in list(left):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
            left.remove(side)
        if not left:
            return
    raise ssl.SSLError("the handshake does not come to its end")
