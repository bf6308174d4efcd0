"""The commands as a user types them, against a real Apache."""

from __future__ import annotations

import json
import stat
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
import yaml
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from origin_pulls.cloudflare import ranges
from origin_pulls.engine import networks as keeping
from origin_pulls.engine.server import Server
from origin_pulls.errors import Refused
from origin_pulls.sandbox import Sandbox
from origin_pulls.server import certificates
from origin_pulls.store import letters
from tests.server_under_test import UnderTest

pytestmark = pytest.mark.apache


@pytest.fixture
def one(sandbox: Sandbox) -> Iterator[UnderTest]:
    """The product on a sandbox, everything off again afterwards."""
    found = UnderTest(sandbox)
    yield found
    assert found.run("relax", "--all").code == 0


def test_list_tells_every_vhost_with_its_names(one: UnderTest) -> None:
    listed = one.json("list")["vhosts"]
    by_name = {row["servername"]: row for row in listed}
    assert by_name["shop.example"]["ssl"] is True
    assert by_name["shop.example"]["mode"] == "off"
    assert "shop-parked.example" in by_name["shop.example"]["names"]
    assert "shop-addon.example" in by_name["shop-addon.shop.example"]["names"]
    assert by_name["nossl.example"]["ssl"] is False
    assert by_name["_wildcard_.shop.example"]["names"] == ["*.shop.example"]
    assert sum(row["ssl"] for row in listed) == one.sandbox.vhosts


def test_list_can_be_narrowed(one: UnderTest) -> None:
    assert {row["user"] for row in one.json("list", "--account", "blog")["vhosts"]} == {"blog"}
    found = one.json("list", "--search", "SHOP-PARKED")["vhosts"]
    assert [row["servername"] for row in found] == ["shop.example"]


@pytest.mark.parametrize(
    ("name", "server_name"),
    [
        ("shop-parked.example", "shop.example"),
        ("WWW.Shop.Example.", "shop.example"),
        ("webmail.shop.example", "shop.example"),
        ("shop-addon.example", "shop-addon.shop.example"),
        ("anything.shop.example", "_wildcard_.shop.example"),
        ("blog.shop.example", "blog.shop.example"),
        ("bücher-kva.example", ""),
        ("bücher.example", "xn--bcher-kva.example"),
    ],
)
def test_a_vhost_is_found_by_any_of_its_names(one: UnderTest, name: str, server_name: str) -> None:
    ran = one.run("show", name, "--json")
    if server_name:
        assert ran.record["servername"] == server_name
    else:
        assert ran.code == 3


def test_what_is_shown_names_the_ways_round_on_this_server(one: UnderTest) -> None:
    assert one.run("enforce", "shop-addon.example", "--edge-ready").code == 0
    shown = one.json("show", "shop-addon.example")
    ways = {way["kind"]: way["what"] for way in shown["ways_round"]}
    assert "https://shop.example/shop-addon.example/ leads into" in ways["inside"]
    assert "https://plain.example/~shop/shop-addon.example/" in ways["userdir"]
    assert "http://" in ways["port80"]

    def contained() -> list[str]:
        ways = one.json("show", "shop.example")["ways_round"]
        return [way["what"].split()[0] for way in ways if way["kind"] == "contains"]

    # What lies inside is enforced, but its port 80 is open; then neither; then both again.
    assert contained() == ["http://shop-addon.shop.example/"]
    closed = ("enforce", "shop-addon.example", "--port80", "redirect")
    assert one.run(*closed).code == 0
    assert contained() == []
    assert one.run("off", "shop-addon.example").code == 0
    assert contained() == ["https://shop-addon.shop.example/"]


def test_off_observe_enforce_and_back_with_undo_in_any_order(one: UnderTest) -> None:
    first = one.json("observe", "blog.example")["job"]
    second = one.json("enforce", "blog.example", "--edge-ready")["job"]
    other = one.json("enforce", "acme.example", "--edge-ready")["job"]
    refused = one.run("undo", str(first))
    assert refused.code == 3
    assert f"job {second}" in refused.stderr
    assert one.run("undo", str(second)).code == 0
    assert one.json("show", "blog.example")["mode"] == "observe"
    assert one.run("undo", str(first)).code == 0
    assert one.json("show", "blog.example")["mode"] == "off"
    assert one.is_enforced("acme.example")
    assert one.run("undo", str(other)).code == 0
    assert one.is_open("acme.example")


