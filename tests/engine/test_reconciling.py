"""Policies follow the panel: accounts that are renamed, removed, made anew; vhosts that come."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from origin_pulls.actions import changing
from origin_pulls.engine import reconciling
from origin_pulls.engine.reconciling import Followed, Inherits
from origin_pulls.engine.server import Server
from origin_pulls.model.policy import Mode, Policy
from origin_pulls.sandbox import Sandbox, switches
from origin_pulls.server import journal, spool
from tests.conftest import standing
from tests.engine.test_together import agent_of, until
from tests.server_under_test import UnderTest, replace_program

pytestmark = [pytest.mark.apache, pytest.mark.timeout(180)]

HOOK = Path(__file__).parents[2] / "appconfig/hooks/origin-pulls-hook"
ENFORCE = Policy(mode=Mode.ENFORCE, edge_ready=True)


@pytest.fixture
def one() -> Iterator[UnderTest]:
    """The product on a panel whose hooks are registered, and which was looked at once."""
    with standing() as sandbox:
        under_test = UnderTest(sandbox)
        under_test.config.state_directory.mkdir(parents=True)
        register(sandbox)
        follow(under_test)
        yield under_test


def register(sandbox: Sandbox) -> None:
    """Our hook in its place, known to the panel."""
    place = sandbox.path("/usr/local/cpanel/3rdparty/bin/origin-pulls-hook")
    place.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(HOOK, place)
    manage = "/usr/local/cpanel/bin/manage_hooks"
    assert sandbox.run(manage, "add", "script", str(place)).returncode == 0


def call(one: UnderTest, name: str, **given: str) -> None:
    """A call of the WHM API that must go well, with no hook complaining."""
    words = [f"{key}={value}" for key, value in given.items()]
    done = one.sandbox.run("/usr/local/cpanel/bin/whmapi1", "--output=json", name, *words)
    answer: dict[str, Any] = json.loads(done.stdout)
    assert answer["metadata"]["result"] == 1, answer
    assert not answer["data"].get("hooks"), answer


def follow(one: UnderTest, inherits: Inherits | None = None, *, is_late: bool = False) -> Followed:
    """One look; ``is_late`` lets Apache have had its configuration for a while."""
    if is_late:
        os.utime(one.apache.paths.conf, (1, 1))
    server = Server.of(one.config)
    try:
        return reconciling.reconcile(
            server,
            lambda change: changing.carry_out(one.config, change, lambda _: None),
            lambda _: None,
            inherits=inherits,
        )
    finally:
        server.store.close()


def policies(one: UnderTest) -> dict[str, str]:
    """The modes in the store by account and ServerName, of all lives."""
    server = Server.of(one.config)
    try:
        found = server.store.policies().items()
        return {f"{user}/{name}": str(applied.policy.mode) for (user, _, name), applied in found}
    finally:
        server.store.close()


def enforce(one: UnderTest, name: str) -> None:
    """Enforce a vhost by the command line."""
    ran = one.run("enforce", name, "--edge-ready")
    assert ran.code == 0, ran.stderr


def ours(one: UnderTest, user: str) -> list[Path]:
    """Everything of ours that lies in an account's places."""
    userdata = one.apache.paths.userdata
    found = [*userdata.glob(f"*/*/{user}/**/*"), *one.config.trust_directory.glob(f"{user}/**/*")]
    return [path for path in found if path.is_file()]


@pytest.mark.parametrize("position", ["kept", "moved"])
def test_a_renamed_account_keeps_its_policies_and_its_certificate(
    one: UnderTest, position: str
) -> None:
    switches.turn(one.sandbox.layout, includes_of_the_renamed=position)
    enforce(one, "blog.example")
    enforce(one, "blog-addon.example")
    keys = sorted(path.name for path in one.config.keys_directory.iterdir())
    call(one, "modifyacct", user="blog", newuser="diary")
    followed = follow(one)
    assert [(move.user, move.new_user) for move in followed.decision.moves] == [("blog", "diary")]
    assert policies(one) == {
        "diary/blog.example": "enforce",
        "diary/blog-addon.blog.example": "enforce",
    }
    assert one.is_enforced("blog.example")
    assert one.is_enforced("blog-addon.example")
    assert sorted(path.name for path in one.config.keys_directory.iterdir()) == keys
    assert follow(one, is_late=True).is_waiting is False
    assert ours(one, "blog") == []
    assert one.is_enforced("blog.example")
    assert one.is_sound()


