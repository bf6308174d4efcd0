"""Tenants, neighbours and people at the keyboard who do what nobody expected."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from origin_pulls.agent import speaking
from origin_pulls.engine import relaxing
from origin_pulls.model.desk_wish import Relax
from origin_pulls.model.include import State, nothing, state
from origin_pulls.model.proof import Ask
from origin_pulls.sandbox import Sandbox
from origin_pulls.server import asking
from tests.engine.test_together import agent_of, gate, until
from tests.server_under_test import PROGRAM, UnderTest

pytestmark = [pytest.mark.apache, pytest.mark.timeout(120)]

ENFORCE = ("enforce", "blog.example", "--edge-ready")


@pytest.fixture
def one(fresh_sandbox: Sandbox) -> UnderTest:
    """A fresh sandbox whose proofs do not wait long for what will not come."""
    found = UnderTest(fresh_sandbox)
    settings = found.config.settings_file
    settings.write_text(settings.read_text() + "proof_patience: 3\nanswer_timeout: 1\n")
    return found


def answers_by(one: UnderTest, user: str, script: str) -> None:
    """Let a program answer for the front page of an account's site."""
    folder = one.root / "home" / user / "public_html"
    (folder / ".htaccess").write_text(
        "Options +ExecCGI\nAddHandler cgi-script .cgi\nDirectoryIndex page.cgi\n"
    )
    (folder / "page.cgi").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "page.cgi").chmod(0o755)


# -- sites ----------------------------------------------------------------------------------


@contextmanager
def dripping() -> Iterator[str]:
    """A server that answers one byte of a header at a time, for ever; its address."""
    stop = threading.Event()

    def drip() -> None:
        connection, _ = listener.accept()
        with connection:
            try:
                connection.sendall(b"HTTP/1.1 200 OK\r\nX: ")
                while not stop.wait(0.05):
                    connection.sendall(b"a")
            except OSError:
                return

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=drip)
        thread.start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        stop.set()
        thread.join()


def test_a_site_that_drips_its_answer_costs_one_time_limit_and_no_more() -> None:
    with dripping() as address:
        began = time.monotonic()
        seen = asking.ask(Ask(address=address, host="x.example", is_tls=False), {}, timeout=0.5)
    assert seen.error == "no answer in time"
    assert time.monotonic() - began < 10


def test_a_neighbour_that_redirects_elsewhere_each_time_stops_nobody(one: UnderTest) -> None:
    (one.root / "home/acme/public_html/.htaccess").write_text(
        "RewriteEngine On\nRewriteRule ^ https://acme.example/login?sid=%{REMOTE_PORT} [R=302,L]\n"
    )
    assert one.run(*ENFORCE).code == 0


def test_a_neighbour_that_flaps_is_no_witness(one: UnderTest) -> None:
    flag = one.root / "home/acme/public_html/flag"
    flag.parent.chmod(0o777)
    answers_by(
        one,
        "acme",
        f"if [ -e {flag} ]; then rm {flag}; echo 'Status: 404'; else touch {flag}; fi; "
        "echo 'Content-Type: text/plain'; echo",
    )
    assert one.run(*ENFORCE).code == 0


def test_a_site_that_hangs_can_still_be_relaxed(one: UnderTest) -> None:
    assert one.run(*ENFORCE).code == 0
    answers_by(one, "blog", "sleep 9")
    assert one.run("off", "blog.example").code == 0
    assert one.json("show", "blog.example")["include"]["state"] == "comment"


def test_a_site_that_breaks_during_its_change_takes_no_other_with_it(one: UnderTest) -> None:
    count = one.root / "home/shop/public_html/count"
    count.parent.chmod(0o777)
    answers_by(
        one,
        "shop",
        # Before the change it is asked twice: with the certificate, and on port 80.
        f"echo x >> {count}; [ $(wc -l < {count}) -gt 2 ] && echo 'Status: 503'; "
        "echo 'Content-Type: text/plain'; echo",
    )
    names = ("shop.example", "blog.example", "plain.example")
    ran = one.run("enforce", *names, "--edge-ready", "--keep-going", "--json")
    assert ran.code == 4
    states = {item["servername"]: item["state"] for item in ran.record["items"]}
    assert states == {
        "shop.example": "restored",
        "blog.example": "done",
        "plain.example": "done",
    }
    assert one.is_enforced("blog.example")
    assert not one.ask("shop.example").is_refused