def test_a_change_that_changes_nothing_does_not_stand_in_the_way_of_an_undo(
    one: UnderTest,
) -> None:
    job = one.json("enforce", "blog.example", "--edge-ready")["job"]
    again = one.json("enforce", "blog.example", "--edge-ready")
    assert "Nothing to do" in again["items"][0]["message"]
    assert one.run("undo", str(job)).code == 0
    assert one.is_open("blog.example")


def test_what_is_not_given_stays_and_off_forgets(one: UnderTest) -> None:
    exempt = ("--exempt-path", "/app/", "--exempt-net", "198.51.100.0/24")
    assert one.run("observe", "blog.example", *exempt).code == 0
    assert one.run("enforce", "blog.example", "--edge-ready").code == 0
    policy = one.json("show", "blog.example")["policy"]
    assert policy["exempt_paths"] == ["/app"]
    assert policy["exempt_networks"] == ["198.51.100.0/24"]
    assert one.run("enforce", "blog.example", "--no-exempt").code == 0
    assert one.json("show", "blog.example")["policy"]["exempt_paths"] == []
    assert one.run("off", "blog.example").code == 0
    assert not one.json("show", "blog.example")["policy"]["edge_ready"]


def test_a_dry_run_touches_nothing(fresh_sandbox: Sandbox) -> None:
    one = UnderTest(fresh_sandbox)

    def everything() -> dict[str, int]:
        skip = ("logs", "domlogs", "run")
        return {
            str(path): path.stat().st_mtime_ns
            for path in one.root.rglob("*")
            if not set(skip) & set(path.relative_to(one.root).parts)
        }

    before = everything()
    preview = one.json("enforce", "blog.example", "--edge-ready", "--dry-run")
    assert "a CA that is made when its turn comes" in preview["diffs"]["blog/blog.example"]
    assert one.json("enforce", "blog.example", "--edge-ready", "--dry-run") == preview
    assert [step.split()[0] for step in preview["steps"]] == [
        *("write", "write", "write", "rebuild", "test", "prove")
    ]
    assert "+SSLVerifyClient require" in preview["diffs"]["blog/blog.example"]
    assert one.run("enforce", "blog.example", "--dry-run").code == 3
    assert everything() == before


def test_export_and_apply_are_each_others_inverse(one: UnderTest, tmp_path: Path) -> None:
    assert one.run("enforce", "blog.example", "--edge-ready", "--exempt-path", "/app").code == 0
    assert one.run("observe", "shop.example", "--port80", "redirect").code == 0
    exported = one.run("export").stdout
    file = tmp_path / "policies.yaml"
    file.write_text(exported)
    again = one.json("apply", str(file))
    assert all("Nothing to do" in item["message"] for item in again["items"])
    assert one.run("relax", "--all").code == 0
    assert one.run("apply", str(file)).code == 0
    assert one.run("export").stdout == exported
    names = {entry["name"] for entry in yaml.safe_load(exported)["vhosts"]}
    assert names == {"blog.example", "shop.example"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "vhosts",
        "vhosts: 7",
        "vhosts: [{mode: off}]",
        "vhosts: [{name: blog.example}]",
        "vhosts: [{name: blog.example, mode: on}]",
        "vhosts: [{name: blog.example, mode: off, colour: red}]",
        "vhosts: [{name: blog.example, mode: off}, {name: www.blog.example, mode: off}]",
        "vhosts: [{name: blog.example, mode: enforce, trust: custom}]",
        "vhosts: [{name: 'x\ny', mode: off}]",
        "{{{",
        "vhosts: !!python/object:os.system x",
    ],
)
def test_a_bad_yaml_file_is_told_in_a_sentence(one: UnderTest, tmp_path: Path, text: str) -> None:
    file = tmp_path / "policies.yaml"
    file.write_text(text)
    ran = one.run("apply", str(file))
    assert ran.code == 2, ran.stderr
    assert ran.stdout == ""
    assert "Traceback" not in ran.stderr


