"""What has killed whole servers, one by one: each ends refused or restored, and says why."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from origin_pulls.sandbox import Sandbox
from origin_pulls.server import certificates
from tests.server_under_test import UnderTest, replace_program

pytestmark = pytest.mark.apache

NOW = datetime.now(UTC)
FOREVER = ("enforce", "blog.example", "--edge-ready")


@pytest.fixture
def under_test(fresh_sandbox: Sandbox) -> UnderTest:
    """A fresh sandbox whose proofs do not wait long for what will not come."""
    one = UnderTest(fresh_sandbox)
    settings = one.config.settings_file
    settings.write_text(settings.read_text() + "proof_patience: 2\n")
    return one


def apache_files(one: UnderTest) -> dict[str, str]:
    """Everything that Apache may read, by name."""
    return {
        str(path.relative_to(one.root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for top in ("etc/apache2/conf", "etc/apache2/conf.d")
        for path in sorted((one.root / top).rglob("*"))
        if path.is_file()
    }


def refused(one: UnderTest, *arguments: str) -> str:
    """What a command says that must be refused without touching anything."""
    before = apache_files(one)
    ran = one.run(*arguments)
    assert ran.code == 3, (ran.code, ran.stdout, ran.stderr)
    assert apache_files(one) == before
    assert one.is_open("blog.example")
    return " ".join((ran.stdout + ran.stderr).split())


def restored(one: UnderTest, *arguments: str) -> str:
    """What a command says that must fail and be taken back."""
    ran = one.run(*arguments)
    assert ran.code == 4, (ran.code, ran.stdout, ran.stderr)
    assert one.is_sound()
    assert one.is_open("blog.example")
    assert not (one.config.journal / "current").exists()
    return " ".join((ran.stdout + ran.stderr).split())


# -- CA files -------------------------------------------------------------------------------


def expired() -> bytes:
    long_ago = NOW - timedelta(days=4000)
    return certificates.make("old.example", now=long_ago, years=1).authority


def leaf() -> bytes:
    return certificates.make("leaf.example", now=NOW, years=1).leaf


def with_key() -> bytes:
    made = certificates.make("key.example", now=NOW, years=1)
    return made.authority + made.leaf_key.reveal()


def cut() -> bytes:
    whole = certificates.make("cut.example", now=NOW, years=1).authority
    return whole + whole[: len(whole) // 2]


@pytest.mark.parametrize(
    ("pem", "said"),
    [
        (b"-----BEGIN CERTIFICATE-----\ngarbage\n-----END CERTIFICATE-----\n", "no readable"),
        (b"not PEM at all", "no readable"),
        (b"", "is empty"),
        (expired(), "expired"),
        (leaf(), "neither a CA nor self-signed"),
        (with_key(), "private key"),
        (cut(), "damaged"),
    ],
    ids=["garbage", "no PEM", "empty", "expired", "leaf", "with key", "cut"],
)
def test_a_ca_file_that_apache_could_not_bear_is_refused(
    sandbox: Sandbox, tmp_path: Path, pem: bytes, said: str
) -> None:
    one = UnderTest(sandbox)
    file = tmp_path / "ca.pem"
    file.write_bytes(pem)
    before = apache_files(one)
    ran = one.run(*FOREVER, "--trust", "custom", "--ca", str(file))
    assert ran.code in (2, 3)
    assert said in ran.stdout + ran.stderr
    assert "Traceback" not in ran.stderr
    assert apache_files(one) == before
    assert one.is_sound()


def test_a_bundle_that_was_spoiled_behind_our_back_stops_a_reload_that_would_kill_apache(
    under_test: UnderTest,
) -> None:
    assert under_test.run("enforce", "acme.example", "--edge-ready").code == 0
    under_test.bundle("acme", "acme.example").write_text("garbage")
    said = refused(under_test, *FOREVER)
    assert "would kill Apache" in said
    assert under_test.run("off", "acme.example").code == 0
    assert under_test.run(*FOREVER).code == 0


def test_a_foreign_ca_file_of_garbage_is_seen_before_it_kills_apache(
    under_test: UnderTest,
) -> None:
    garbage = under_test.root / "etc/garbage.pem"
    garbage.write_text("garbage")
    foreign = under_test.include("acme", "acme.example").with_name("theirs.conf")
    foreign.parent.mkdir(parents=True)
    foreign.write_text(f'SSLCACertificateFile "{garbage}"\n')
    assert "theirs.conf:1" in refused(under_test, *FOREVER)


# -- other people's files -------------------------------------------------------------------


def test_a_configuration_that_is_broken_already_is_refused(under_test: UnderTest) -> None:
    broken = under_test.root / "etc/apache2/conf.d/theirs.conf"
    broken.write_text("NoSuchDirective on\n")
    said = refused(under_test, *FOREVER)
    assert "broken already" in said
    assert "theirs.conf" in said


@pytest.mark.parametrize("slot", ["blog.example", "www.blog.example", "webmail.blog.example"])
def test_somebody_elses_demand_in_any_slot_of_the_vhost_is_refused(
    under_test: UnderTest, slot: str
) -> None:
    theirs = under_test.include("blog", slot).with_name("theirs.conf")
    theirs.parent.mkdir(parents=True)
    theirs.write_text("# mine\nSSLVerifyClient none\n")
    said = refused(under_test, *FOREVER)
    assert f"{theirs}:2" in said


def test_somebody_elses_rewriting_forbids_exemptions_but_not_the_plain_demand(
    under_test: UnderTest,
) -> None:
    theirs = under_test.include("blog", "blog.example").with_name("a-rewrite.conf")
    theirs.parent.mkdir(parents=True)
    theirs.write_text("RewriteEngine On\nRewriteRule ^/old /new [L]\n")
    said = refused(under_test, *FOREVER, "--exempt-path", "/open")
    assert "a-rewrite.conf:2" in said
    assert under_test.run(*FOREVER).code == 0


@pytest.mark.parametrize(
    ("place", "line"),
    [
        ("zz-theirs.conf", 'ProxyPass "/x" "http://127.0.0.1:9/" mapping=encoded'),
        ("zz-theirs.conf", "RewriteEngine off"),
        ("../../../../../theirs.conf", '<Location "/x">\nRewriteEngine off\n</Location>'),
    ],
)
def test_whatever_keeps_our_rule_from_running_forbids_exemptions(
    under_test: UnderTest, place: str, line: str
) -> None:
    theirs = under_test.include("blog", "blog.example").parent / place
    theirs.parent.mkdir(parents=True, exist_ok=True)
    under_test.include("blog", "blog.example").parent.mkdir(parents=True, exist_ok=True)
    theirs.resolve().write_text(f"{line}\n")
    said = refused(under_test, *FOREVER, "--exempt-path", "/open")
    assert "theirs.conf" in said
    assert "could skip the exemption rule" in said


@pytest.mark.parametrize("command", [FOREVER, ("off", "blog.example")])
def test_a_hand_edited_include_of_ours_is_refused_and_left_as_it_is(
    under_test: UnderTest, command: tuple[str, ...]
) -> None:
    assert under_test.run("observe", "blog.example").code == 0
    include = under_test.include("blog", "blog.example")
    include.write_bytes(include.read_bytes() + b"# and this\n")
    assert "edited by hand" in refused(under_test, *command)


def test_a_file_of_that_name_that_is_not_ours_is_refused(under_test: UnderTest) -> None:
    include = under_test.include("blog", "blog.example")
    include.parent.mkdir(parents=True)
    include.write_text("# somebody's\n")
    assert "is not ours" in refused(under_test, *FOREVER)


# -- cPanel's layout and templates ----------------------------------------------------------


def test_includes_that_live_in_2_are_not_switched_off_by_making_2_4(
    under_test: UnderTest,
) -> None:
    base = under_test.root / "etc/apache2/conf.d/userdata/ssl"
    if (base / "2_4").exists():
        (base / "2_4").rename(base / "2")
    (base / "2").mkdir(parents=True, exist_ok=True)
    (base / "2/theirs.conf").write_text("# theirs\n")
    assert under_test.apache.rebuild().is_good
    assert "userdata/ssl/2;" in refused(under_test, *FOREVER)
    assert not (base / "2_4").exists()


def test_a_template_without_include_lines_is_taken_back_and_then_refused(
    under_test: UnderTest,
) -> None:
    templates = under_test.root / "var/cpanel/templates/apache2_4"
    text = (templates / "ssl_vhost.default").read_text()
    lines = [line for line in text.splitlines(keepends=True) if "include" not in line.lower()]
    (templates / "ssl_vhost.local").write_text("".join(lines))
    said = restored(under_test, *FOREVER)
    assert "no Include line" in said
    assert "names no include directory" in refused(under_test, *FOREVER)


# -- programs that fail ---------------------------------------------------------------------


def test_a_rebuild_that_fails_is_taken_back(under_test: UnderTest) -> None:
    replace_program(under_test.config.rebuild_program, "echo 'no such luck'; exit 1")
    assert "no such luck" in restored(under_test, *FOREVER)


def test_a_rebuild_that_says_ok_and_does_nothing_is_taken_back(under_test: UnderTest) -> None:
    replace_program(under_test.config.rebuild_program, "echo 'Built httpd.conf OK'; exit 0")
    assert "no Include line" in restored(under_test, *FOREVER)


def test_a_reload_that_fails_is_taken_back(under_test: UnderTest) -> None:
    replace_program(under_test.config.restart_program, "echo 'deferred'; exit 1")
    assert "Apache was not reloaded: deferred" in restored(under_test, *FOREVER)


def test_a_reload_that_lies_is_found_out_by_the_proof(under_test: UnderTest) -> None:
    replace_program(under_test.config.restart_program, "exit 0")
    said = restored(under_test, *FOREVER)
    assert "The proof failed" in said
    assert "came: HTTP 200" in said


def test_an_apache_that_dies_at_the_reload_is_started_again_as_before(
    under_test: UnderTest,
) -> None:
    pid = under_test.root / "run/apache2/httpd.pid"
    script = (
        'case "$1" in --graceful) kill -TERM $(cat '
        f"{pid}); while [ -e {pid} ]; do sleep 0.05; done; exit 0;; "
        '*) exec "$REAL" "$@";; esac'
    )
    replace_program(under_test.config.restart_program, script)
    assert "Apache died" in restored(under_test, *FOREVER)


def test_an_apache_that_stays_dead_is_said_with_the_commands_to_type(
    under_test: UnderTest,
) -> None:
    pid = under_test.root / "run/apache2/httpd.pid"
    script = f"kill -TERM $(cat {pid}); while [ -e {pid} ]; do sleep 0.05; done; exit 1"
    real = replace_program(under_test.config.restart_program, script)
    ran = under_test.run(*FOREVER)
    assert ran.code == 5
    assert "httpd -t" in ran.stdout
    assert str(under_test.config.restart_program) in ran.stdout
    # When the cause is mended, the next run finishes the taking back.
    real.replace(under_test.config.restart_program)
    said = under_test.recover()
    assert any("taken back" in line for line in said)
    assert under_test.is_sound()
    assert under_test.is_open("blog.example")
    states = [job["state"] for job in under_test.json("jobs")["jobs"]]
    assert states == ["restored"]


def test_a_bystander_that_no_longer_answers_takes_the_change_back(
    under_test: UnderTest,
) -> None:
    folder = under_test.root / "home/acme/public_html"
    closed, away = folder / ".htaccess", folder / "htaccess.away"
    away.write_text("Require all denied\n")
    script = f'[ -e {away} ] && mv {away} {closed} || mv {closed} {away}; exec "$REAL" "$@"'
    replace_program(under_test.config.restart_program, script)
    said = restored(under_test, *FOREVER)
    assert "Another site no longer answers as before" in said


# -- what the server says it is doing -------------------------------------------------------


def test_an_apache_update_that_runs_is_waited_for(under_test: UnderTest) -> None:
    marker = under_test.config.apache_update_marker
    marker.parent.mkdir(parents=True, exist_ok=True)
    marker.touch()
    assert "updating Apache" in refused(under_test, *FOREVER)


def test_nginx_in_front_is_refused(under_test: UnderTest) -> None:
    marker = under_test.config.ea_nginx_marker
    marker.parent.mkdir(parents=True)
    marker.touch()
    assert "ea-nginx ends TLS" in refused(under_test, *FOREVER)


def test_another_https_port_than_visitors_use_is_refused(under_test: UnderTest) -> None:
    under_test.config.settings_file.write_text("public_https_port: 443\n")
    assert "ends TLS before Apache" in refused(under_test, *FOREVER)


def test_a_domain_without_https_is_refused_with_the_way_to_it(under_test: UnderTest) -> None:
    assert "AutoSSL" in refused(under_test, "enforce", "nossl.example", "--edge-ready")


def test_without_a_word_about_the_edge_enforcement_is_refused(under_test: UnderTest) -> None:
    assert "--edge-ready" in refused(under_test, "enforce", "blog.example")


def test_one_refusal_refuses_what_was_asked_with_it_unless_told_to_keep_going(
    under_test: UnderTest,
) -> None:
    both = ("blog.example", "nossl.example")
    said = refused(under_test, "enforce", *both, "--edge-ready")
    assert "Not done, because" in said
    ran = under_test.run("enforce", *both, "--edge-ready", "--keep-going", "--json")
    assert ran.code == 3
    states = {item["servername"]: item["state"] for item in ran.record["items"]}
    assert states == {"blog.example": "done", "nossl.example": "refused"}
    assert under_test.is_enforced("blog.example")


# -- disks ----------------------------------------------------------------------------------


@contextmanager
def full(folder: Path, *, inodes: int) -> Iterator[None]:
    """A file system without room in the place of a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    options = f"size=4k,nr_inodes={inodes}"
    mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    if subprocess.run(mount, check=False, capture_output=True).returncode != 0:
        pytest.skip("no file system may be mounted here")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