# -- panic ----------------------------------------------------------------------------------


def test_panic_stays_even_when_apache_cannot_be_reloaded_and_an_agent_recovers(
    one: UnderTest,
) -> None:
    assert one.run(*ENFORCE).code == 0
    with gate(one):
        process = one.start("enforce", "shop.example", "--edge-ready")
        until(lambda: (one.config.journal / "current").exists(), "the journal is open")
        process.kill()
        process.communicate()
    broken = one.root / "etc/apache2/conf.d/theirs.conf"
    broken.write_text("NoSuchDirective\n")
    ran = one.run("relax", "--all")
    assert ran.code == 5
    assert "The includes are empty, but Apache does not accept its configuration" in ran.stderr
    assert "as before" not in ran.stderr
    assert "origin-pulls jobs" not in ran.stderr
    assert state(one.include("blog", "blog.example").read_bytes()) is State.COMMENT
    broken.unlink()
    with agent_of(one):
        until(lambda: one.apache.config_error() == "", "the configuration is whole")
    assert state(one.include("blog", "blog.example").read_bytes()) is State.COMMENT
    assert one.run("relax", "--all").code == 0
    assert one.json("list", "--mode", "enforce")["vhosts"] == []


def test_panic_needs_no_readable_journal(one: UnderTest) -> None:
    assert one.run(*ENFORCE).code == 0
    broken = one.config.journal / "current"
    broken.mkdir(parents=True)
    (broken / "run.json").write_text("garbage")
    assert one.run("off", "blog.example").code == 5
    assert one.run("relax", "--all").code == 0
    assert one.is_open("blog.example")
    assert one.json("list", "--mode", "enforce")["vhosts"] == []
    assert one.run(*ENFORCE).code == 0


@contextmanager
def holding_its_visitors(one: UnderTest, user: str, path: str) -> Iterator[Path]:
    """A site that answers below a path only when this file is gone, at the end of the block."""
    hold = one.root / "hold"
    folder = one.root / "home" / user / "public_html" / path
    folder.mkdir(exist_ok=True)
    (folder / ".htaccess").write_text(
        "Options +ExecCGI\nAddHandler cgi-script .cgi\nDirectoryIndex hold.cgi\n"
    )
    (folder / "hold.cgi").write_text(
        f"#!/bin/sh\nwhile [ -e {hold} ]; do : > {folder}/asked; sleep 0.05; done\n"
        "echo 'Content-Type: text/plain'; echo\n"
    )
    (folder / "hold.cgi").chmod(0o755)
    folder.chmod(0o777)
    try:
        yield hold
    finally:
        hold.unlink(missing_ok=True)


def patient(one: UnderTest) -> None:
    """Let each request wait for a minute, and a proof for ten."""
    settings = one.config.settings_file
    text = settings.read_text().replace("answer_timeout: 1", "answer_timeout: 60")
    settings.write_text(text.replace("proof_patience: 3", "proof_patience: 600"))


def test_panic_stops_a_run_that_waits_for_a_slow_site_before_its_change(one: UnderTest) -> None:
    patient(one)
    assert one.run("enforce", "shop.example", "--edge-ready").code == 0
    with agent_of(one), holding_its_visitors(one, "blog", "slow") as hold:
        hold.touch()
        process = one.start(*ENFORCE, "--exempt-path", "/slow", "--json")
        asked = one.root / "home/blog/public_html/slow/asked"
        until(asked.exists, "the site is asked")
        # As the page asks, of the same agent whose run waits.
        patience = one.config.page_patience
        relaxed = speaking.hand_over(one.config, Relax(), patience=patience)["relaxed"]
        out, err = process.communicate(timeout=60)
        assert hold.exists(), "nobody waited for the site"
    assert isinstance(relaxed, dict)
    assert relaxed["emptied"]
    assert relaxed["job"]
    assert process.returncode == 3, (out, err)
    assert "before anything of it was changed" in out
    assert one.is_open("shop.example")
    assert one.is_open("blog.example")
    assert one.json("list", "--mode", "enforce")["vhosts"] == []


