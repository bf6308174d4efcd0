"""Token and zone commands as a user types them, against a scripted Cloudflare."""

from __future__ import annotations

import json
import os
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from origin_pulls.sandbox import Sandbox
from tests.cloudflare.scripted import Api, Reply, bad, good, serving
from tests.engine.test_together import agent_of
from tests.server_under_test import PROGRAM, Ran, UnderTest

pytestmark = pytest.mark.apache

TOKEN = "cfut_Tr0ubad0ur-of-the_edge-1234567890abcdef"
OTHER = "cfut_another-1234567890-1234567890-zyxw"
ZONE = {"id": "a" * 32, "name": "shop.example", "status": "active", "paused": False}
AT = f"/zones/{ZONE['id']}"


@pytest.fixture(scope="module")
def cloudflare() -> Iterator[Api]:
    """One Cloudflare for all tests; each begins with an empty script."""
    with serving() as api:
        yield api


@pytest.fixture
def one(sandbox: Sandbox, cloudflare: Api) -> Iterator[UnderTest]:
    """The product on a sandbox whose settings name the scripted Cloudflare; no token is kept."""
    found = UnderTest(sandbox)
    settings = found.root / "etc/origin-pulls/config.yaml"
    settings.parent.mkdir(parents=True, exist_ok=True)
    settings.write_text(f"cloudflare_api: {cloudflare.url}\n")
    cloudflare.script.clear()
    cloudflare.calls.clear()
    cloudflare.on("GET", "/user/tokens/verify", good({"id": "t1", "status": "active"}))
    yield found
    for place in (found.root / "etc/origin-pulls/tokens").glob("*.json"):
        place.unlink()
    settings.unlink()


def typed(one: UnderTest, text: str, *arguments: str) -> Ran:
    """Start the program as a shell does, with this on its stdin; no warning may be given."""
    ran = subprocess.run(
        [*PROGRAM, "--root", str(one.root), *arguments],
        input=text,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, "PYTHONWARNINGS": "error"},
    )
    return Ran(ran.returncode, ran.stdout, ran.stderr)


def added(one: UnderTest, *arguments: str, text: str = TOKEN) -> str:
    """Add a token; its id."""
    ran = typed(one, text + "\n", "token", "add", *arguments, "--json")
    assert ran.code == 0, ran
    return str(ran.record["token"]["id"])


def everything(root: Path) -> str:
    """All that lies on the server beside the tokens' own files: logs, store, journal."""
    places = [place for name in ("var", "run", "etc/origin-pulls") for place in _files(root / name)]
    texts = (place.read_bytes() for place in places if place.parent.name != "tokens")
    return "".join(text.decode("latin-1") for text in texts)


def _files(folder: Path) -> list[Path]:
    return [place for place in folder.rglob("*") if place.is_file() and not place.is_symlink()]


def test_a_token_is_added_from_stdin_listed_masked_and_removed(one: UnderTest) -> None:
    ran = typed(one, TOKEN, "-v", "token", "add", "--label", "all zones")
    assert ran.code == 0, ran
    listed = one.json("token", "list")["tokens"]
    assert [(row["label"], row["masked"], row["owner"]) for row in listed] == [
        ("all zones", "…cdef", "")
    ]
    token = listed[0]["id"]
    place = one.root / f"etc/origin-pulls/tokens/{token}.json"
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    shown = ran.stdout + ran.stderr + one.run("token", "list").stdout + everything(one.root)
    assert TOKEN not in shown
    assert one.run("token", "remove", token).code == 0
    assert not place.exists()
    assert one.run("token", "remove", token).code == 3


def test_a_token_is_added_from_a_file_for_one_account(one: UnderTest, tmp_path: Path) -> None:
    place = tmp_path / "token"
    place.write_text(TOKEN + "\n")
    added(one, "--from", str(place), "--account", "shop", text="")
    (row,) = one.json("token", "list")["tokens"]
    assert row["owner"] == "shop"
    kept = json.loads((one.root / f"etc/origin-pulls/tokens/{row['id']}.json").read_text())
    assert kept["incarnation"]


def test_an_account_that_is_not_there_gets_no_token(one: UnderTest) -> None:
    assert typed(one, TOKEN, "token", "add", "--account", "nobody1").code == 3
    assert one.json("token", "list")["tokens"] == []


