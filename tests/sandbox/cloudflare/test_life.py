"""A sandbox's Cloudflare comes and goes with it, and leaves no process."""

from __future__ import annotations

import json
import os
import select
import signal
from pathlib import Path

import pytest
from click.testing import CliRunner

from origin_pulls.cli.sandbox import sandbox as command
from origin_pulls.cloudflare import ranges
from origin_pulls.config import Config
from origin_pulls.sandbox import Sandbox
from origin_pulls.sandbox.cloudflare import edge
from origin_pulls.sandbox.cloudflare.remote import Remote
from origin_pulls.sandbox.sandbox import take_down
from tests.conftest import standing
from tests.sandbox.cloudflare.conftest import Cloudflare

pytestmark = pytest.mark.apache


def remote(sandbox: Sandbox) -> Remote:
    assert sandbox.cloudflare
    return Remote(sandbox.cloudflare.url)


def has_ended(number: int) -> bool:
    """Whether a process has ended, fetched by its parent or not."""
    try:
        return not Path(f"/proc/{number}/cmdline").read_bytes()
    except OSError:
        return True


def kill(number: int) -> None:
    watched = os.pidfd_open(number)
    os.kill(number, signal.SIGKILL)
    select.select([watched], [], [], 60)
    os.close(watched)


def test_up_tells_where_everything_is_and_down_leaves_no_process() -> None:
    place = Path(f"/tmp/origin-pulls-life-{os.getpid()}")
    try:
        said = CliRunner().invoke(command, ["up", "--dir", str(place), "--json"], obj=None)
        told = json.loads(said.output)
        assert told["edge_addresses"] == ["127.0.64.1", "127.0.64.2"]
        assert told["edge_address"] == told["edge_addresses"][0]
        assert told["cloudflare_url"].endswith("/client/v4")
        assert told["cloudflare_token"].startswith("cfut_")
        assert Path(told["shared_ca"]).read_text().startswith("-----BEGIN CERTIFICATE-----")
        assert edge.leftovers(place / "cloudflare/edge")
        status = CliRunner().invoke(command, ["status", "--dir", str(place)], obj=None)
        assert "Its Cloudflare runs" in status.output
    finally:
        take_down(place)
    assert not place.exists()
    assert edge.leftovers(place / "cloudflare/edge") == []
    assert has_ended(told["cloudflare_pid"])


def test_without_is_as_it_was_and_a_cloudflare_can_come_later() -> None:
    with standing() as sandbox:
        assert sandbox.cloudflare is None
        assert "cloudflare_url" not in sandbox.summary()
        again = Sandbox.up(sandbox.directory, cloudflare=True)
        assert again.cloudflare_pid
        assert again.pid == sandbox.pid
        assert Sandbox.up(sandbox.directory).cloudflare_pid == again.cloudflare_pid


def test_after_an_accident_up_brings_all_of_it_back() -> None:
    with standing(cloudflare=True) as sandbox:
        assert sandbox.cloudflare
        remote(sandbox).zone("shop.example", tls_client_auth="on")
        before = sandbox.cloudflare_pid
        assert before
        kill(before)
        left = edge.leftovers(sandbox.cloudflare.edge)
        assert left
        again = Sandbox.up(sandbox.directory)
        assert again.cloudflare_pid not in (None, before)
        assert not set(left) & set(edge.leftovers(sandbox.cloudflare.edge))
        assert again.summary()["cloudflare_token"] == sandbox.summary()["cloudflare_token"]
        zone = remote(again).zones()["shop.example"]
        assert zone["tls_client_auth"] == "on"
        kill(again.cloudflare_pid or 0)
        sandbox.down()
        assert edge.leftovers(sandbox.cloudflare.edge) == []


def test_reset_keeps_the_ports_and_forgets_the_rest() -> None:
    with standing(cloudflare=True) as sandbox:
        remote(sandbox).zone("shop.example", paused=True)
        sandbox.reset()
        again = Sandbox.load(sandbox.directory)
        assert again.cloudflare == sandbox.cloudflare
        assert remote(again).zones()["shop.example"]["paused"] is False


def test_more_vhosts_get_their_zones_too() -> None:
    with standing(cloudflare=True) as sandbox:
        remote(sandbox).zone("shop.example", tls_client_auth="on")
        grown = Sandbox.up(sandbox.directory, 15)
        zones = remote(grown).zones()
        assert "site00002.example" in zones
        assert zones["shop.example"]["tls_client_auth"] == "on"


def test_the_plugin_takes_the_ranges_that_are_laid_for_it(cloudflare: Cloudflare) -> None:
    kept = cloudflare.sandbox.path("/etc/origin-pulls/cloudflare-ranges.json")
    assert ranges.read(kept) == ("127.0.64.0/24", "2400:cb00::/32")


def test_the_plugins_settings_lead_to_it(cloudflare: Cloudflare) -> None:
    config = Config.at(cloudflare.sandbox.directory)
    assert config.cloudflare_api == cloudflare.access.url
    assert config.dns_over_https == cloudflare.access.dns
    assert config.edge_port == cloudflare.access.edge_port


def test_secrets_lie_in_files_of_roots_alone(cloudflare: Cloudflare) -> None:
    directory = cloudflare.access.directory
    for name in ("state.json", "seed.json", "shared-leaf.key"):
        assert (directory / name).stat().st_mode & 0o777 == 0o600
