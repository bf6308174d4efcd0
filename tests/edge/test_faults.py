"""What Cloudflare's API may do meanwhile: the job goes on, or everything is as it was."""

from __future__ import annotations

import signal

import pytest

from tests.edge.site import EdgeSite, Visitor

pytestmark = pytest.mark.apache
NAME = "blog.example"
AOP = r".*/origin_tls_client_auth"

PASSING: dict[str, dict[str, object]] = {
    "409 at the upload": {"path": AOP, "method": "POST", "status": 409, "times": 2},
    "5xx at the switch": {"path": AOP + "/settings", "method": "PUT", "status": 502},
    "the upload's answer lost": {"path": AOP, "method": "POST", "cut": "after"},
    "the switch's answer lost": {"path": AOP + "/settings", "method": "PUT", "cut": "after"},
    "429 with retry-after": {
        "path": AOP + "/settings",
        "method": "PUT",
        "status": 429,
        "headers": {"retry-after": "1"},
    },
    "a fresh token's 403": {
        "path": AOP,
        "method": "POST",
        "status": 403,
        "message": "Unable to authenticate request",
        "times": 2,
    },
}


@pytest.fixture
def asking(standing_site: EdgeSite) -> EdgeSite:
    """The sandbox with the vhost off and Cloudflare new, without a rebuild for each test."""
    standing_site.run("off", NAME)
    standing_site.remote.reset()
    standing_site.remote.edge()
    return standing_site


@pytest.mark.parametrize("fault", PASSING.values(), ids=PASSING.keys())
def test_what_passes_is_waited_for_and_nothing_is_doubled(
    asking: EdgeSite, fault: dict[str, object]
) -> None:
    asking.remote.fault(**fault)  # type: ignore[arg-type]
    ran = asking.run("enforce", NAME, "--json")
    assert ran.code == 0, ran.stdout + ran.stderr
    assert len(asking.live(NAME)) == 1
    assert asking.is_enforced(NAME)


def test_a_lasting_refusal_of_the_upload_leaves_everything_as_it_was(asking: EdgeSite) -> None:
    asking.remote.fault(AOP, method="POST", status=400, code=4711, message="no", times=9)
    ran = asking.run("enforce", NAME, "--json")
    assert ran.code == 3, ran.stdout
    assert asking.is_open(NAME)
    assert asking.live(NAME) == []


def test_a_deployment_that_timed_out_is_taken_back(asking: EdgeSite) -> None:
    asking.remote.switch(fate="deployment_timed_out", fate_times=1)
    ran = asking.run("enforce", NAME, "--json")
    assert ran.code == 4, ran.stdout
    assert "deployment_timed_out" in ran.record["message"]
    assert asking.is_open(NAME)
    assert asking.live(NAME) == []


@pytest.mark.parametrize("fate", ["stuck", "a_word_of_tomorrow"])
def test_a_stuck_deployment_is_waited_for_and_can_be_cancelled(asking: EdgeSite, fate: str) -> None:
    asking.remote.switch(fate=fate, fate_times=1)
    with asking.start("enforce", NAME) as process:
        assert process.stderr
        while "waiting for Cloudflare" not in (line := process.stderr.readline()):
            assert line, "it ended before it waited"
        number = asking.json("jobs")["jobs"][0]["job"]
        refused = asking.run("enforce", NAME, "--json")
        assert refused.code == 3
        assert "cancel" in refused.record["hint"]
        cancelled = asking.run("cancel", str(number), "--json")
        process.communicate(timeout=60)
    assert cancelled.record["state"] == "restored", cancelled.record
    assert asking.is_open(NAME)
    # One that is still pending cannot be deleted: it goes as soon as it can.
    asking.remote.ask("POST", "release")
    asking.remote.edge()
    asking.json("observe", NAME)
    assert asking.live(NAME) == []


def test_what_is_no_longer_presented_when_it_is_demanded_is_taken_back(
    asking: EdgeSite,
) -> None:
    with asking.start("enforce", NAME, "--json") as process:
        assert process.stderr
        while "round 2" not in (line := process.stderr.readline()):
            assert line, "it ended before it was proven"
        process.send_signal(signal.SIGSTOP)
        asking.remote.zone(NAME, aop_enabled=False)
        asking.remote.edge()
        with Visitor(asking, NAME) as visitor:
            process.send_signal(signal.SIGCONT)
            out, _ = process.communicate(timeout=120)
    assert process.returncode == 4, out
    assert "through Cloudflare" in out
    assert asking.is_open(NAME)
    assert asking.visit(NAME).status == 200
    assert asking.json("show", NAME)["mode"] == "off"
    # As short as it can be made: the demand, its taking back, and Apache's two reloads.
    print(f"visitors were refused for {visitor.refused:.1f} seconds")  # noqa: T201 - for `-rA`
    assert 0 < visitor.refused < asking.config.proof_patience / 2, visitor.came


def test_the_origin_can_be_relaxed_while_the_api_is_down(asking: EdgeSite) -> None:
    asking.json("enforce", NAME)
    asking.remote.fault(".*/zones.*", status=503, times=100_000)
    done = asking.json("off", NAME)
    assert done["state"] == "done"
    assert asking.is_open(NAME)
    assert asking.zone(NAME)["aop_enabled"]
    asking.remote.ask("DELETE", "faults")
    asking.json("observe", NAME)
    asking.json("off", NAME)
    assert not asking.zone(NAME)["aop_enabled"], "it was not tried again"
