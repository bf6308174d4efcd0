"""``python -m origin_pulls.sandbox.cloudflare DIR PORTS``: the process that serves a Cloudflare.

It says ``ready`` on its standard output once API and edge answer, and ends at SIGTERM.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from origin_pulls.sandbox import files
from origin_pulls.sandbox.cloudflare import leaves, state
from origin_pulls.sandbox.cloudflare.access import Access
from origin_pulls.sandbox.cloudflare.keeper import Keeper
from origin_pulls.sandbox.cloudflare.leaves import Leaf
from origin_pulls.sandbox.cloudflare.server import Server
from origin_pulls.sandbox.layout import Layout


def main(words: Sequence[str]) -> int:
    """Serve until told to end."""
    # Who started us waits for our word and not for our end: let it have no child.
    if os.fork():
        os._exit(0)
    directory, *ports = words
    access = Access(Layout(Path(directory)), *(int(port) for port in ports))
    ending = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ending.set())
    keeper = Keeper(access, state.load(access.state), _shared(access))
    server = Server(keeper, access.api_port)
    files.replace(access.pid_file, f"{os.getpid()}\n")
    try:
        serving = threading.Thread(target=server.serve_forever, daemon=True)
        serving.start()
        keeper.start()
        print("ready", flush=True)  # noqa: T201 - who started us waits for this word
        _let_go_of_output()
        ending.wait()
    finally:
        keeper.stop()
        server.shutdown()
        server.server_close()
    return 0


def _shared(access: Access) -> Leaf:
    """The stand-in for the shared CA, the same as long as the sandbox lives."""
    kept = [access.directory / f"shared-leaf.{kind}" for kind in ("pem", "key")]
    if not access.shared_ca.exists():
        made = leaves.shared()
        files.lay(kept[0], made.certificate)
        files.lay(kept[1], made.key, mode=0o600)
        files.replace(access.shared_ca, made.authority)
    return Leaf(kept[0].read_text(), kept[1].read_text(), access.shared_ca.read_text())


def _let_go_of_output() -> None:
    """Nobody reads it any more: a full or broken pipe must not stop us."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
