"""Where no agent runs: a command carries out what it takes back, and says what is so."""

from __future__ import annotations

import pytest

from origin_pulls.engine.server import Server
from origin_pulls.store.rollouts import EdgeStore
from tests.edge.site import EdgeSite

pytestmark = pytest.mark.apache
NAME = "blog.example"


def left_at_cloudflare(site: EdgeSite) -> int:
    """The number of a job that waits at Cloudflare and that nobody goes on with."""
    site.remote.switch(fate="stuck", fate_times=1)
    process = site.start("enforce", NAME)
    try:
        assert process.stderr
        while "waiting for Cloudflare" not in (line := process.stderr.readline()):
            assert line, "it ended before it waited"
    finally:
        process.kill()
        process.communicate(timeout=60)
    return int(site.json("jobs")["jobs"][0]["job"])


def test_off_takes_back_what_nobody_else_goes_on_with(standing_site: EdgeSite) -> None:
    site = standing_site
    number = left_at_cloudflare(site)
    refused = site.run("enforce", NAME, "--json")
    assert refused.code == 3
    assert f"cancel {number}" in refused.record["hint"]
    site.json("off", NAME)
    assert site.run("job", str(number), "--json").record["state"] == "restored"
    site.remote.ask("POST", "release")
    site.remote.edge()
    site.json("enforce", NAME)
    assert site.is_enforced(NAME)
    site.json("off", NAME, "--remove-certificate")


def test_a_job_that_is_being_taken_back_is_called_so(standing_site: EdgeSite) -> None:
    site = standing_site
    number = left_at_cloudflare(site)
    server = Server.of(site.config)
    EdgeStore(server.store).cancel(number, "root")
    server.store.close()
    refused = site.run("enforce", NAME, "--json")
    assert refused.code == 3
    assert "cancelled by root and is being taken back" in refused.record["message"]
    assert f"wait {number}" in refused.record["hint"]
    assert site.run("wait", str(number), "--json").record["state"] == "restored"


def test_what_is_off_is_not_rotated(standing_site: EdgeSite) -> None:
    site = standing_site
    site.remote.ask("POST", "release")
    site.json("enforce", NAME)
    site.remote.fault(".*/zones.*", status=503, times=100_000)
    try:
        site.json("off", NAME)  # what is presented stays noted: Cloudflare cannot be told
        refused = site.run("rotate", NAME, "--json")
    finally:
        site.remote.end_faults()
    assert refused.code == 3, refused.stdout
    assert "is off" in refused.record["message"]