def test_a_custom_ca_is_trusted_and_no_other(one: UnderTest, tmp_path: Path) -> None:
    made = certificates.make("monitor", now=datetime.now(UTC), years=1)
    ca = tmp_path / "ca.pem"
    ca.write_bytes(made.authority)
    custom = ("--trust", "custom", "--ca", str(ca))
    assert one.run("enforce", "blog.example", *custom, "--edge-ready").code == 0
    assert one.is_enforced("blog.example")
    shown = one.json("show", "blog.example")
    assert [anchor["subject"] for anchor in shown["trusted"]] == ["CN=Origin Pulls CA for monitor"]


def test_cloudflares_shared_ca_is_the_published_one_and_named_a_way_round(
    one: UnderTest,
) -> None:
    ran = one.run("enforce", "blog.example", "--trust", "cloudflare", "--edge-ready")
    assert ran.code == 0
    shown = one.json("show", "blog.example")
    assert shown["trusted"][0]["sha256"].startswith("9a1ac2b4be15f9f2")
    assert "shared certificate" in {way["kind"] for way in shown["ways_round"]}


def test_the_certificates_made_are_as_cloudflare_and_apache_want_them(one: UnderTest) -> None:
    assert one.run("observe", "blog.example").code == 0
    files = one.json("show", "blog.example")["certificate"]
    leaf = x509.load_pem_x509_certificate(Path(files["leaf"]).read_bytes())
    authority = x509.load_pem_x509_certificate(Path(files["ca"]).read_bytes())
    leaf.verify_directly_issued_by(authority)
    constraints = leaf.extensions.get_extension_for_class(x509.BasicConstraints)
    assert constraints.critical
    assert not constraints.value.ca
    usage = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert leaf.public_key().curve.name == "secp256r1"  # type: ignore[union-attr]
    now = datetime.now(UTC)
    assert leaf.not_valid_before_utc < now
    assert leaf.not_valid_after_utc > now + timedelta(days=3600)
    assert leaf.not_valid_after_utc <= authority.not_valid_after_utc
    for place in files.values():
        assert stat.S_IMODE(Path(place).stat().st_mode) == 0o600
    assert stat.S_IMODE(Path(files["key"]).parent.stat().st_mode) == 0o700
    assert stat.S_IMODE(one.bundle("blog", "blog.example").stat().st_mode) == 0o644


def test_off_and_on_again_keeps_the_certificate_that_cloudflare_has(one: UnderTest) -> None:
    assert one.run("enforce", "blog.example", "--edge-ready").code == 0
    before = one.json("show", "blog.example")["certificate"]
    assert one.run("off", "blog.example").code == 0
    assert one.run("enforce", "blog.example", "--edge-ready").code == 0
    assert one.json("show", "blog.example")["certificate"] == before


def test_a_monitors_certificate_passes_everywhere_and_is_roots_alone(
    one: UnderTest, tmp_path: Path
) -> None:
    folder = tmp_path / "probe"
    assert one.run("certificate", "probe", "--out", str(folder)).code == 0
    for name in ("probe.pem", "probe.key"):
        assert stat.S_IMODE((folder / name).stat().st_mode) == 0o600
    assert one.run("certificate", "probe", "--out", str(folder)).code == 2
    text = (folder / "probe.key").read_text()
    assert "PRIVATE KEY" in text
    ran = one.run("-v", "certificate", "probe", "--out", str(folder), "--force", "--json")
    assert ran.code == 0
    assert "PRIVATE KEY" not in ran.stdout + ran.stderr


