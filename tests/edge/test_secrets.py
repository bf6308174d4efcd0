"""A whole life through agent and pages, and no secret anywhere that somebody could read it."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest

from origin_pulls.sandbox.cloudflare.running import summary
from tests.conftest import standing
from tests.sandbox.front.browser import Browser
from tests.server_under_test import PROGRAM, UnderTest

pytestmark = [pytest.mark.apache, pytest.mark.timeout(600)]

NAME = "blog.example"
LIFE = (
    ("enforce", NAME),
    ("edge", NAME),
    ("rotate", NAME),
    ("token", "list"),
    ("token", "check"),
    ("zones",),
    ("certificate", "show", NAME),
    ("certificate", "export-ca", NAME),
    ("off", NAME, "--remove-certificate"),
    ("show", NAME),
    ("activity",),
    ("doctor",),
    ("export",),
)
WHM = (
    *("/", "/tokens", "/review", "/jobs", "/jobs/1", f"/vhosts/blog/{NAME}", "/activity"),
    *("/settings", "/doctor", "/help", "/relax", "/export&form=json"),
)
CPANEL = ("/", "/tokens", "/review", "/jobs", "/jobs/1", f"/vhosts/blog/{NAME}", "/help")
TOKEN = re.compile(r'name="token" value="([^"]+)"')


@pytest.fixture(scope="module")
def lived() -> Iterator[tuple[UnderTest, dict[str, bytes], list[bytes]]]:
    """The server after that life, everything that was told, and what must not be in it."""
    with standing(cloudflare=True, front=True) as sandbox:
        sandbox.start_services()
        one = UnderTest(sandbox)
        assert sandbox.cloudflare
        token = str(summary(sandbox.cloudflare)["cloudflare_token"])
        told = {"token add": added(one, token)}
        keys = set[bytes]()
        for words in LIFE:
            for form in ([], ["--json"]):
                ran = one.run("-v", *words, *form)
                told[f"{' '.join(words)} {form}"] = (ran.stdout + ran.stderr).encode()
                assert "Traceback" not in ran.stdout + ran.stderr
            keys |= set(middles(one.config.keys_directory))
        told |= pages(one)
        assert len(keys) >= 3, "the probe's and two certificates' keys"
        yield one, told, [token.encode(), *keys]


def added(one: UnderTest, token: str) -> bytes:
    """The token brought on stdin; what was said."""
    ran = subprocess.run(
        [*PROGRAM, "-v", "--root", one.root, "token", "add", "--label", "test", "--json"],
        input=token.encode(),
        capture_output=True,
        check=True,
    )
    return ran.stdout + ran.stderr


def middles(folder: Path) -> Iterator[bytes]:
    """A line out of the middle of every private key."""
    for path in folder.rglob("*"):
        text = path.read_bytes() if path.is_file() else b""
        if b"PRIVATE KEY" in text:
            lines = text.split(b"PRIVATE KEY-----\n", 1)[1].splitlines()
            yield lines[len(lines) // 2 - 1]


def pages(one: UnderTest) -> dict[str, bytes]:
    """Every page that tells of it, as root and as the account holder."""
    found = {}
    for user, routes in (("root", WHM), ("blog", CPANEL)):
        browser = Browser(one.sandbox, whm=user == "root").sign_in(user)
        token = TOKEN.search(browser.open("r=/").text)
        assert token
        staged = {"token": token[1], "do": "enforce", "pick": f"blog/{NAME}"}
        browser.open("r=/stage", "POST", urlencode(staged).encode())
        for route in routes:
            shown = browser.open(f"r={route}")
            assert shown.status == 200, (user, route, shown.status)
            found[f"{user} {route}"] = shown.body
        assert b"1 staged" in found[f"{user} /review"]
    return found


def test_nothing_that_was_told_holds_a_secret(
    lived: tuple[UnderTest, dict[str, bytes], list[bytes]],
) -> None:
    _, told, secrets = lived
    assert b"presents" in told[f"edge {NAME} []"]
    for what, text in told.items():
        assert not any(secret in text for secret in secrets), what


def test_no_file_but_roots_own_holds_a_secret(
    lived: tuple[UnderTest, dict[str, bytes], list[bytes]],
) -> None:
    one, _, secrets = lived
    config = one.config
    own = (config.tokens_directory, config.keys_directory)
    kept = (
        one.root / "var/lib/origin-pulls",
        one.root / "var/lib/origin-pulls-web",
        one.root / "var/log",
        one.root / "etc/origin-pulls",
        one.root / "etc/apache2",
        one.root / "run",
    )
    files = [path for folder in kept for path in folder.rglob("*") if path.is_file()]
    assert one.config.store in files
    for path in files:
        holds = any(secret in path.read_bytes() for secret in secrets)
        if any(path.is_relative_to(folder) for folder in own):
            assert not holds or path.stat().st_mode & 0o777 == 0o600
        else:
            assert not holds, path
    assert all(folder.stat().st_mode & 0o777 == 0o700 for folder in own)
