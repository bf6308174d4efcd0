"""Where no agent runs: a command carries out what it takes back, and says what is so."""

from __future__ import annotations

import signal
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

import pytest

from origin_pulls.engine.edge import going, wishing
from origin_pulls.engine.server import Server, utc_now
from origin_pulls.model.wish import Cancel
from origin_pulls.server.tokens import Tokens
from origin_pulls.store.rollouts import EdgeStore
from tests.edge.site import LONG, EdgeSite
from tests.edge.test_killed import killed_at
from tests.engine.test_together import agent_of, until

pytestmark = [pytest.mark.apache, pytest.mark.timeout(240)]
NAME = "blog.example"


def _later(how_much: timedelta) -> datetime:
    return utc_now() + how_much


def left_at_cloudflare(site: EdgeSite, *others: str) -> int:
    """The number of a job that waits at Cloudflare and that nobody goes on with."""
    site.remote.switch(fate="stuck", fate_times=1 + len(others))
    killed_at(site, "waiting for Cloudflare", "enforce", NAME, *others)
    return int(site.json("jobs")["jobs"][0]["job"])


def test_off_takes_back_what_nobody_else_goes_on_with(standing_site: EdgeSite) -> None:
    site = standing_site
    number = left_at_cloudflare(site, "acme.example")
    refused = site.run("enforce", NAME, "--json")
    assert refused.code == 3
    assert f"cancel {number}" in refused.record["hint"]
    off = site.run("off", NAME)
    assert off.code == 0, off.stderr
    said = f"job {number}, which is at Cloudflare, is cancelled and taken back"
    assert f"{said}, for acme.example too" in off.stderr
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


def test_what_is_taken_back_waits_as_everything_else_does(standing_site: EdgeSite) -> None:
    site = standing_site
    name = "acme.example"
    site.json("enforce", name)
    site.remote.switch(deletion=LONG)
    with site.lagging():
        killed_at(site, "still presents another", "rotate", name)
        server = Server.of(site.config)
        number = max(one["job"] for one in site.json("jobs")["jobs"] if one["kind"] != "step")
        wishing.cancel(server, Cancel(number, "root"))
        said: list[str] = []
        waits = replace(server.config, edge_poll=60.0, edge_poll_later=60.0)
        due: float | None = 0.0
        for minute in range(10):
            later = timedelta(minutes=minute)
            patient = replace(server, config=waits, clock=partial(_later, later))
            due = going.go_on(patient, said.append)
            if any("to be deleted" in text for text in said):
                break
        assert due is not None
        assert due > 1, f"it is asked without a pause, after {said}"
    after = replace(server, clock=partial(_later, timedelta(minutes=minute + 1)))
    until(lambda: going.go_on(after, said.append) is None, "it is taken back")
    server.store.close()
    assert site.run("job", str(number), "--json").record["state"] == "restored"
    assert site.is_enforced(name)
    site.json("off", name, "--remove-certificate")


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


def test_what_was_cancelled_is_said_once_and_needs_no_attention(site: EdgeSite) -> None:
    number = left_at_cloudflare(site)
    ran = site.run("cancel", str(number))
    assert ran.code == 0, ran.stderr
    assert "Cancelled by root. It was taken back." in ran.stdout
    assert ran.stderr.count("cancelled by root: taking it back") == 1, ran.stderr
    site.remote.ask("POST", "release")
    shown = site.json("list", "--search", NAME)["vhosts"]
    assert [row["attention"] for row in shown if row["servername"] == NAME] == [[]]


def test_who_stops_waiting_for_the_agent_learns_what_becomes_of_the_job(site: EdgeSite) -> None:
    with agent_of(site):
        site.remote.switch(fate="stuck", fate_times=1)
        with site.started("enforce", NAME) as process:
            assert process.stderr
            while "waiting for Cloudflare" not in (line := process.stderr.readline()):
                assert line, "it ended before it waited"
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=60)
        number = site.json("jobs")["jobs"][0]["job"]
        assert process.returncode == 130
        assert f"job {number} goes on in the agent" in said
        assert f"`origin-pulls wait {number}`" in said
        assert f"`origin-pulls cancel {number}`" in said
        assert site.run("cancel", str(number)).code == 0
    site.remote.ask("POST", "release")


def test_the_doctor_names_what_nobody_watches_at_cloudflare(site: EdgeSite) -> None:

    def said() -> tuple[str, str]:
        checks = site.run("doctor", "--json").record["checks"]
        return next((one["state"], one["said"]) for one in checks if one["name"] == "cloudflare")

    tokens = Tokens(site.config.tokens_directory)
    kept = tokens.get("5a5a5a5a")
    site.json("enforce", NAME)
    try:
        assert said()[0] == "good"
        site.json("token", "remove", kept.id)
        assert said() == ("warning", f"There is no token for {NAME}: nobody watches")
    finally:
        tokens.keep(kept)
    site.json("off", NAME, "--remove-certificate")
