"""The watch: what somebody changed at Cloudflare is told, and visitors come before principle."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from origin_pulls.actions import pages
from origin_pulls.engine.edge import watching
from origin_pulls.engine.edge.reach import NoReach, ZoneClient
from origin_pulls.engine.server import Server, utc_now
from origin_pulls.errors import EdgeUnknown
from origin_pulls.model.policy import Mode
from origin_pulls.server.tokens import Tokens
from origin_pulls.store.letters import forget, waiting
from origin_pulls.store.rollouts import Drift, EdgeStore
from tests.edge.site import EdgeSite
from tests.edge.test_import import ROOT, make, write

pytestmark = pytest.mark.apache
NAME = "blog.example"


def watch(
    site: EdgeSite,
    *,
    later: timedelta = timedelta(),
    looked: dict[str, datetime] | None = None,
) -> list[Drift]:
    """One look of the watch, at the time that it is then."""
    server = Server.of(site.config)
    object.__setattr__(server, "clock", lambda: utc_now() + later)
    try:
        return watching.watch(server, lambda _: None, looked)
    finally:
        server.store.close()


def mode(site: EdgeSite) -> str:
    return str(site.json("show", NAME)["mode"])


def attention(site: EdgeSite, name: str = NAME) -> list[str]:
    """What the lists and pages say that the vhost needs a person for."""
    server = Server.of(site.config)
    rows = server.store.rows("SELECT said FROM attention WHERE server_name=?", (name,))
    server.store.close()
    return [str(row["said"]) for row in rows]


def letters(site: EdgeSite) -> list[str]:
    """What the administrator is written of this vhost, the oldest first."""
    server = Server.of(site.config)
    found = [one.said for one in waiting(server.store) if one.about.endswith(f"/{NAME}")]
    server.store.close()
    return found


@pytest.fixture
def enforced(standing_site: EdgeSite) -> EdgeSite:
    """The sandbox with the vhost enforced, whatever the test before left."""
    standing_site.remote.reset()
    standing_site.remote.edge()
    standing_site.json("off", NAME)
    server = Server.of(standing_site.config)
    forget(server.store, waiting(server.store))
    server.store.close()
    standing_site.json("enforce", NAME)
    return standing_site


def delete_certificate(site: EdgeSite) -> None:
    cert_id = site.live(NAME)[0]["id"]
    site.remote.ask("DELETE", f"zones/{NAME}/certificates/{cert_id}")


def forbid(site: EdgeSite) -> None:
    body = {"hostname": NAME, "cert_id": "", "enabled": False}
    site.remote.ask("PUT", f"zones/{NAME}/associations", body)


DRIFTS: list[tuple[Callable[[EdgeSite], object], str]] = [
    (lambda site: site.remote.zone(NAME, ssl="flexible"), "encryption mode"),
    (delete_certificate, "presents no certificate"),
    (forbid, "enabled: false"),
    (
        lambda site: site.remote.record(NAME, f"www.{NAME}", "127.0.0.1", proxied=False),
        "is DNS-only",
    ),
]


@pytest.mark.parametrize(("change", "said"), DRIFTS)
def test_what_is_no_longer_presented_leads_back_to_observe(
    enforced: EdgeSite, change: Callable[[EdgeSite], object], said: str
) -> None:
    assert watch(enforced) == []
    change(enforced)
    found = watch(enforced)
    assert found, "it was not seen"
    assert said in found[0].what
    assert mode(enforced) == Mode.OBSERVE
    assert enforced.is_open(NAME)
    shown = enforced.json("edge", NAME)
    assert said in shown["drift"][0]["what"]
    assert any(said in text for text in attention(enforced))
    # Its page says so as well, and that nobody asked for it.
    why = pages.by_itself(enforced.config, "blog", NAME, account="blog")
    assert why
    assert said in why.why
    assert why.mode == Mode.OBSERVE
    assert pages.job_page(enforced.config, why.job, account="blog").job.who == "this server itself"
    told = letters(enforced)
    assert told[:-1]
    assert all(said in text for text in told[:-1]), told
    assert "stepped back to observe" in told[-1]
    assert enforced.token not in "".join(told)
    assert watch(enforced) == [], "it is told once"
    assert letters(enforced) == told


def test_a_policy_that_only_wants_to_be_told_stays(enforced: EdgeSite) -> None:
    enforced.json("enforce", NAME, "--on-drift", "tell")
    enforced.remote.zone(NAME, paused=True)
    assert watch(enforced)
    assert mode(enforced) == Mode.ENFORCE
    enforced.remote.zone(NAME, paused=False)
    assert attention(enforced)
    watch(enforced)
    assert enforced.json("edge", NAME)["drift"] == []
    assert attention(enforced) == []


def test_without_a_token_it_is_said_what_can_no_longer_be_done(enforced: EdgeSite) -> None:
    tokens = Tokens(enforced.config.tokens_directory)
    good = tokens.get("5a5a5a5a")
    other = replace(good, id="5b5b5b5b")
    tokens.keep(other)
    try:
        assert enforced.json("token", "remove", good.id)["lost"] == "", "another is left"
        ran = enforced.run("token", "remove", other.id)
        assert ran.code == 0
        for what in (NAME, "no longer watched", "not renewed", "The first ends on"):
            assert what in ran.stdout
        for _ in range(2):
            assert watch(enforced) == []
        (said,) = attention(enforced)
        assert "can no longer be watched" in said
        assert "No token reaches the zone" in said
        assert letters(enforced) == [said]
        assert mode(enforced) == Mode.ENFORCE, "nothing is known to be amiss"
        tokens.keep(good)
        watch(enforced)
        assert attention(enforced) == [], "it is watched again"
        tokens.remove(good.id)
        watch(enforced)
        assert len(attention(enforced)) == 1
        enforced.json("off", NAME)
        watch(enforced)
        assert attention(enforced) == [], "nobody need watch it any more"
    finally:
        tokens.keep(good)


def test_what_drifted_is_enforced_again_the_whole_way(enforced: EdgeSite) -> None:
    enforced.remote.zone(NAME, aop_enabled=False)
    watch(enforced)
    enforced.json("enforce", NAME)
    watch(enforced)
    assert attention(enforced) == [], "what is mended needs nobody any more"
    assert enforced.zone(NAME)["aop_enabled"]
    assert enforced.is_enforced(NAME)


def test_a_certificate_is_rotated_by_itself_before_it_expires(enforced: EdgeSite) -> None:
    first = enforced.live(NAME)[0]["id"]
    years = enforced.config.certificate_years
    watch(enforced, later=timedelta(days=365 * years - 20))
    jobs = enforced.json("jobs")["jobs"]
    rotation = next(one for one in jobs if one["kind"] == "rotate")
    assert rotation["who"] == "agent"
    enforced.run("wait", str(rotation["job"]))
    assert [one["id"] for one in enforced.live(NAME)] != [first]
    assert enforced.is_enforced(NAME)


def test_what_moved_to_single_names_leaves_nothing_on_for_the_zone(enforced: EdgeSite) -> None:
    assert enforced.zone(NAME)["aop_enabled"]
    enforced.remote.record(NAME, f"app.{NAME}", "127.0.64.9", proxied=True)
    enforced.remote.zone(NAME, ssl="flexible")
    watch(enforced)
    enforced.remote.zone(NAME, ssl="full")
    enforced.json("enforce", NAME)
    zone = enforced.zone(NAME)
    bound = {one["hostname"] for one in zone["associations"] if one["enabled"]}
    assert NAME in bound
    assert not zone["aop_enabled"], "what was on for all names was ours"
    assert enforced.live(NAME) == [], "and so was its certificate"
    assert len(enforced.live(NAME, "hostname_certificates")) == 1
    assert enforced.is_enforced(NAME)
    assert enforced.visit(NAME).status == 200


def test_an_imported_certificate_s_end_is_told_at_each_vhost_and_no_longer_than_it_counts(
    enforced: EdgeSite, tmp_path: Path
) -> None:
    names = NAME, "blog-addon.blog.example"
    enforced.json("off", NAME, "--remove-certificate")
    enforced.remote.edge()
    enforced.json("certificate", "import", NAME, *write(tmp_path, make("leaf", ROOT, ends=20)))
    enforced.json("enforce", *names)
    watch(enforced)
    for name in names:
        assert any("imported certificate expires" in text for text in attention(enforced, name))
    enforced.json("observe", names[1])
    watch(enforced)
    assert attention(enforced, names[1]), "it is asked for there as well"
    enforced.json("off", names[1])
    assert attention(enforced, names[1]) == []
    enforced.json("certificate", "import", NAME, *write(tmp_path, make("leaf two", ROOT)))
    watch(enforced)
    assert attention(enforced, NAME) == []
    enforced.json("off", NAME, "--remove-certificate")


def test_an_api_that_does_not_answer_is_no_drift(enforced: EdgeSite) -> None:
    enforced.remote.fault(".*/zones.*", status=503, times=100_000)
    assert watch(enforced) == []
    assert mode(enforced) == Mode.ENFORCE
    enforced.remote.ask("DELETE", "faults")


class Silent(NoReach):
    """A Cloudflare that gives no answer, and remembers for which zone it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def client(self, user: str, incarnation: str, zone_id: str, zone_name: str) -> ZoneClient:
        self.asked.append(zone_id)
        raise EdgeUnknown(f"no answer for {zone_name}, {user} {incarnation}")


def test_after_two_zones_without_an_answer_the_others_wait_for_the_next_look(
    enforced: EdgeSite,
) -> None:
    server = Server.of(enforced.config)
    store, silent = EdgeStore(server.store), Silent()
    (row,) = store.valid()
    more = [replace(row, zone=f"another {number}") for number in range(3)]
    store.keep_presented(more)
    server = replace(server, reach=silent)
    looked: dict[str, datetime] = {}
    try:
        for _ in range(2):
            watching.watch(server, lambda _: None, looked)
    finally:
        for one in more:
            store.forget_presented(one)
        server.store.close()
    zones = [row.zone, *(one.zone for one in more)]
    assert len(silent.asked) == 4
    assert sorted(silent.asked) == sorted(zones), "each had its turn"