def test_panic_stops_a_run_in_its_proof_and_puts_what_it_began_aside(one: UnderTest) -> None:
    patient(one)
    with holding_its_visitors(one, "blog", "slow") as hold:
        with gate(one) as closed:
            process = one.start(*ENFORCE, "--exempt-path", "/slow")
            until(lambda: (one.config.journal / "current").exists(), "the journal is open")
            hold.touch()
            closed.unlink()
            asked = one.root / "home/blog/public_html/slow/asked"
            until(asked.exists, "the proof asks the site")
        assert not one.is_open("blog.example")
        relaxed = one.json("relax", "--all")
        assert hold.exists(), "nobody waited for the site"
    _, err = process.communicate(timeout=90)
    assert process.returncode == 4, err
    assert "Everything is being relaxed" in err
    assert relaxed["emptied"]
    assert not (one.config.journal / "current").exists()
    assert one.is_open("blog.example")
    assert one.is_sound()
    job = one.json("job", "1")
    assert (job["state"], job["message"]) == ("restored", relaxing.INTERRUPTED)
    assert one.run("enforce", "shop.example", "--edge-ready").code == 0


def test_a_page_learns_what_came_of_the_panic(one: UnderTest) -> None:
    assert one.config.panic_patience < one.config.page_patience


def test_a_site_that_is_slow_everywhere_is_refused_soon_and_for_that_alone(one: UnderTest) -> None:
    settings = one.config.settings_file
    settings.write_text(settings.read_text().replace("answer_timeout: 1", "answer_timeout: 10"))
    paths = [word for number in range(40) for word in ("--exempt-path", f"/slow/{number}")]
    with holding_its_visitors(one, "blog", "slow") as hold:
        folder = one.root / "home/blog/public_html/slow"
        (folder / ".htaccess").write_text(
            "Options +ExecCGI\nAddHandler cgi-script .cgi\nRewriteEngine On\n"
            "RewriteRule !\\.cgi$ hold.cgi [L]\n"
        )
        hold.touch()
        began = time.monotonic()
        ran = one.run(*ENFORCE, *paths, "--json")
    assert time.monotonic() - began < 60, "forty paths at ten seconds each"
    assert ran.code == 3, ran.stdout
    assert "does not answer in time" in ran.record["message"]
    assert one.is_open("blog.example")


# -- people ---------------------------------------------------------------------------------


def test_an_edit_between_the_look_and_the_change_is_not_overwritten(one: UnderTest) -> None:
    assert one.run("observe", "blog.example").code == 0
    include = one.include("blog", "blog.example")
    answers_by(one, "blog", "sleep 0.8; echo 'Content-Type: text/plain'; echo")
    process = one.start(*ENFORCE)
    line = ""
    assert process.stderr is not None
    while "looking" not in line:
        line = process.stderr.readline()
    until(lambda: b"page.cgi" in _children(one), "the site is being asked")
    include.write_text("# an administrator's own words\n")
    out, _ = process.communicate()
    assert process.returncode == 4, out
    assert include.read_text() == "# an administrator's own words\n"


def _children(one: UnderTest) -> bytes:
    found = b""
    for place in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            text = place.read_bytes()
        except OSError:
            continue
        if str(one.root).encode() in text:
            found += text
    return found


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_change_that_is_stopped_by_hand_takes_itself_back(
    one: UnderTest, number: signal.Signals
) -> None:
    with gate(one) as closed:
        process = one.start(*ENFORCE)
        until(lambda: one.include("blog", "blog.example").exists(), "the include is written")
        until(lambda: closed.with_name("gate").exists(), "the rebuild waits")
        os.kill(process.pid, number)
        closed.unlink()
        out, _ = process.communicate(timeout=60)
    assert process.returncode == 4, out
    assert "stopped by hand" in out
    assert one.is_open("blog.example")
    assert one.is_sound()
    assert not (one.config.journal / "current").exists()