def test_a_removed_account_leaves_nothing_but_history(one: UnderTest) -> None:
    enforce(one, "blog.example")
    enforce(one, "acme.example")
    keys = set(one.config.keys_directory.iterdir())
    call(one, "removeacct", username="blog")
    first = follow(one)
    assert first.is_waiting, "Apache may still be reading what names these files"
    assert follow(one, is_late=True).is_waiting is False
    assert ours(one, "blog") == []
    userdata = one.apache.paths.userdata
    assert not list(userdata.glob("*/*/blog")), "its folders went with the last file"
    assert policies(one) == {"acme/acme.example": "enforce"}
    assert len(keys - set(one.config.keys_directory.iterdir())) == 1
    assert one.is_enforced("acme.example")
    assert one.is_sound()
    jobs = one.json("jobs")["jobs"]
    assert {"change", "clean"} <= {job["kind"] for job in jobs}
    assert follow(one).decision.asked == ()


def test_an_account_that_is_made_again_inherits_nothing(one: UnderTest) -> None:
    enforce(one, "blog.example")
    call(one, "removeacct", username="blog")
    call(one, "createacct", username="blog", domain="blog.example")
    call(one, "start_autossl_check_for_one_user", username="blog")
    assert not one.is_open("blog.example"), "the panel brought the old include into force"
    followed = follow(one)
    assert [(item.server_name, item.policy.mode) for item in followed.decision.asked] == [
        ("blog.example", Mode.OFF)
    ]
    assert one.is_open("blog.example")
    assert "blog/blog.example" not in {key for key, mode in policies(one).items() if mode != "off"}


def test_a_site_without_certificate_does_not_keep_an_earlier_lifes_include(
    one: UnderTest,
) -> None:
    enforce(one, "blog.example")
    call(one, "removeacct", username="blog")
    call(one, "createacct", username="blog", domain="blog.example")
    follow(one)
    follow(one, is_late=True)
    call(one, "start_autossl_check_for_one_user", username="blog")
    assert one.is_open("blog.example")


def test_a_policy_outlasts_the_renewal_of_its_certificate(one: UnderTest) -> None:
    enforce(one, "blog.example")
    call(one, "delete_ssl_vhost", domain="blog.example")
    follow(one, is_late=True)
    call(one, "installssl", domain="blog.example")
    follow(one)
    assert policies(one)["blog/blog.example"] == "enforce"
    assert one.is_enforced("blog.example")


def test_a_new_vhost_inherits_the_default_and_the_old_ones_do_not(one: UnderTest) -> None:
    call(one, "createacct", username="fresh", domain="fresh.example")
    assert follow(one, lambda _: ENFORCE).decision.asked == (), "it has no HTTPS yet"
    call(one, "start_autossl_check_for_one_user", username="fresh")
    followed = follow(one, lambda _: ENFORCE)
    assert [item.server_name for item in followed.decision.asked] == ["fresh.example"]
    assert one.is_enforced("fresh.example")
    assert one.is_open("acme.example")
    assert follow(one, lambda _: ENFORCE).decision.asked == ()
    (job,) = one.json("jobs")["jobs"]
    assert job["who"] == "hook"


def test_a_new_vhost_gets_what_the_administrator_set_for_new_ones(one: UnderTest) -> None:
    one.json("settings", "new_mode=observe", "new_trust=cloudflare", "new_port80=redirect")
    call(one, "createacct", username="fresh", domain="fresh.example")
    call(one, "start_autossl_check_for_one_user", username="fresh")
    assert [item["vhost"] for item in one.json("reconcile")["asked"]] == ["fresh/fresh.example"]
    policy = one.json("show", "fresh.example")["policy"]
    got = policy["mode"], policy["trust"], policy["port80"]
    assert got == ("observe", "cloudflare", "redirect")
    assert one.json("show", "acme.example")["policy"]["mode"] == "off"


def test_a_vhost_that_gets_another_name_is_looked_at_anew(one: UnderTest) -> None:
    enforce(one, "acme.example")
    follow(one)
    call(one, "create_parked_domain_for_user", username="acme", domain="acme-two.example")
    followed = follow(one)
    assert [item.why for item in followed.decision.asked] == ["its names have changed"]
    assert one.is_enforced("acme-two.example")