def test_no_private_key_shows_in_store_journal_or_output(one: UnderTest) -> None:
    ran = one.run("-v", "enforce", "blog.example", "--edge-ready", "--json")
    number = str(ran.record["job"])
    said = ran.stdout + ran.stderr + one.run("job", number, "--json").stdout
    key = Path(one.json("show", "blog.example")["certificate"]["key"]).read_text()
    secret = key.splitlines()[1]
    assert "PRIVATE" not in said
    assert secret not in said
    for path in one.config.state_directory.rglob("*"):
        if path.is_file():
            assert secret.encode() not in path.read_bytes(), path


def test_an_error_is_one_json_document_when_json_is_wanted(one: UnderTest) -> None:
    ran = one.run("show", "nowhere.example", "--json")
    assert ran.code == 3
    assert set(ran.record) == {"error", "message", "hint"}
    assert ran.stderr == ""
    ran = one.run("enforce", "blog.example", "--exempt-net", "192.0.2.1/24", "--json")
    assert ran.code == 2
    assert ran.record["hint"] == "Did you mean 192.0.2.0/24?"


def test_prove_tells_when_a_policy_does_not_hold(one: UnderTest) -> None:
    assert one.run("enforce", "blog.example", "--edge-ready").code == 0
    assert one.run("prove", "blog.example").code == 0
    include = one.include("blog", "blog.example")
    kept = include.read_bytes()
    include.write_text("# somebody disarmed it\n")
    assert one.apache.reload().is_good
    ran = one.run("prove", "blog.example", "--json")
    while ran.code == 0:  # the old processes answer until they are gone
        ran = one.run("prove", "blog.example", "--json")
    assert ran.code == 1
    assert ran.record["holds"] is False
    assert "is foreign" in one.json("show", "blog.example")["drift"]
    include.write_bytes(kept)


# -- Cloudflare's networks --------------------------------------------------------------------


@pytest.fixture
def published(one: UnderTest) -> Iterator[dict[str, bytes]]:
    """Cloudflare's ``/ips`` on loopback; the body may be changed."""
    answer = {"body": b"", "status": b"200"}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(int(answer["status"]))
            self.end_headers()
            self.wfile.write(answer["body"])

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            del format, args

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        answer["address"] = f"http://127.0.0.1:{server.server_port}".encode()
        yield answer
        server.shutdown()
        thread.join()


def body(networks: list[str]) -> bytes:
    found = {"ipv4_cidrs": networks, "ipv6_cidrs": ["2606:4700::/32"]}
    return json.dumps({"success": True, "result": found}).encode()


def test_the_published_list_is_fetched_and_read(published: dict[str, bytes]) -> None:
    published["body"] = body(["198.51.100.0/24"])
    text = ranges.fetch(published["address"].decode())
    assert ranges.parse(text) == ("198.51.100.0/24", "2606:4700::/32")
    published["status"] = b"503"
    with pytest.raises(Refused, match="503"):
        ranges.fetch(published["address"].decode())


FOUR = [f"198.51.{number}.0/24" for number in range(6)]
SIX = ["2606:4700::/32", "2400:cb00::/32"]
GARBAGE = [
    *(b"", b"<html>", b"[]", b"null", b"7", b'{"result": 1}', b'{"result": {}}', b"\xff\xfe"),
    *(body([]), body(["0.0.0.0/0"]), body(["x"]), body(["198.51.100.7/24"])),
    body(["64.0.0.0/8"]),
    json.dumps({"ipv4_cidrs": "198.51.100.0/24", "ipv6_cidrs": []}).encode(),
    json.dumps({"success": False, **json.loads(body(FOUR))["result"]}).encode(),
    json.dumps({"ipv4_cidrs": [], "ipv6_cidrs": ["2606:4700::/32"]}).encode(),
    b"[" * 100_000,
]


@pytest.mark.parametrize("text", GARBAGE)
def test_a_list_that_cannot_be_right_is_refused(text: bytes) -> None:
    with pytest.raises(Refused) as raised:
        ranges.parse(text)
    assert raised.value.hint


