"""An installation's life, from the first switch in WHM to an uninstallation that leaves nothing.

The tests stand in the order of that life; each finds the machine as the ones before left it.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from origin_pulls.sandbox.cloudflare.remote import Remote
from origin_pulls.sandbox.cloudflare.running import summary
from tests.edge.site import EdgeSite
from tests.install.machine import Machine, machine, tree
from tests.install.visitors import BYSTANDER, SITE, InWhm, root_in_whm, visited
from tests.server_under_test import Ran
from tests.web.test_changes import applied

pytestmark = [pytest.mark.apache, pytest.mark.timeout(600)]

CURRENT = "/opt/origin-pulls/current"
INSTALLER = f"{CURRENT}/install.sh"
PROGRAM = "/usr/local/bin/origin-pulls"
WHMAPI = "/usr/local/cpanel/bin/whmapi1"
SCHEMA = "plugin/origin_pulls/store/schema.py"
NEW_SCHEMA = "\nMIGRATIONS = (*MIGRATIONS, 'CREATE TABLE later (a TEXT);\\n')\n"
NO_PAGES = "\nimport sys\n\nif 'web' in sys.argv and '--help' not in sys.argv:\n    sys.exit(7)\n"
CLI = "plugin/origin_pulls/cli/__init__.py"
HOOK = "/usr/local/cpanel/3rdparty/bin/origin-pulls-hook"
LATER = "origin-pulls-later.timer"
TIMER = "# Origin Pulls: a unit that only a newer version brings.\n[Timer]\nOnCalendar=daily\n"
VOLATILE = ("/run", "/etc/apache2/logs", "/var/log", "/usr/local/cpanel/logs", "/var/lib", "/mnt")
SPRITES = "/usr/local/cpanel/base/frontend/jupiter/assets/application_icons/sprites"
# What the system's, the panel's and Cloudflare's own programs write while all this goes on.
OF_OTHERS = (
    *("/etc/.pwd.lock", "/etc/passwd-", "/etc/group-", "/etc/shadow-", "/etc/gshadow-"),
    *("/run/init", "/run/apache2", "/run/origin-pulls", "/etc/apache2/logs", "/etc/subuid"),
    *("/usr/local/cpanel/logs", "/etc/subgid", "/etc/origin-pulls", "/var/cpanel/hooks.yaml"),
    *("/var/cpanel/locks", "/cloudflare", "/sandbox", "/mnt", SPRITES),
)


@dataclass(frozen=True, slots=True)
class Life:
    """The machine with its Cloudflare, what lay on it before us, and root in its WHM."""

    machine: Machine
    site: EdgeSite
    before: dict[str, str]

    @property
    def whm(self) -> InWhm:
        return root_in_whm(self.machine)

    @property
    def current(self) -> str:
        return self.machine.at(CURRENT).readlink().name

    def upgraded(self, source: Path, wheelhouse: Path) -> Ran:
        return self.machine.run(source / "install.sh", "upgrade", "--wheelhouse", wheelhouse)

    def called(self, name: str, **given: str) -> None:
        """One of the panel's own calls; no hook may complain."""
        words = [f"{key}={value}" for key, value in given.items()]
        answer = json.loads(self.machine.good(WHMAPI, "--output=json", name, *words))
        assert answer["metadata"]["result"] == 1, answer
        assert not answer["data"].get("hooks"), answer

    def modes(self) -> dict[str, str]:
        """Vhosts that are not off, as the program lists them."""
        listed = json.loads(self.machine.good(PROGRAM, "list", "--json"))["vhosts"]
        return {
            f"{one['user']}/{one['servername']}": one["mode"]
            for one in listed
            if one["mode"] != "off"
        }


def until(is_so: Callable[[], bool], what: str) -> None:
    """Wait for something that the agent does by itself."""
    end = time.monotonic() + 120
    while not is_so():
        assert time.monotonic() < end, what
        time.sleep(0.2)


def is_ours(machine: Machine, path: str) -> bool:
    """Whether our name stands in a file, or is its name."""
    file = machine.at(path)
    text = file.read_bytes() if file.is_file() else b""
    # The machine's own folder outside has a name much like ours.
    names = path.encode() + text.replace(bytes(machine.root), b"")
    return b"origin-pulls" in names or b"originpulls" in names