def test_what_is_no_token_is_refused_before_cloudflare_hears_of_it(
    one: UnderTest, cloudflare: Api
) -> None:
    ran = typed(one, f"Bearer {TOKEN}", "token", "add")
    assert ran.code == 2
    assert TOKEN not in ran.stdout + ran.stderr
    assert cloudflare.calls == []


def test_a_token_that_cloudflare_does_not_accept_is_not_kept(
    one: UnderTest, cloudflare: Api
) -> None:
    cloudflare.script.clear()
    cloudflare.on("GET", "/user/tokens/verify", bad(401, 1000, "Invalid API Token"))
    cloudflare.on("GET", "/zones", bad(403, 9109, "Invalid access token"))
    ran = typed(one, TOKEN, "token", "add", "--json")
    assert ran.code == 3
    assert "does not know this token" in ran.record["message"]
    cloudflare.script.clear()
    cloudflare.on("GET", "/user/tokens/verify", good({"id": "t", "status": "disabled"}))
    assert "disabled" in typed(one, TOKEN, "token", "add", "--json").record["message"]
    assert one.json("token", "list")["tokens"] == []


def test_the_same_token_twice_is_one_and_another_can_take_its_place(one: UnderTest) -> None:
    first = added(one)
    assert added(one, "--label", "again") == first
    assert added(one, "--replace", first, text=OTHER) == first
    (row,) = one.json("token", "list")["tokens"]
    assert (row["masked"], row["label"]) == ("…zyxw", "again")
    assert typed(one, TOKEN, "token", "add", "--replace", first, "--account", "shop").code == 3


def rights(cloudflare: Api, zones: Reply, certificates: Reply) -> None:
    """What a token may do in the zone shop.example."""
    cloudflare.on("GET", "/zones", zones)
    cloudflare.on("GET", f"{AT}/dns_records", good([]))
    cloudflare.on("GET", f"{AT}/settings/ssl", good({"id": "ssl", "value": "full"}))
    cloudflare.on("GET", f"{AT}/settings/tls_client_auth", good({"value": "off"}))
    cloudflare.on("GET", f"{AT}/origin_tls_client_auth/settings", certificates)


def test_check_tells_each_permission_and_what_cannot_be_known(
    one: UnderTest, cloudflare: Api
) -> None:
    rights(cloudflare, good([ZONE]), good({"enabled": False}))
    added(one)
    (found,) = one.json("token", "check")["tokens"]
    held = {row["name"]: row["held"] for row in found["zones"][0]["permissions"]}
    assert held == {
        "Zone: Read": True,
        "DNS: Read": True,
        "Zone Settings: Read": True,
        "SSL and Certificates: Read": True,
        "SSL and Certificates: Edit": None,
    }
    assert found["good"]
    assert not {call.method for call in cloudflare.calls} - {"GET"}, "nothing is written"


def test_check_names_what_is_missing_and_ends_with_1(one: UnderTest, cloudflare: Api) -> None:
    rights(cloudflare, good([ZONE]), bad(403, 10000, "Authentication error"))
    added(one)
    ran = one.run("token", "check", "--json")
    assert ran.code == 1
    (found,) = ran.record["tokens"]
    lacking = [row["name"] for row in found["zones"][0]["permissions"] if row["held"] is False]
    assert lacking == ["SSL and Certificates: Read", "SSL and Certificates: Edit"]
    assert "NO" in one.run("token", "check").stdout


def test_a_token_that_may_be_read_tells_whether_it_may_edit(
    one: UnderTest, cloudflare: Api
) -> None:
    rights(cloudflare, good([ZONE]), good({"enabled": False}))
    groups = [{"id": "1", "name": "SSL and Certificates Write"}, {"id": "2", "name": "DNS Read"}]
    policies = [{"effect": "allow", "permission_groups": groups}]
    cloudflare.on("GET", "/user/tokens/t1", good({"id": "t1", "policies": policies}))
    added(one)
    (found,) = one.json("token", "check")["tokens"]
    assert found["zones"][0]["permissions"][-1]["held"] is True


