"""kill -9 between the steps at the edge: whoever comes next goes on by reading what is there."""

from __future__ import annotations

import pytest

from tests.edge.site import EdgeSite, Visitor
from tests.server_under_test import Ran

pytestmark = pytest.mark.apache
NAME = "blog.example"


def killed_at(site: EdgeSite, said: str, *arguments: str) -> None:
    """Run a command and kill it as soon as it says this."""
    with site.started(*arguments) as process:
        assert process.stderr
        for line in process.stderr:
            if said in line:
                break
        else:
            raise AssertionError(f"it never said {said}")


# Each line that the whole way says, in order; every step lies between two of them.
ON = [
    "looking at Cloudflare",
    "for 1 vhost",
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


ROTATE = [
    "looking at Cloudflare",
    "writing 1 file",
    "testing the configuration",
    "bringing the certificate",
    "waiting for Cloudflare",
    "round 1",
    "round 2",
    "deleting the certificate",
    "waiting for the certificate to be deleted",
]


@pytest.mark.parametrize("said", ROTATE)
def test_a_rotation_is_gone_on_with_after_a_kill(standing_site: EdgeSite, said: str) -> None:
    site = standing_site
    site.json("enforce", NAME)
    before = [one["id"] for one in site.live(NAME)]
    with Visitor(site, NAME) as visitor:
        killed_at(site, said, "rotate", NAME)
        ended = waited_for(site)
    # What an ordinary run of it had begun is taken back and made again: it is done in the end.
    assert ended.code == 0, ended.stdout + ended.stderr
    assert set(visitor.came) == {"HTTP 200"}, visitor.came
    assert site.is_enforced(NAME)
    after = [one["id"] for one in site.live(NAME)]
    assert len(after) == 1
    assert after != before


def test_off_that_was_killed_before_its_proof_is_taken_back(standing_site: EdgeSite) -> None:
    site = standing_site
    site.json("enforce", NAME)
    with Visitor(site, NAME) as visitor:
        killed_at(site, "removing", "off", NAME, "--remove-certificate")
        ended = waited_for(site)
    # `off` is one ordinary run: the next one takes it back, and Cloudflare was never asked.
    assert ended.code == 4, ended.stdout + ended.stderr
    assert set(visitor.came) == {"HTTP 200"}, visitor.came
    assert site.is_enforced(NAME)
    assert site.zone(NAME)["aop_enabled"]


# In the form for single names: what it says besides. `off` first voids, then deletes.
HOSTNAME = {
    "bringing the certificate": "enforce",
    "waiting for Cloudflare to bring": "enforce",
    "setting the certificate for": "enforce",
    "waiting for Cloudflare to associate": "enforce",
    "round 1": "rotate",
    "deleting the certificate": "rotate",
    "taking the certificate from": "off",
}


@pytest.mark.parametrize(("said", "what"), HOSTNAME.items(), ids=HOSTNAME.keys())
def test_the_form_for_single_names_is_gone_on_with(
    standing_site: EdgeSite, said: str, what: str
) -> None:
    site, name = standing_site, "acme.example"
    if what == "enforce":
        site.json("off", name, "--remove-certificate")
        until_gone(site, name)
    else:
        site.json("enforce", name)
    with Visitor(site, name) as visitor:
        killed_at(site, said, what, name, *(["--remove-certificate"] if what == "off" else []))
        ended = waited_for(site)
    assert ended.code == 0, ended.stdout + ended.stderr
    assert set(visitor.came) == {"HTTP 200"}, visitor.came
    if what == "off":
        until_gone(site, name)
        assert site.zone(name)["associations"] == []
    else:
        assert site.is_enforced(name)
        assert len(site.live(name, "hostname_certificates")) == 1


def waited_for(site: EdgeSite) -> Ran:
    """Wait for the job that a person asked for last."""
    jobs = site.json("jobs")["jobs"]
    number = max(one["job"] for one in jobs if one["kind"] != "step")
    return site.run("wait", str(number), "--json")


def until_gone(site: EdgeSite, name: str) -> None:
    """Wait until Cloudflare has let go: a voided name takes it minutes (here less), then ours."""
    for _ in range(10):
        site.remote.edge()
        site.json("off", name, "--remove-certificate")
        if not site.live(name, "hostname_certificates"):
            return
    raise AssertionError("the certificate stays at Cloudflare")
