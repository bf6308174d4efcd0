"""``python -m origin_pulls.sandbox.front DIR WHM-PORT CPANEL-PORT``: serve until SIGTERM."""

from __future__ import annotations

import os
import ssl
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from origin_pulls.sandbox.front import namespace
from origin_pulls.sandbox.front.panel import Panel
from origin_pulls.sandbox.front.server import Front
from origin_pulls.sandbox.layout import ADDRESS, Layout

CERTIFICATE = "/var/cpanel/ssl/cpanel/mycpanel.pem"


def main(words: Sequence[str]) -> None:
    """Enter the namespace, open both ports, say so on standard output, serve."""
    directory, whm_port, cpanel_port = words
    layout = Layout(Path(directory))
    has_namespace = not os.environ.get("SANDBOX_NO_NAMESPACE") and namespace.enter(layout)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(layout.at(CERTIFICATE))
    fronts = [
        Front((ADDRESS, port), Panel(layout, is_whm=is_whm, has_namespace=has_namespace), tls)
        for port, is_whm in ((int(whm_port), True), (int(cpanel_port), False))
    ]
    sys.stdout.write("ready\n" if has_namespace else "ready without a namespace\n")
    sys.stdout.flush()
    for front in fronts[1:]:
        threading.Thread(target=front.serve_forever, daemon=True).start()
    fronts[0].serve_forever()


if __name__ == "__main__":
    main(sys.argv[1:])
