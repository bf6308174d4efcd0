"""The hook that the panel runs: always "1", at once, and nothing of its payload anywhere."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from origin_pulls.config import Config
from origin_pulls.server import spool

SCRIPT = Path(__file__).parents[1] / "appconfig/hooks/origin-pulls-hook"
PLACE = "usr/local/cpanel/3rdparty/bin/origin-pulls-hook"
PASSWORD = "correct-horse-battery"


def laid(root: Path, *, is_installed: bool = True) -> Path:
    """The hook below another root, beside the folder that the product keeps its state in."""
    place = root / PLACE
    place.parent.mkdir(parents=True)
    shutil.copy(SCRIPT, place)
    if is_installed:
        (root / "var/lib/origin-pulls").mkdir(parents=True)
    return place


def payload(**values: object) -> str:
    """What the panel writes to a hook's standard input."""
    hook = {"id": "AbCdEf", "stage": "post", "exectype": "script"}
    context = {"category": "Whostmgr", "event": "Accounts::Create", "stage": "post"}
    return json.dumps({"hook": hook, "context": context, "data": values})


def fire(
    hook: Path,
    text: str = "",
    event: str = "Accounts::Create",
    environment: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(hook), f"--event={event}"],
        input=text,
        capture_output=True,
        text=True,
        check=False,
        env=environment or {},
        timeout=60,
    )


def spooled(root: Path) -> list[str]:
    return [path.read_text() for path in sorted((root / "var/lib/origin-pulls/spool").glob("*"))]


def test_it_notes_event_account_and_time(tmp_path: Path) -> None:
    hook = laid(tmp_path)
    before = int(time.time())
    done = fire(hook, payload(user="exuser", domain="example.com"))
    assert (done.returncode, done.stdout, done.stderr) == (0, "1\n", "")
    lines = dict(line.split(" ", 1) for line in spooled(tmp_path)[0].splitlines())
    assert before <= int(lines.pop("at")) <= time.time()
    assert lines == {"event": "Accounts::Create", "user": "exuser"}


def test_a_rename_is_noted_with_both_names(tmp_path: Path) -> None:
    hook = laid(tmp_path)
    fire(hook, payload(user="exuser", newuser="another"), event="Accounts::Modify")
    assert spooled(tmp_path)[0].endswith("user exuser\nnewuser another\n")


def test_the_name_is_found_deeper_too(tmp_path: Path) -> None:
    hook = laid(tmp_path)
    fire(hook, payload(args={"user": "exuser"}), event="Accounts::suspendacct")
    assert "user exuser\n" in spooled(tmp_path)[0]


def test_the_payload_is_kept_nowhere(tmp_path: Path) -> None:
    hook = laid(tmp_path)
    done = fire(hook, payload(user="exuser", pass_=PASSWORD, key="PRIVATE KEY"))
    everything = "".join(
        path.read_text(errors="replace")
        for path in tmp_path.rglob("*")
        if path.is_file() and path != hook
    )
    assert "exuser" in everything
    for secret in (PASSWORD, "PRIVATE KEY"):
        assert secret not in everything + done.stdout + done.stderr


def test_the_payload_is_in_no_argument_of_any_process(tmp_path: Path) -> None:
    hook = laid(tmp_path)
    shown = subprocess.run(
        ["/bin/sh", "-x", str(hook), "--event=Accounts::Create"],
        input=payload(user="exuser", password=PASSWORD),
        capture_output=True,
        text=True,
        check=False,
        env={},
        timeout=60,
    )
    assert PASSWORD not in shown.stdout + shown.stderr


def test_what_a_tenant_typed_does_not_look_like_an_account(tmp_path: Path) -> None:
    hook = laid(tmp_path)
    fire(hook, payload(comment='x","user":"victim"', other='{"user":"victim"}', user="exuser"))
    assert "victim" not in spooled(tmp_path)[0]
    assert "user exuser\n" in spooled(tmp_path)[0]


@pytest.mark.parametrize("name", ["../../etc", "a b", "a\nuser root", "x" * 60, "UPPER", "$(id)"])
def test_a_name_that_is_none_is_left_out(tmp_path: Path, name: str) -> None:
    hook = laid(tmp_path)
    assert fire(hook, payload(user=name)).stdout == "1\n"
    assert "user" not in spooled(tmp_path)[0]


@pytest.mark.parametrize("text", ["", "no json", '{"data":', "\0\xff" * 2000, "[" * 300_000])
def test_whatever_arrives_is_answered_with_1(tmp_path: Path, text: str) -> None:
    done = fire(laid(tmp_path), text)
    assert (done.returncode, done.stdout, done.stderr) == (0, "1\n", "")


def test_a_payload_of_many_megabytes_is_read_to_its_end(tmp_path: Path) -> None:
    done = fire(laid(tmp_path), payload(user="exuser", rawout="x" * 8_000_000))
    assert (done.returncode, done.stdout, done.stderr) == (0, "1\n", "")