@pytest.mark.parametrize("text", GARBAGE)
def test_garbage_in_the_kept_list_leaves_the_shipped_one_in_force(
    text: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    shipped = ranges.read(tmp_path / "nothing.json")
    assert "104.16.0.0/13" in shipped
    assert caplog.text == ""
    (tmp_path / "kept.json").write_bytes(text)
    assert ranges.read(tmp_path / "kept.json") == shipped
    assert "the shipped one counts" in caplog.text


@pytest.mark.parametrize(
    ("new", "is_believed"),
    [
        ([*FOUR, *SIX], True),
        ([*FOUR[:4], *SIX], True),
        ([*FOUR[:3], *SIX], False),
        ([*FOUR[:3], *SIX, "203.0.113.0/24", "192.0.2.0/24", "198.18.0.0/24"], False),
        (FOUR, False),
        (SIX, False),
        ([*FOUR, *SIX, "203.0.113.0/24"], True),
    ],
    ids=["the same", "a quarter less", "a half less", "others instead", "no v6", "no v4", "more"],
)
def test_a_list_shrinks_by_no_more_than_a_third_without_consent(
    new: list[str], is_believed: bool
) -> None:
    now = [*FOUR, *SIX]
    if not is_believed:
        with pytest.raises(Refused, match="not believed") as raised:
            ranges.compared(now, new)
        assert "--shrink" in raised.value.hint
    told = ranges.compared(now, new, may_shrink=True)
    assert told["gone"] == [one for one in now if one not in new]
    if is_believed:
        assert ranges.compared(now, new) == told


def test_a_newer_list_reaches_the_vhosts_that_use_it(one: UnderTest, tmp_path: Path) -> None:
    assert one.run("off", "blog.example", "--port80", "cloudflare").code == 0
    include = one.include("blog", "blog.example", "std")
    assert b"104.16.0.0/13" in include.read_bytes()
    now = one.json("ranges")["ranges"]
    four = [network for network in now if ":" not in network]
    newer = tmp_path / "ranges.json"
    record = {
        "ipv4_cidrs": [*four, "203.0.113.0/24"],
        "ipv6_cidrs": [network for network in now if ":" in network],
    }
    newer.write_text(json.dumps(record))
    told = one.json("ranges", "--from", str(newer))
    assert told["added"] == ["203.0.113.0/24"]
    assert b"203.0.113.0/24" in include.read_bytes()
    newer.write_bytes(body(["203.0.113.0/24"]))
    refused = one.run("ranges", "--from", str(newer))
    assert refused.code == 3
    assert "not believed" in refused.stderr


def test_the_agent_puts_a_newer_list_in_force_by_itself(
    one: UnderTest, published: dict[str, bytes]
) -> None:
    assert one.run("off", "blog.example", "--port80", "cloudflare").code == 0
    include = one.include("blog", "blog.example", "std")
    now = ranges.read(one.config.cloudflare_ranges)
    woken: list[bool] = []

    def refresh(networks: list[str], cloudflare_api: str = "") -> list[str]:
        """What the administrator is told of a look at this list."""
        published["body"] = json.dumps({"ranges": networks}).encode()
        api = cloudflare_api or one.config.cloudflare_api
        server = Server.of(replace(one.config, cloudflare_api=api))
        try:
            keeping.refresh(server, lambda: woken.append(True))
            waiting = letters.waiting(server.store)
            letters.forget(server.store, waiting)
        finally:
            server.store.close()
        return [event.said for event in waiting]

    address = published["address"].decode()
    assert refresh([*now, "192.0.2.0/24"]) == [], "a sandbox asks nobody outside"
    assert refresh([*now], cloudflare_api=address) == []
    assert not woken
    assert refresh([*now, "192.0.2.0/24"], cloudflare_api=address) == ["added: 192.0.2.0/24."]
    assert woken == [True]
    one.recover()
    assert b"192.0.2.0/24" in include.read_bytes()
    with pytest.raises(Refused, match="not believed"):
        refresh(["192.0.2.0/24"], cloudflare_api=address)
    assert ranges.read(one.config.cloudflare_ranges) == (*now, "192.0.2.0/24")
    one.config.cloudflare_ranges.unlink()
    assert one.run("off", "blog.example", "--port80", "leave").code == 0
