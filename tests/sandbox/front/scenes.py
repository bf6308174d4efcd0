"""What tests of the panels set up for a while: services, switches, other applications."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from origin_pulls.sandbox import Sandbox, files, switches
from tests.bridges.scripted import Heard, Play, service
from tests.sandbox.front.browser import CPANEL_PAGE, Shown

CGI = "/usr/local/cpanel/whostmgr/docroot/cgi"
CPANEL_PAGE_FILE = "/usr/local/cpanel/base" + CPANEL_PAGE
PEEK = """<?php
$number = 0;
@stream_socket_client('unix:///run/origin-pulls/admin/web.sock', $number, $reason, 5);
echo $reason;
"""
DUMP = "#!/bin/sh\necho 'Content-Type: text/plain'\necho \"X-Uid: $(id -u)\"\necho\nenv\ncat\n"


@contextmanager
def answering(sandbox: Sandbox, side: str, *plays: Play) -> Iterator[Heard]:
    """A scripted web service on one of the two sockets."""
    folder = files.folder(sandbox.path(f"/run/origin-pulls/{side}"))
    with service(folder / "web.sock", *plays) as heard:
        yield heard


@contextmanager
def turned(sandbox: Sandbox, **positions: object) -> Iterator[None]:
    """Some switches in another position for a while."""
    before = switches.read(sandbox.layout)
    switches.turn(sandbox.layout, **positions)
    try:
        yield
    finally:
        switches.turn(sandbox.layout, **{name: getattr(before, name) for name in positions})


@contextmanager
def cgi(
    sandbox: Sandbox, text: str = DUMP, *, acls: str = "all", mode: int = 0o755
) -> Iterator[str]:
    """Another application in WHM, registered while this lasts."""
    script, conf = sandbox.path(f"{CGI}/other.cgi"), sandbox.path("/var/cpanel/apps/other.conf")
    files.lay(script, text, mode=mode)
    files.lay(conf, f"name=other\nservice=whostmgr\nurl=/cgi/other.cgi\nacls={acls}\n")
    try:
        yield "/cgi/other.cgi"
    finally:
        script.unlink()
        conf.unlink()


def environment(shown: Shown) -> dict[str, str]:
    """What a dumping CGI found."""
    return dict(line.split("=", 1) for line in shown.text.splitlines() if "=" in line)