@pytest.fixture(scope="module")
def life(release: Path, wheelhouse: Path) -> Iterator[Life]:
    """A machine with the product installed and a token kept; nothing is switched on yet."""
    with machine(cloudflare=True) as one:
        one.serve_panels()
        before = one.files(*OF_OTHERS)
        one.good(release / "install.sh", "--wheelhouse", wheelhouse)
        assert one.sandbox.cloudflare
        token = str(summary(one.sandbox.cloudflare)["cloudflare_token"])
        kept = one.at("/run/token")
        kept.write_text(token)
        one.good("sh", "-c", f"{PROGRAM} token add --label life < /run/token")
        kept.unlink()
        yield Life(one, EdgeSite(one.sandbox, Remote(one.sandbox.cloudflare.url), token), before)


@pytest.fixture(scope="module")
def enforced(life: Life) -> Life:
    """The same after root enforced a site in WHM: the way to Cloudflare and back, by itself."""
    whm = life.whm
    whm.post("r=/stage", {"do": "enforce", "pick": f"blog/{SITE}"})
    page = whm.get(applied(whm)).text
    assert "Done: proven by" in page
    assert "SSLVerifyClient require" in page
    assert "Undone by" not in page
    return life


def test_twice_is_as_once(life: Life, wheelhouse: Path) -> None:
    once = life.machine.files(*VOLATILE)
    # The version that runs, from its own folder.
    life.machine.good(INSTALLER, "install", "--wheelhouse", wheelhouse)
    assert life.machine.files(*VOLATILE) == once


def test_a_switch_in_whm_enforces_a_site(enforced: Life) -> None:
    assert enforced.site.is_enforced(SITE)
    assert enforced.site.is_open(BYSTANDER)
    assert enforced.site.visit(SITE).status == 200
    assert enforced.modes() == {f"blog/{SITE}": "enforce"}
    assert len(enforced.site.live(SITE)) == 1


def test_the_same_switch_again_changes_nothing(enforced: Life) -> None:
    writes = enforced.site.writes()
    include = enforced.site.include("blog", SITE).read_bytes()
    enforced.whm.post("r=/stage", {"do": "enforce", "pick": f"blog/{SITE}"})
    assert "Everything is so already" in enforced.whm.get("r=/review").text
    assert enforced.site.writes() == writes
    assert enforced.site.include("blog", SITE).read_bytes() == include


def test_an_installed_server_says_that_all_answers(enforced: Life) -> None:
    said = enforced.machine.good(INSTALLER, "status")
    assert "origin-pulls-agent.service: answers" in said
    assert "vhosts with a demand or a look: 1" in said


def test_there_is_nothing_to_roll_back_to_yet(enforced: Life) -> None:
    ran = enforced.machine.run(INSTALLER, "rollback")
    assert ran.code == 34, ran
    assert "no version before" in ran.stderr
    assert not enforced.machine.at("/opt/origin-pulls/under-way").exists()


def test_an_upgrade_refuses_no_request(enforced: Life, trees: Path, wheelhouse: Path) -> None:
    newer = tree(trees / "newer", "1.1.0", {"appconfig/hooks/origin-pulls-hook": "# newer\n"})
    (newer / "appconfig/systemd" / LATER).write_text(TIMER)
    with visited(enforced.site, enforced.whm) as wrong:
        ran = enforced.upgraded(newer, wheelhouse)
    assert ran.code == 0, ran
    assert wrong == []
    assert enforced.current == "1.1.0"
    assert enforced.machine.good(PROGRAM, "--version").endswith("1.1.0\n")
    assert enforced.machine.at(HOOK).read_text().endswith("# newer\n")
    assert enforced.machine.good("systemctl", "is-active", LATER) == "active\n"
    once = enforced.machine.files(*VOLATILE)
    assert enforced.upgraded(newer, wheelhouse).code == 0
    assert enforced.machine.files(*VOLATILE) == once


def test_a_rollback_refuses_no_request_either_and_is_undone_by_another(enforced: Life) -> None:
    with visited(enforced.site, enforced.whm) as wrong:
        enforced.machine.good(INSTALLER, "rollback")
        assert enforced.current == "1.0.0"
        # The panel and systemd have nothing of what only the newer version knows.
        assert not enforced.machine.at(HOOK).read_text().endswith("# newer\n")
        assert enforced.machine.run("systemctl", "is-active", LATER).code
        enforced.machine.good(INSTALLER, "rollback")
    assert wrong == []
    assert enforced.current == "1.1.0"


