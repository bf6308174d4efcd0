"""What is rendered: no text that a stranger types can leave its place in Apache's configuration."""

import ipaddress
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from origin_pulls.errors import OriginPullsError
from origin_pulls.model import include
from origin_pulls.model.include import State
from origin_pulls.model.policy import Mode, Policy, Port80, read_policy
from tests.strategies import VERSION, policies, vhost

KNOWN_LINES = re.compile(
    r"#.*"
    r"|<If \"%\{SSL_CLIENT_VERIFY\} != 'SUCCESS'\">|</If>|ErrorDocument 403 default"
    r"|SSLVerifyClient (require|optional|optional_no_ca)"
    r"|SSLVerifyDepth \d+"
    r'|SSLCACertificateFile "/etc/origin-pulls/[a-z0-9./-]+"'
    r'|SetEnvIfExpr "true" origin_pulls_vhost=[A-Za-z0-9./_-]+'
    r"|RewriteEngine On"
    r'|RewriteCond %\{(SSL:SSL_CLIENT_VERIFY|ENV:[A-Za-z_]+)\} !?=("")?(SUCCESS|1|200)?( \[OR\])?'
    r"|RewriteCond %\{HTTP:Upgrade\} !websocket \[NC\]"
    r"|RewriteCond %\{HTTP_HOST\} =[a-z0-9.-]+(:\d+)?( \[OR\])?"
    r"|RewriteCond %\{HTTP_HOST\} \^[a-z0-9\\._-]+\(:\[0-9\]\+\)\?\$ \[NC\]"
    r"|RewriteCond %\{REQUEST_URI\} \^[A-Za-z0-9\\._~@:+,=/-]+\(/\|\$\)"
    r"|RewriteCond expr \"%\{CONN_REMOTE_ADDR\} -ipmatch '[0-9a-f.:/]+'\""
    r"|RewriteRule \^/? - \[(E=origin_pulls_pass:1|F,L,NS)\]"
)

# Whatever strangers may type, weighted towards what has meaning in Apache's configuration.
nasty = st.text(
    alphabet=st.one_of(
        st.sampled_from("\n\r\t \"'`#%{}<>$\\|[]()*?&;!=/.:-_~"),
        st.characters(),
        st.sampled_from("abcexample019"),
    ),
    max_size=60,
)
typed = st.one_of(
    nasty,
    st.builds(lambda text: f"/{text}", nasty),
    st.builds(lambda text: f"{text}.example", nasty),
    st.builds(lambda text: f"/open/{text}", st.sampled_from(("..", "./x", "%2e%2e", "a//b", "é"))),
    st.sampled_from(
        (
            "shop.example",
            "/wp-json/",
            "192.0.2.0/24",
            "192.0.2.0/24\n",
            "shop.example\nSSLVerifyClient none",
            "/x [OR]",
            "%{HTTP_HOST}",
            "::/0",
            "fe80::1%x\nServerSignature On",
            "2001:db8::%'/32",
        )
    ),
)


def render(policy: Policy) -> str:
    site = vhost(1, is_included=True, is_plain_included=True)
    text = include.secure(
        policy, site, bundle="/etc/origin-pulls/trust/a/b.pem", depth=1, version=VERSION
    )
    return text.decode()


@given(st.lists(typed, max_size=3), st.lists(typed, max_size=3), st.lists(typed, max_size=3))
def test_nothing_that_is_typed_breaks_out_of_the_include(
    hosts: list[str], paths: list[str], networks: list[str]
) -> None:
    record = {
        "mode": "enforce",
        "exempt_names": hosts,
        "exempt_paths": paths,
        "exempt_networks": networks,
    }
    try:
        text = render(read_policy(record))
    except OriginPullsError as error:
        assert error.message
        assert "\n" not in error.message
        return
    for line in text.splitlines():
        assert KNOWN_LINES.fullmatch(line), line


@given(nasty)
def test_values_that_passed_no_border_are_stopped_at_the_last_door(text: str) -> None:
    policy = Policy(mode=Mode.ENFORCE, exempt_paths=(text,), exempt_names=(text,))
    try:
        rendered = render(policy)
    except OriginPullsError:
        return
    assert include.SAFE_WORD.fullmatch(text)
    assert rendered.count("\n") == render(
        Policy(mode=Mode.ENFORCE, exempt_paths=("/a",), exempt_names=("a",))
    ).count("\n")


@given(policies())
def test_our_own_text_is_recognised_and_an_edit_is_seen(policy: Policy) -> None:
    text = render(policy).encode()
    expected = State.COMMENT if policy.mode is Mode.OFF else State.OURS
    assert include.state(text) is expected
    assert include.state(text + b"SSLVerifyClient none\n") is State.EDITED
    assert include.state(text.replace(b"#", b"# ", 1)) is State.FOREIGN


def test_the_demand_follows_mode_and_exemptions() -> None:
    assert "SSLVerifyClient require\n" in render(Policy(mode=Mode.ENFORCE))
    assert "SSLVerifyClient optional_no_ca\n" in render(Policy(mode=Mode.OBSERVE))
    exempting = render(Policy(mode=Mode.ENFORCE, exempt_paths=("/open",)))
    assert "SSLVerifyClient optional\n" in exempting
    assert exempting.endswith("RewriteRule ^ - [F,L,NS]\n")
    assert "<IfModule" not in exempting


def test_a_service_name_is_exempt_only_in_the_form_that_cpanels_rule_catches() -> None:
    text = render(Policy(mode=Mode.ENFORCE, exempt_names=("webmail.site1.example",)))
    assert "%{HTTP_HOST} =webmail.site1.example [OR]\n" in text
    assert "%{HTTP_HOST} =webmail.site1.example:443\n" in text
    assert "%{HTTP:Upgrade} !websocket [NC]\n" in text
    assert "[0-9]+" not in text


def test_an_old_apache_gets_the_mitigation_for_cve_2025_23048() -> None:
    site = vhost(1, is_included=True, is_plain_included=True)
    policy = Policy(mode=Mode.ENFORCE)
    for version, expected in (((2, 4, 63), True), ((2, 4, 64), False)):
        text = include.secure(policy, site, bundle="/a/b.pem", depth=1, version=version)
        assert (b"SSLStrictSNIVHostCheck on" in text) is expected


@pytest.mark.parametrize("port", [443, 8443])
def test_the_redirect_names_a_port_only_where_it_must(port: int) -> None:
    text = include.plain(Policy(port80=Port80.REDIRECT), ranges=(), https_port=port).decode()
    assert (f":{port}" in text) == (port != 443)
    assert "!^/\\.well-known/" in text


def test_cloudflares_ranges_and_loopback_are_let_in_on_port_80() -> None:
    ranges = ("203.0.113.0/24", "2001:db8::/32")
    text = include.plain(Policy(port80=Port80.CLOUDFLARE), ranges=ranges, https_port=443).decode()
    for network in (*ranges, "127.0.0.0/8", "::1/128"):
        assert f"! %{{CONN_REMOTE_ADDR}} -ipmatch '{ipaddress.ip_network(network)}'" in text
