"""kill -9 between the steps at the edge: whoever comes next goes on by reading what is there."""

from __future__ import annotations

import pytest

from tests.edge.site import EdgeSite, Visitor

pytestmark = pytest.mark.apache
NAME = "blog.example"


def killed_at(site: EdgeSite, said: str, *arguments: str) -> None:
    """Run a command and kill it as soon as it says this."""
    process = site.start(*arguments)
    try:
        assert process.stderr
        for line in process.stderr:
            if said in line:
                break
        else:
            raise AssertionError(f"it never said {said}")
    finally:
        process.kill()
        process.communicate(timeout=60)


# Each line that the whole way says, in order; every step lies between two of them.
ON = [
    "looking at Cloudflare",
    "zone form",
    "bringing the certificate",
    "waiting for Cloudflare",
    "turning Authenticated",
    "looking at the server",
    "writing 3 files",
    "rebuilding httpd.conf",
    "testing the configuration",
    "proving 1 vhost",
    "round 1",
    "round 2",
    "writing 1 file",
]


@pytest.mark.parametrize("said", ON)
def test_turning_on_is_gone_on_with_after_a_kill(site: EdgeSite, said: str) -> None:
    with Visitor(site, NAME) as visitor:
        killed_at(site, said, "enforce", NAME)
        number = site.json("jobs")["jobs"][-1]["job"]
        ended = site.run("wait", str(number), "--json")
    assert ended.code == 0, ended.stdout + ended.stderr
    assert site.is_enforced(NAME)
    assert site.is_sound()
    assert len(site.live(NAME)) == 1
    assert set(visitor.came) == {"HTTP 200"}, visitor.came


ROTATE_AND_OFF = [
    "looking at Cloudflare",
    "writing 1 file",
    "testing the configuration",
    "bringing the certificate",
    "waiting for Cloudflare",
    "round 1",
    "round 2",
    "deleting the certificate",
    "waiting for the certificate to be deleted",
    "removing",
]


@pytest.mark.parametrize("said", ROTATE_AND_OFF)
def test_a_rotation_is_gone_on_with_after_a_kill(standing_site: EdgeSite, said: str) -> None:
    site = standing_site
    site.json("enforce", NAME)
    arguments = ("off", NAME, "--remove-certificate") if said == "removing" else ("rotate", NAME)
    with Visitor(site, NAME) as visitor:
        killed_at(site, said, *arguments)
        jobs = site.json("jobs")["jobs"]
        number = max(one["job"] for one in jobs if one["kind"] != "step")
        ended = site.run("wait", str(number), "--json")
    assert ended.code in (0, 4), ended.stdout + ended.stderr
    assert set(visitor.came) == {"HTTP 200"}, visitor.came
    if said == "removing":
        site.json("observe", NAME)
        return
    assert site.is_enforced(NAME)
    assert len(site.live(NAME)) == 1
