"""The doctor: a sound server is called so, what is broken is named with what to do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from origin_pulls.model import examining
from origin_pulls.model.checks import Check, Health
from origin_pulls.model.facts import Finding
from origin_pulls.sandbox import Sandbox
from tests.desk.conftest import agent_of
from tests.server_under_test import UnderTest

pytestmark = pytest.mark.apache
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def one(sandbox: Sandbox) -> Iterator[UnderTest]:
    """A sandbox with an agent and one observed vhost."""
    found = UnderTest(sandbox)
    with agent_of(found):
        assert found.run("observe", "shop.example").code == 0
        yield found


def checks(one: UnderTest) -> dict[str, tuple[str, str, str]]:
    """What the doctor says, by the check's name; its exit code is 1 when something is bad."""
    ran = one.run("doctor", "--json")
    found = {
        check["name"]: (check["state"], check["said"], check["hint"])
        for check in ran.record["checks"]
    }
    assert ran.code == int(any(state == "bad" for state, _, _ in found.values()))
    return found


def test_a_sound_server_has_nothing_bad(one: UnderTest) -> None:
    found = checks(one)
    assert {name for name, (state, _, _) in found.items() if state != "good"} <= {"pages", "apache"}
    assert set(found) >= {
        *("apache", "modules", "config", "front", "reload", "includes", "layout", "foreign"),
        *("remoteip", "certificates", "permissions", "journal", "agent", "pages", "store"),
    }


def appended(path: Path, text: str) -> Callable[[], None]:
    """Add text to a file; how to take it away again."""
    before = path.read_bytes() if path.exists() else None
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes((before or b"") + text.encode())

    def mend() -> None:
        if before is None:
            path.unlink()
        else:
            path.write_bytes(before)

    return mend


def opened(path: Path) -> Callable[[], None]:
    """Let everybody read a file."""
    mode = path.stat().st_mode & 0o777
    path.chmod(0o644)
    return lambda: path.chmod(mode)


BROKEN: dict[str, tuple[str, str, str, Callable[[UnderTest], Callable[[], None]]]] = {
    "somebody demands certificates too": (
        *("foreign", "warning", "foreign.conf:1: sslverifyclient none"),
        lambda one: appended(
            one.root / "etc/apache2/conf.d/userdata/foreign.conf", "SSLVerifyClient none\n"
        ),
    ),
    "a CA file that kills Apache": (
        *("reload", "bad", "deadly.conf:1"),
        lambda one: appended(
            one.root / "etc/apache2/conf.d/userdata/ssl/2_4/plain/deadly.conf",
            f"SSLCACertificateFile {one.root}/etc/hosts-no-pem\n",
        ),
    ),
    "nginx stands before Apache": (
        *("front", "bad", "ea-nginx"),
        lambda one: appended(one.config.ea_nginx_marker, "{}"),
    ),
    "a template of the administrator's own": (
        *("includes", "warning", "ssl_vhost.local"),
        lambda one: appended(one.config.apache_templates / "ssl_vhost.local", "x"),
    ),
    "a key that others can read": (
        *("permissions", "bad", "others can read it"),
        lambda one: opened(next(one.config.keys_directory.rglob("leaf.key"))),
    ),
    "somebody sets RemoteIPHeader besides cPanel": (
        *("remoteip", "good", "/remote.conf"),
        lambda one: appended(
            one.root / "etc/apache2/conf.d/remote.conf",
            "<IfModule remoteip_module>\nRemoteIPHeader CF-Connecting-IP\n</IfModule>\n",
        ),
    ),
}


@pytest.mark.parametrize(("name", "state", "said", "breaking"), BROKEN.values(), ids=BROKEN)
def test_what_is_broken_is_named(
    one: UnderTest,
    name: str,
    state: str,
    said: str,
    breaking: Callable[[UnderTest], Callable[[], None]],
) -> None:
    if "deadly" in said:
        (one.root / "etc/hosts-no-pem").write_text("no certificate\n")
    mend = breaking(one)
    try:
        found = checks(one)[name]
    finally:
        mend()
    assert found[0] == state, found
    assert said in found[1]
    assert state == "good" or found[2], "what is wrong needs a hint"


def test_a_store_that_cannot_be_read_is_one_bad_check_among_the_others(
    fresh_sandbox: Sandbox,
) -> None:
    one = UnderTest(fresh_sandbox)
    sound = checks(one)
    one.config.store.parent.mkdir(parents=True, exist_ok=True)
    one.config.store.write_bytes(b"this is no database" * 500)
    found = checks(one)
    assert set(found) == set(sound)
    assert found["store"][0] == "bad"
    assert "cannot be used" in found["store"][1]
    assert "relax --all" in found["store"][2]
    # Nothing is called good for want of policies.
    assert found["certificates"][0] == found["cloudflare"][0] == "unknown"


def test_an_agent_that_is_away_is_bad(fresh_sandbox: Sandbox) -> None:
    found = checks(UnderTest(fresh_sandbox))
    assert found["agent"][0] == "bad"
    assert "systemctl start" in found["agent"][2]


@pytest.mark.parametrize(
    ("found", "state"),
    [
        ((2, 4, 18), Health.BAD),
        ((2, 4, 63), Health.WARNING),
        ((2, 4, 64), Health.GOOD),
        ((2, 4, 71), Health.GOOD),
        ((0,), Health.UNKNOWN),
    ],
)
def test_the_version_is_judged_by_what_is_open_in_it(found: tuple[int, ...], state: Health) -> None:
    assert examining.version(found).state is state


HEADER = [Finding("/x.conf", 1, "remoteipheader CF-Connecting-IP")]


@pytest.mark.parametrize(
    ("check", "state"),
    [
        (examining.modules({*examining.NEEDED, *examining.FOR_SOME}), Health.GOOD),
        (examining.modules(set(examining.NEEDED)), Health.WARNING),
        (examining.modules({"ssl_module"}), Health.BAD),
        (examining.modules(set()), Health.UNKNOWN),
        (examining.remote_ip(True, HEADER, []), Health.WARNING),
        (examining.remote_ip(True, HEADER, HEADER), Health.GOOD),
        (examining.remote_ip(False, HEADER, []), Health.GOOD),
        (examining.include_lines(["a.example"], []), Health.BAD),
        (examining.layout(True, "/x"), Health.BAD),
        (examining.expiries([], NOW), Health.GOOD),
        (examining.expiries([("a", NOW + timedelta(days=31))], NOW), Health.GOOD),
        (examining.expiries([("a", NOW + timedelta(days=29))], NOW), Health.WARNING),
        (examining.expiries([("a", NOW), ("b", NOW + timedelta(days=99))], NOW), Health.BAD),
    ],
)
def test_each_thing_is_judged(check: Check, state: Health) -> None:
    assert check.state is state
    assert check.said
    assert state in (Health.GOOD, Health.UNKNOWN) or check.hint