@pytest.mark.parametrize("inodes", range(1, 9))
def test_a_disk_that_is_full_under_the_journal_changes_nothing_or_takes_it_back(
    under_test: UnderTest, inodes: int
) -> None:
    with full(under_test.config.journal, inodes=inodes):
        ran = under_test.run(*FOREVER)
        assert ran.code in (0, 3, 4), (ran.stdout, ran.stderr)
        assert under_test.is_sound()
        is_done = ran.code == 0
        assert under_test.is_enforced("blog.example") == is_done
        assert under_test.is_open("blog.example") != is_done
    assert under_test.run(*FOREVER).code == 0


def test_an_include_that_cannot_be_written_is_taken_back(under_test: UnderTest) -> None:
    with full(under_test.include("blog", "blog.example").parent, inodes=1):
        assert "No space left" in restored(under_test, *FOREVER)
    assert under_test.run(*FOREVER).code == 0


def test_a_file_in_the_place_of_a_folder_is_refused(under_test: UnderTest) -> None:
    folder = under_test.include("blog", "blog.example").parent
    folder.parent.mkdir(parents=True)
    folder.write_text("a file where a folder should be")
    assert "cannot be read" in refused(under_test, *FOREVER)


# -- panic ----------------------------------------------------------------------------------


def test_relax_needs_no_sound_store(under_test: UnderTest) -> None:
    assert under_test.run(*FOREVER).code == 0
    assert under_test.run("enforce", "shop.example", "--edge-ready").code == 0
    under_test.config.store.write_bytes(b"this is no database" * 500)
    for side in ("-wal", "-shm"):
        under_test.config.store.with_name(f"store.sqlite{side}").unlink(missing_ok=True)
    listing = under_test.run("list")
    assert listing.code == 5
    assert "relax --all" in listing.stderr
    ran = under_test.run("relax", "--all")
    assert ran.code == 0, ran.stderr
    assert "But: The store" in ran.stdout
    assert under_test.is_open("blog.example")
    assert under_test.is_open("shop.example")


def test_relax_empties_an_edited_include_and_keeps_the_edit(under_test: UnderTest) -> None:
    assert under_test.run(*FOREVER).code == 0
    include = under_test.include("blog", "blog.example")
    edited = include.read_bytes() + b"# mine\n"
    include.write_bytes(edited)
    assert under_test.run("relax", "--all").code == 0
    assert under_test.is_open("blog.example")
    assert include.with_name("origin-pulls.conf.kept").read_bytes() == edited
    assert under_test.json("list", "--mode", "enforce")["vhosts"] == []


def test_relax_can_be_taken_back(under_test: UnderTest) -> None:
    assert under_test.run(*FOREVER).code == 0
    job = under_test.json("relax", "--all")["job"]
    refused = under_test.run("undo", str(job))
    assert refused.code == 3, "what was said of Cloudflare was said of a demand that is over"
    assert "--edge-ready" in refused.stdout
    assert under_test.is_open("blog.example")
    assert under_test.run("undo", str(job), "--edge-ready").code == 0
    assert under_test.is_enforced("blog.example")