def test_a_broken_upgrade_goes_back_by_itself_with_the_stores_old_form(
    enforced: Life, trees: Path, wheelhouse: Path
) -> None:
    """Its agent runs, and changes the store's form; its pages' services end at once."""
    before, modes = enforced.machine.files(*VOLATILE), enforced.modes()
    broken = tree(trees / "broken", "1.2.0", {CLI: NO_PAGES, SCHEMA: NEW_SCHEMA})
    ran = enforced.upgraded(broken, wheelhouse)
    assert ran.code == 32, ran
    assert "origin-pulls-web-admin.service: has failed" in ran.stdout
    assert "The upgrade failed and was taken back" in ran.stderr
    assert enforced.machine.files(*VOLATILE) == before
    assert enforced.modes() == modes
    enforced.machine.good(INSTALLER, "status")
    enforced.machine.good(PROGRAM, "prove", SITE)
    assert SITE in enforced.whm.get("r=/").text


def test_a_renamed_account_keeps_its_policy(enforced: Life) -> None:
    enforced.called("modifyacct", user="blog", newuser="diary")
    until(lambda: enforced.modes() == {f"diary/{SITE}": "enforce"}, "the policy went along")
    until(lambda: enforced.site.ask(SITE).is_refused, "the site demands again")
    assert enforced.site.is_enforced(SITE)
    assert enforced.site.visit(SITE).status == 200


def test_a_domain_that_is_added_is_seen(enforced: Life) -> None:
    enforced.called("create_subdomain", domain=f"news.{SITE}")
    enforced.called("start_autossl_check_for_one_user", username="diary")
    until(lambda: f"news.{SITE}" in enforced.whm.get("r=/").text, "WHM's page lists it")
    assert enforced.site.is_open(f"news.{SITE}")
    enforced.called("create_parked_domain_for_user", username="diary", domain="second.example")
    until(lambda: enforced.site.ask("second.example").is_refused, "a parked name is demanded of")
    enforced.called("delete_domain", domain="second.example")
    enforced.called("delete_domain", domain=f"news.{SITE}")


def test_a_removed_account_leaves_nothing(enforced: Life) -> None:
    enforced.machine.good(PROGRAM, "enforce", "api.shop.example", "--edge-ready")
    enforced.called("removeacct", username="shop")
    conf = enforced.site.apache.paths.conf
    until(lambda: enforced.modes() == {f"diary/{SITE}": "enforce"}, "its policies are forgotten")
    os.utime(conf, (1, 1))  # Apache has had it for a while
    trust, userdata = enforced.site.config.trust_directory, enforced.site.apache.paths.userdata
    until(
        lambda: not (trust / "shop").exists() and not list(userdata.glob("*/*/shop")),
        "its files are gone",
    )
    assert enforced.site.is_enforced(SITE)
    assert enforced.site.is_open(BYSTANDER)


def test_the_edge_is_not_left_while_cloudflare_does_not_answer(enforced: Life) -> None:
    enforced.site.remote.fault("zones", status=503, times=1000)
    ran = enforced.machine.run(INSTALLER, "uninstall", "--edge", ORIGIN_PULLS_EDGE_PATIENCE="2")
    enforced.site.remote.end_faults()
    assert ran.code == 36, ran
    assert "Cloudflare still presents: blog.example" in ran.stderr
    assert f"Asked to be off, so that they demand nothing any more: {SITE}" in ran.stderr
    assert "waiting until Cloudflare presents nothing of ours" in ran.stdout
    assert enforced.site.is_open(SITE)
    enforced.machine.good(INSTALLER, "status")


def test_an_uninstallation_with_the_edge_leaves_nothing_on_either_side(
    enforced: Life, release: Path
) -> None:
    enforced.machine.good(PROGRAM, "enforce", SITE)
    said = enforced.machine.good(INSTALLER, "uninstall", "--edge")
    assert "Cloudflare presents nothing of ours any more" in said
    assert "nothing: no file, unit, hook" in said
    assert enforced.site.live(SITE) == []
    assert enforced.site.zone(SITE)["aop_enabled"] is False
    assert enforced.site.is_open(SITE)
    assert enforced.site.visit(SITE).status == 200
    assert enforced.site.is_sound()
    # What differs from before is the panel's: the accounts that it renamed and removed.
    after = enforced.machine.files(*OF_OTHERS)
    changed = {path for path, what in after.items() if what != enforced.before.get(path)}
    assert [path for path in changed if is_ours(enforced.machine, path)] == []
    assert "is not installed" in enforced.machine.good(release / "install.sh", "uninstall")
