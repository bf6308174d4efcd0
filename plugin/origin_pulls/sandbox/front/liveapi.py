"""The socket that an account's page must open and close again, else cPanel complains below it."""

from __future__ import annotations

import os
import secrets
import socket
import threading
from pathlib import Path
from types import TracebackType
from typing import BinaryIO

from origin_pulls.sandbox import files
from origin_pulls.sandbox.front.people import Person
from origin_pulls.sandbox.layout import Layout

GOODBYE = b'<cpanelxml shutdown="1" />'
COMPLAINT = b"<!-- LiveAPI: the page did not open or did not close its socket -->\n"


class LiveApi:
    """One socket for one request, in a folder that only the account may enter."""

    def __init__(self, layout: Layout, person: Person) -> None:
        folder = files.folder(layout.at("/var/cpanel/liveapi"), mode=0o711)
        self.path: Path = folder / f"{secrets.token_hex(6)}.sock"
        self.was_closed = False
        self._is_ending = False
        self._listening = socket.socket(socket.AF_UNIX)
        self._listening.bind(str(self.path))
        os.chown(self.path, person.uid, person.gid)
        self.path.chmod(0o600)
        self._listening.listen(8)
        self._answering = threading.Thread(target=self._answer, daemon=True)

    def __enter__(self) -> LiveApi:
        self._answering.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.finish()

    def finish(self) -> bytes:
        """End it; what is to be written below the page."""
        if self._listening.fileno() >= 0:
            self._is_ending = True
            # Who came before is heard before this: connections wait in a row.
            with socket.socket(socket.AF_UNIX) as last:
                last.connect(str(self.path))
            self._answering.join()
            self._listening.close()
            self.path.unlink(missing_ok=True)
        return b"" if self.was_closed else COMPLAINT

    def _answer(self) -> None:
        while True:
            connection, _ = self._listening.accept()
            with connection, connection.makefile("rb") as said:
                self._hear(connection, said)
            if self._is_ending:
                return

    def _hear(self, connection: socket.socket, said: BinaryIO) -> None:
        try:
            for line in said:
                if GOODBYE in line:
                    self.was_closed = True
                    return
                connection.sendall(b"<cpanelresult></cpanelresult>\n")
        except OSError:
            return  # the page has gone