def test_zones_are_listed_though_the_token_may_not_list_them(
    one: UnderTest, cloudflare: Api
) -> None:
    refusal = bad(403, 0, "requires permission 'com.cloudflare.api.account.zone.list'")
    cloudflare.on("GET", "/zones?per_page=50&page=1", refusal)
    cloudflare.on("GET", "/zones?name=shop.example&per_page=50&page=1", good([ZONE]))
    rights(cloudflare, good(None), good({"enabled": True}))
    added(one)
    found = one.json("zones")
    assert found["zones"] == [
        {
            "zone": "shop.example",
            "id": ZONE["id"],
            "status": "active",
            "paused": False,
            "type": "",
            "usable": True,
            "ssl_mode": "full",
            "aop": True,
            "shared": False,
            "token": found["zones"][0]["token"],
            "problem": "",
        }
    ]
    assert "own certificate" in one.run("zones").stdout


def test_a_token_for_the_wrong_zone_is_named_as_that(one: UnderTest, cloudflare: Api) -> None:
    rights(cloudflare, good([{**ZONE, "name": "elsewhere.example"}]), good({"enabled": False}))
    added(one)
    ran = one.run("token", "check", "--json")
    assert ran.code == 1
    (found,) = ran.record["tokens"]
    assert not found["good"]
    assert "elsewhere.example" in found["problem"]
    assert "wrong zone" in found["problem"]
    added(one, "--account", "blog", text=OTHER)
    assert "no domain of the account blog lies there" in one.run("token", "check").stdout


def test_a_zone_too_much_is_noted_and_what_nobody_reaches_is_listed(
    one: UnderTest, cloudflare: Api
) -> None:
    other = {**ZONE, "id": "b" * 32, "name": "elsewhere.example"}
    rights(cloudflare, good([ZONE, other]), good({"enabled": False}))
    added(one)
    said = one.run("token", "check").stdout
    assert "shop.example (active): has all that can be known beforehand" in said
    assert "no domain here lies in elsewhere.example" in said
    unreached = one.json("zones")["unreached"]
    assert {"blog.example", "plain.example"} <= set(unreached)
    assert not {"shop.example", "api.shop.example", "*.shop.example"} & set(unreached)
    assert "No token reaches the zone of: " in one.run("zones").stdout


def test_a_zone_as_it_cannot_work_is_explained(one: UnderTest, cloudflare: Api) -> None:
    cloudflare.on("GET", f"{AT}/settings/ssl", good({"id": "ssl", "value": "flexible"}))
    rights(cloudflare, good([ZONE]), good({"enabled": False}))
    added(one)
    assert "flexible: Cloudflare asks this server by plain HTTP" in one.run("zones").stdout
    cloudflare.script.clear()
    cloudflare.on("GET", "/user/tokens/verify", good({"id": "t1", "status": "active"}))
    rights(cloudflare, good([{**ZONE, "paused": True}]), good({"enabled": False}))
    assert "Paused: visitors come straight to this server" in one.run("zones").stdout


@pytest.mark.parametrize("command", [("token", "list"), ("token", "check"), ("zones",)])
def test_without_a_token_it_is_said_how_to_add_one(
    one: UnderTest, command: tuple[str, ...]
) -> None:
    ran = one.run(*command)
    assert ran.code == 0
    assert "There is no token. Add one with `origin-pulls token add`." in ran.stdout


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("--label", "a\nb"), 2),
        (("--label", "x" * 65), 2),
        (("--account", "../x"), 3),
        (("--account", "nobody"), 3),
        (("--replace", "zz"), 2),
        (("--replace", "01234567"), 3),
        (("--from", "/nonexistent"), 2),
        (("--from", "/tmp"), 2),
    ],
)
def test_every_bad_input_has_a_sentence_and_a_hint(
    one: UnderTest, arguments: tuple[str, ...], code: int
) -> None:
    ran = typed(one, TOKEN, "token", "add", *arguments, "--json")
    assert ran.code == code
    assert ran.record["message"]
    assert ran.record["hint"]
    assert TOKEN not in ran.stdout + ran.stderr
    assert one.json("token", "list")["tokens"] == []


def test_a_running_agent_keeps_the_token_and_its_log_does_not_hold_it(one: UnderTest) -> None:
    with agent_of(one) as agent:
        token = added(one, "--label", "by the agent")
        assert agent.poll() is None
        ran = typed(one, f"cfk_{TOKEN}", "token", "add")
        assert ran.code == 2
        assert one.run("token", "remove", "00000000").code == 3
        assert [row["id"] for row in one.json("token", "list")["tokens"]] == [token]
        assert one.run("token", "remove", token).code == 0
    assert one.json("token", "list")["tokens"] == []
    log = (one.root / "agent.log").read_text()
    assert "listening on" in log
    assert TOKEN not in log + everything(one.root)