def test_what_was_started_with_nohup_goes_on_when_the_terminal_closes(one: UnderTest) -> None:
    words = ["nohup", *PROGRAM, "--root", str(one.root), *ENFORCE]
    pipe = subprocess.PIPE
    with gate(one) as closed, subprocess.Popen(words, stdout=pipe, stderr=pipe) as process:
        until(lambda: one.include("blog", "blog.example").exists(), "the include is written")
        process.send_signal(signal.SIGHUP)
        closed.unlink()
        out, err = process.communicate(timeout=60)
    assert process.returncode == 0, (out, err)
    assert one.is_enforced("blog.example")


@contextmanager
def held_in_its_reload(one: UnderTest) -> Iterator[Path]:
    """Apache stands still in its next reload, its configuration read and the CA files not, while
    the file that this gives is there; ``closed.reached`` beside it says that it does.
    """
    closed, program = one.root / "run" / "closed", one.root / "run" / "passphrase"
    made, key = one.root / "run" / "slow.pem", one.root / "run" / "slow.key"
    private = ec.generate_private_key(ec.SECP256R1())
    made.write_bytes(_self_signed(private))
    key.write_bytes(
        private.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.BestAvailableEncryption(b"secret"),
        )
    )
    program.write_text(
        f"#!/bin/sh\nwhile [ -e {closed} ]; do : > {closed}.reached; sleep 0.02; done\n"
        "echo secret\n"
    )
    program.chmod(0o755)
    port = one.sandbox.https_port
    # A virtual host at the end, which Apache sets up first, asks for its key's passphrase.
    with one.apache.paths.conf.open("a") as conf:
        conf.write(
            f"SSLPassPhraseDialog exec:{program}\n<VirtualHost 127.0.9.9:{port}>\n"
            f"ServerName slow.invalid\nSSLEngine on\nSSLCertificateFile {made}\n"
            f"SSLCertificateKeyFile {key}\n</VirtualHost>\n"
        )
    closed.touch()
    try:
        yield closed
    finally:
        closed.unlink(missing_ok=True)


def _self_signed(key: ec.EllipticCurvePrivateKey) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "slow.invalid")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=2))
        .sign(key, hashes.SHA256())
    )
    return made.public_bytes(serialization.Encoding.PEM)


def test_no_file_is_taken_from_an_apache_that_is_still_reloading(one: UnderTest) -> None:
    assert one.run(*ENFORCE).code == 0  # so that the next change rebuilds nothing
    assert one.run("off", "blog.example").code == 0
    one.reload_and_wait()
    settings = one.config.settings_file
    settings.write_text(settings.read_text().replace("proof_patience: 3", "proof_patience: 60"))
    with held_in_its_reload(one) as closed:
        process = one.start(*ENFORCE)
        assert process.stderr
        until(lambda: closed.with_name("closed.reached").exists(), "Apache reloads")
        while "proving" not in process.stderr.readline():
            pass
        process.send_signal(signal.SIGINT)
        said = process.stderr.readline() + process.stderr.readline()
        time.sleep(0.5)  # what would go now goes
        is_there = one.bundle("blog", "blog.example").exists()
        closed.unlink()
        out, err = process.communicate(timeout=90)
    assert process.returncode == 4, (said, out, err)
    assert is_there
    assert "Apache is down" not in err
    assert one.is_open("blog.example")
    assert one.is_sound()