def test_a_domain_that_is_removed_takes_its_policy_along(one: UnderTest) -> None:
    enforce(one, "api.shop.example")
    enforce(one, "shop.example")
    call(one, "delete_domain", domain="api.shop.example")
    follow(one)
    follow(one, is_late=True)
    assert policies(one) == {"shop/shop.example": "enforce"}
    assert not one.include("shop", "api.shop.example").exists()
    assert not one.bundle("shop", "api.shop.example").exists()
    assert one.is_enforced("shop.example")
    assert one.is_sound()


def test_a_suspended_account_keeps_its_demand(one: UnderTest) -> None:
    enforce(one, "acme.example")
    call(one, "suspendacct", user="acme")
    assert follow(one).decision.asked == ()
    assert policies(one) == {"acme/acme.example": "enforce"}
    call(one, "unsuspendacct", user="acme")
    follow(one)
    assert one.is_enforced("acme.example")


def test_accounts_that_are_out_of_sight_are_not_gone(one: UnderTest) -> None:
    enforce(one, "acme.example")
    users = one.config.cpanel_users
    users.rename(users.with_name("hidden"))
    ran = one.run("reconcile")
    assert ran.code == 3
    assert "cannot be listed" in ran.stderr
    users.with_name("hidden").rename(users)
    text = (users / "acme").read_text()
    (users / "acme").write_text("")
    follow(one)
    (users / "acme").write_text(text)
    assert policies(one) == {"acme/acme.example": "enforce"}
    assert one.is_enforced("acme.example")


def test_what_cannot_be_cleaned_is_put_back_and_tried_again(one: UnderTest) -> None:
    enforce(one, "blog.example")
    conf = one.apache.paths.conf
    old = conf.read_bytes()
    call(one, "removeacct", username="blog")
    conf.write_bytes(old)  # a panel that did not generate it anew
    shutil.copytree(
        one.root / "var/cpanel/ssl/apache_tls/acme.example",
        one.root / "var/cpanel/ssl/apache_tls/blog.example",
    )
    for name in ("blog-addon.blog.example",):
        shutil.copytree(
            one.root / "var/cpanel/ssl/apache_tls/acme.example",
            one.root / f"var/cpanel/ssl/apache_tls/{name}",
        )
    real = replace_program(one.config.rebuild_program, "exit 1")
    ran = one.run("reconcile")
    assert ran.code == 4, ran.stderr
    assert journal.pending(one.config.journal) is None
    assert "SSLVerifyClient" in one.include("blog", "blog.example").read_text()
    real.rename(one.config.rebuild_program)
    assert one.run("reconcile").code == 0
    follow(one, is_late=True)
    assert ours(one, "blog") == []
    assert one.is_sound()


def test_the_agent_follows_by_itself(one: UnderTest) -> None:
    enforce(one, "blog.example")
    with agent_of(one):
        call(one, "modifyacct", user="blog", newuser="diary")
        until(lambda: "diary/blog.example" in policies(one), "the policy went along")
        until(lambda: one.ask("blog.example").is_refused, "the site demands again")
        until(lambda: not spool.has_something(one.config), "the spool is empty")
    assert one.is_enforced("blog.example")


def test_the_command_says_what_it_did(one: UnderTest) -> None:
    assert "Nothing to follow" in one.run("reconcile").stdout
    enforce(one, "blog.example")
    call(one, "modifyacct", user="blog", newuser="diary")
    said = one.json("reconcile")
    assert said["renamed"] == [{"user": "blog", "now": "diary"}]
    assert said["asked"][0]["vhost"] == "diary/blog.example"
    assert said["events"] >= 1
    assert said["waiting"] is True


def test_a_cleaning_that_was_killed_after_its_deed_is_finished_by_the_next_run(
    one: UnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    enforce(one, "blog.example")
    call(one, "removeacct", username="blog")
    follow(one)

    class KilledError(Exception):
        pass

    def killed(*_: object) -> None:
        raise KilledError

    monkeypatch.setattr(journal.Run, "close", killed)
    with pytest.raises(KilledError):
        follow(one, is_late=True)
    monkeypatch.undo()
    assert journal.pending(one.config.journal) is not None
    assert follow(one, is_late=True).is_waiting is False
    assert journal.pending(one.config.journal) is None
    assert ours(one, "blog") == []
    assert {job["state"] for job in one.json("jobs")["jobs"]} == {"done"}
    assert one.is_sound()
