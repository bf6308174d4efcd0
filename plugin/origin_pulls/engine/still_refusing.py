"""After everything was relaxed: who refuses a visitor without a certificate all the same."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from origin_pulls.model import httpd_conf, include
from origin_pulls.model.proof import Ask
from origin_pulls.server import asking, files
from origin_pulls.server.apache import Apache

AT_ONCE = 8
PAUSE = 0.2
PATIENCE = 5.0  # seconds after the reload: what answers as before by then has not read it


def hosts(apache: Apache) -> Sequence[str]:
    """The ServerNames of vhosts with an include of ours that still refuse the handshake.

    One request each, and while Apache changes over again. It looks at ``httpd.conf`` and the
    includes' places alone. Raises ``OSError`` where those cannot be read.
    """
    asks = list(_asks(apache))
    end = time.monotonic() + PATIENCE
    with ThreadPoolExecutor(AT_ONCE) as pool:
        while True:
            is_over = time.monotonic() >= end and not apache.is_reloading(
                apache.config.proof_patience
            )
            refused = pool.map(lambda ask: _is_refused(apache, ask), asks)
            asks = [ask for ask, is_refused in zip(asks, refused, strict=True) if is_refused]
            if not asks or is_over:
                return sorted({ask.host for ask in asks})
            time.sleep(PAUSE)


def _asks(apache: Apache) -> Iterator[Ask]:
    """One request for each SSL vhost whose folder holds an include of ours."""
    text = files.read(apache.paths.conf, limit=apache.config.source_bytes) or b""
    for block in httpd_conf.parse(text).blocks:
        folders = {Path(pattern).parent for pattern in block.includes}
        if not block.is_ssl or not block.addresses or not block.server_name:
            continue
        if any((folder / include.FILE_NAME).is_file() for folder in folders):
            yield Ask(address=block.addresses[0], host=block.server_name)


def _is_refused(apache: Apache, ask: Ask) -> bool:
    return asking.ask(ask, {}, timeout=apache.config.answer_timeout).is_refused
