"""Moving to another server, as the page says: typed on two machines behind one Cloudflare."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

import pytest

from origin_pulls.sandbox.cloudflare.remote import Remote
from origin_pulls.sandbox.cloudflare.running import plugin_settings, summary
from tests.documents import blocks, section
from tests.edge.site import EdgeSite, Visitor
from tests.install.machine import Machine, machine
from tests.server_under_test import UnderTest

pytestmark = [pytest.mark.apache, pytest.mark.timeout(600)]

SITE = "blog.example"
# It has no zone that the token reaches; somebody said that Cloudflare presents a certificate.
BY_HAND = "plain.example"
PROGRAM = "/usr/local/bin/origin-pulls"
# The second machine has ports of its own; here the first one's lead to them.
NEW_ADDRESS = "127.0.0.3"
PAGE = section("docs/OPERATING.md", "Moving to another server")
LET_GO, TAKE_UP = blocks(PAGE)
NOTHING_PRESENTED = "Origin Pulls presents nothing here"
assert NOTHING_PRESENTED in PAGE, "the page says what to wait for"
# The machines have no /root of their own; a person chooses a place as well.
PLACES = ("/root/origin-pulls-backup", "/var/lib/origin-pulls-backup")
POLICIES = f"{PLACES[1]}/policies.yaml"


def typed(machine: Machine, block: str) -> str:
    return machine.good("bash", "-e", "-c", f"cd /var/lib\n{block.replace(*PLACES)}")


def wait_until_gone(site: EdgeSite, machine: Machine) -> None:
    """Wait as the page says: until the old server's certificate is seen at Cloudflare no more."""
    end = time.monotonic() + 60
    while NOTHING_PRESENTED not in machine.good(PROGRAM, "edge", SITE):
        assert time.monotonic() < end, "the certificate stays at Cloudflare"
        time.sleep(0.2)
    assert site.live(SITE) == []


@contextmanager
def relay(port: int, target: int) -> Iterator[None]:
    """What arrives at a port of the new address goes on to a port of this machine."""

    def pump(source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        with suppress(OSError):
            sink.shutdown(socket.SHUT_WR)

    def serve(listener: socket.socket, connections: ExitStack) -> None:
        with suppress(OSError):
            while True:
                near = connections.enter_context(listener.accept()[0])
                far = connections.enter_context(socket.create_connection(("127.0.0.1", target)))
                for pair in ((near, far), (far, near)):
                    threading.Thread(target=pump, args=pair, daemon=True).start()

    with ExitStack() as connections, socket.create_server((NEW_ADDRESS, port)) as listener:
        thread = threading.Thread(target=serve, args=(listener, connections), daemon=True)
        thread.start()
        yield
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(10)


def test_no_request_is_refused_while_a_site_moves(release: Path, wheelhouse: Path) -> None:
    with machine(cloudflare=True) as old, machine() as new, ExitStack() as paths:
        sandbox = old.sandbox
        assert sandbox.cloudflare
        token = str(summary(sandbox.cloudflare)["cloudflare_token"])
        site = EdgeSite(sandbox, Remote(sandbox.cloudflare.url), token)
        # The two servers' certificates come from two CAs, which the edge need not know.
        site.remote.zone(SITE, ssl="full")
        settings = new.at("/etc/origin-pulls/config.yaml")
        known = "".join(f"{k}: {v}\n" for k, v in plugin_settings(sandbox.cloudflare).items())
        settings.write_text(settings.read_text() + known)
        # Which networks are Cloudflare's is known to the new server as to the old one.
        networks = "/etc/origin-pulls/cloudflare-ranges.json"
        new.at(networks).write_bytes(old.at(networks).read_bytes())
        ports = [(sandbox.https_port, new.sandbox.https_port)]
        for near, far in [*ports, (sandbox.http_port, new.sandbox.http_port)]:
            paths.enter_context(relay(near, far))
        for one in (old, new):
            one.at("/var/lib/token.txt").write_text(token)
        old.install(release, wheelhouse)
        typed(old, "origin-pulls token add < token.txt")
        old.good(PROGRAM, "enforce", SITE)
        old.good(PROGRAM, "enforce", BY_HAND, "--edge-ready")
        assert UnderTest(sandbox).is_enforced(SITE)

        with Visitor(site, SITE) as visitor:
            new.good(release / "install.sh", "--wheelhouse", wheelhouse)
            typed(old, LET_GO)
            assert UnderTest(sandbox).is_open(SITE)
            wait_until_gone(site, old)
            for record in site.zone(SITE)["records"]:
                if record["type"] == "A" and record["proxied"]:
                    site.remote.record(SITE, record["name"], NEW_ADDRESS, proxied=True)
            site.remote.edge()
            new.at(POLICIES).parent.mkdir()
            new.at(POLICIES).write_bytes(old.at(POLICIES).read_bytes())
            ran = new.run("bash", "-e", "-c", f"cd /var/lib\n{TAKE_UP.replace(*PLACES)}")
            # What was said of the old server's certificate counts no more.
            assert ran.code == 3, ran
            assert UnderTest(new.sandbox).is_enforced(SITE)
            assert UnderTest(new.sandbox).is_open(BY_HAND)
            old.good("/opt/origin-pulls/current/install.sh", "uninstall")
        assert set(visitor.came) == {"HTTP 200"}, visitor.came
        assert len(site.live(SITE)) == 1
        log = new.at("/etc/apache2/logs/origin-pulls.log").read_text()
        assert "SUCCESS" in log