def test_a_lock_file_that_is_removed_lets_nobody_in_beside(one: UnderTest) -> None:
    with gate(one) as closed:
        first = one.start(*ENFORCE)
        until(lambda: (one.config.journal / "current").exists(), "the first works")
        second = one.start("enforce", "shop.example", "--edge-ready")
        assert second.stderr is not None
        until(lambda: "waiting" in (second.stderr.readline() if second.stderr else ""), "it waits")
        one.config.work_lock.unlink()
        closed.unlink()
        assert first.communicate(timeout=60) is not None
        assert second.communicate(timeout=60) is not None
    assert (first.returncode, second.returncode) == (0, 0)


# -- accounts -------------------------------------------------------------------------------


def test_an_account_of_the_same_name_inherits_nothing(one: UnderTest) -> None:
    assert one.run("enforce", "acme.example", "--edge-ready").code == 0
    before = one.json("show", "acme.example")["certificate"]
    users = one.config.cpanel_users / "acme"
    text = users.read_text()
    started = next(line for line in text.splitlines() if line.startswith("STARTDATE="))
    users.with_name("acme.new").write_text(text.replace(started, "STARTDATE=1999999999"))
    users.with_name("acme.new").rename(users)
    assert one.json("show", "acme.example")["mode"] == "off"
    assert one.json("show", "acme.example")["certificate"] == {}
    assert one.run(*ENFORCE).code == 0  # any run sweeps what an earlier life left
    assert one.is_open("acme.example")
    assert one.include("acme", "acme.example").read_bytes() == nothing()
    assert one.run("enforce", "acme.example", "--edge-ready").code == 0
    assert one.json("show", "acme.example")["certificate"] != before


# -- the store ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE item SET state='weird'",
        "UPDATE item SET proof='{'",
        "UPDATE job SET state='weird'",
        "UPDATE policy SET policy='[]'",
        'UPDATE policy SET policy=\'{"mode": "on"}\'',
        "UPDATE vhost SET record='{}'",
        "DROP TABLE job",
    ],
)
def test_a_store_with_nonsense_in_it_is_told_in_a_sentence(one: UnderTest, damage: str) -> None:
    assert one.run(*ENFORCE).code == 0
    connection = sqlite3.connect(one.config.store)
    connection.execute(damage)
    connection.commit()
    connection.close()
    for command in (("jobs",), ("list",), ("job", "1"), ("undo", "1"), ("off", "blog.example")):
        ran = one.run(*command)
        assert "Traceback" not in ran.stderr, ran.stderr
    assert one.run("relax", "--all").code == 0
    assert one.is_open("blog.example")


def test_the_inventory_is_kept_and_read_again_only_when_a_source_changes(
    one: UnderTest,
) -> None:
    assert one.run(*ENFORCE).code == 0
    assert one.run("off", "blog.example").code == 0  # its rebuild changed no source any more
    connection = sqlite3.connect(one.config.store)
    rows = connection.execute("SELECT count(*) FROM vhost").fetchone()[0]
    marked = "UPDATE vhost SET record=replace(record, 'plain.example', 'kept.example')"
    connection.execute(marked)
    connection.commit()
    connection.close()
    assert rows == len(one.json("list")["vhosts"])
    assert any(row["servername"] == "kept.example" for row in one.json("list")["vhosts"])
    os.utime(one.config.userdata_domains_json)
    assert all(row["servername"] != "kept.example" for row in one.json("list")["vhosts"])


def test_a_site_that_is_silent_before_its_change_refuses_the_whole_job(one: UnderTest) -> None:
    answers_by(one, "blog", "sleep 9")
    names = ("blog.example", "shop.example")
    ran = one.run("enforce", *names, "--edge-ready", "--json")
    assert ran.code == 3
    said = {item["servername"]: item["message"] for item in ran.record["items"]}
    assert "does not answer" in said["blog.example"]
    assert "Not done, because" in said["shop.example"]
    assert one.is_open("shop.example")


def test_a_strange_file_in_a_neighbours_place_stops_nobody(one: UnderTest) -> None:
    strange = one.include("acme", "acme.example").parent
    strange.parent.mkdir(parents=True)
    strange.write_text("a file where a folder should be")
    assert one.run(*ENFORCE).code == 0