def test_a_read_only_spool_is_no_reason_to_fail(tmp_path: Path) -> None:
    hook = laid(tmp_path)
    spool = tmp_path / "var/lib/origin-pulls/spool"
    spool.write_text("a file stands in its place")
    done = fire(hook, payload(user="exuser"))
    assert (done.returncode, done.stdout, done.stderr) == (0, "1\n", "")


def test_a_full_spool_grows_no_further_and_says_that_something_is_missing(tmp_path: Path) -> None:
    hook = laid(tmp_path)
    spool = tmp_path / "var/lib/origin-pulls/spool"
    spool.mkdir()
    for number in range(2000):
        (spool / f"{number}.event").touch()
    assert fire(hook, payload(user="exuser")).stdout == "1\n"
    assert len(list(spool.glob("*.event"))) == 2000
    assert (spool / "left-out").exists()


def test_where_the_product_is_not_it_leaves_nothing(tmp_path: Path) -> None:
    hook = laid(tmp_path, is_installed=False)
    assert fire(hook, payload(user="exuser")).stdout == "1\n"
    assert not (tmp_path / "var").exists()


def test_only_root_reads_the_spool(tmp_path: Path) -> None:
    fire(laid(tmp_path), payload(user="exuser"))
    spool = tmp_path / "var/lib/origin-pulls/spool"
    modes = [path.stat().st_mode & 0o777 for path in (spool, *spool.iterdir())]
    assert modes == [0o700, 0o600]


def test_an_odd_event_is_noted_as_unknown(tmp_path: Path) -> None:
    fire(laid(tmp_path), payload(user="exuser"), event="x\nuser root")
    assert spooled(tmp_path)[0].startswith("event unknown\n")


def test_it_describes_itself_as_an_array_and_says_nothing_else(tmp_path: Path) -> None:
    hook = laid(tmp_path)
    done = subprocess.run(
        [str(hook), "--describe"], capture_output=True, text=True, check=True, env={}, timeout=60
    )
    described = json.loads(done.stdout)
    assert done.stderr == ""
    found = {(one["category"], one["event"]) for one in described}
    assert {
        ("Whostmgr", "Accounts::Create"),
        ("Whostmgr", "Accounts::Modify"),
        ("Whostmgr", "Accounts::Remove"),
        ("Whostmgr", "Accounts::suspendacct"),
        ("Whostmgr", "Accounts::unsuspendacct"),
        ("Whostmgr", "Domain::addsubdomain"),
        ("Whostmgr", "Domain::unpark"),
        ("Whostmgr", "AutoSSL::installssl"),
        ("Whostmgr", "SSL::delssl"),
        ("scripts", "build_apache_conf"),
        ("System", "upcp"),
    } <= found
    assert {one["stage"] for one in described} == {"post"}
    assert all(one["hook"] == f"{hook} --event={one['event']}" for one in described)


def test_a_poor_environment_is_enough(tmp_path: Path) -> None:
    hook = laid(tmp_path)
    poor = {"PATH": "/nonexistent", "LC_ALL": "tr_TR.UTF-8", "HOME": "/nonexistent"}
    assert fire(hook, payload(user="exuser"), environment=poor).stdout == "1\n"
    assert "user exuser\n" in spooled(tmp_path)[0]


def test_many_at_once_are_all_noted(tmp_path: Path) -> None:
    hook = laid(tmp_path)
    running = [
        subprocess.Popen(
            [str(hook), "--event=Accounts::Create"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={},
        )
        for _ in range(20)
    ]
    for number, process in enumerate(running):
        process.communicate(payload(user=f"user{number}").encode(), timeout=60)
    assert len(spooled(tmp_path)) == 20


def test_a_panel_that_never_ends_its_object_is_not_waited_for(tmp_path: Path) -> None:
    hook = laid(tmp_path)
    words = [str(hook), "--event=Accounts::Create"]
    with subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={}
    ) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        running.stdin.write(payload(user="exuser"))
        running.stdin.flush()
        assert running.stdout.readline() == "1\n"
        assert running.wait(60) == 0
    assert "event Accounts::Create\n" in spooled(tmp_path)[0]


def test_what_a_killed_hook_left_is_swept_and_takes_nobodys_place(tmp_path: Path) -> None:
    config = replace(Config.at(tmp_path), spool_files=2)
    folder = config.spool_directory
    folder.mkdir(parents=True)
    for number in range(4):
        old, new = folder / f".{number}.new", folder / f".1{number}.new"
        old.touch()
        new.touch()
        os.utime(old, (1, 1))
    for number in range(2):
        (folder / f"{number}.event").write_text("event Accounts::Create\nat 1\nuser exuser\n")
    found = spool.read(config)
    assert len(found.events) == 2
    spool.forget(found.files)
    assert not spool.read(config).files
    assert sorted(path.name for path in folder.glob(".*")) == [
        f".1{number}.new" for number in range(4)
    ]
