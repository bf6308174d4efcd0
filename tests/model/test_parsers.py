"""Parsers: never a traceback on damaged files; a bad row is reported, the server goes on."""

import contextlib
import json

from hypothesis import given, settings
from hypothesis import strategies as st

from origin_pulls.errors import OriginPullsError
from origin_pulls.model import httpd_conf, inventory, wish
from origin_pulls.model.inventory import Account, Kind
from origin_pulls.model.policy import read_policy

JSON = json.dumps(
    {
        "shop.example": [
            *("shop", "root", "main", "shop.example", "/home/shop/public_html"),
            *("192.0.2.1:80", "192.0.2.1:443", "", "0", "ea-php82"),
        ],
        "addon.example": [
            *("shop", "root", "addon", "addon.shop.example", "/home/shop/addon"),
            *("192.0.2.1:80", "192.0.2.1:443", "", "0", "ea-php82"),
        ],
        "*.shop.example": [
            *("shop", "root", "sub", "shop.example", "/home/shop/public_html/wild"),
            *("192.0.2.1:80", "", "", "0", "ea-php82"),
        ],
    }
).encode()

TEXT = (
    b"blog.example: blog==root==main==blog.example==/home/blog/public_html==192.0.2.1:80"
    b"==192.0.2.1:443====0==ea-php82\n"
    b"old.example: blog==root==parked==blog.example==/home/blog/public_html==192.0.2.1:80"
    b"======0==ea-php82\n"
)

CONF = b"""
# DO NOT EDIT. AUTOMATICALLY GENERATED.
SSLVerifyClient none
Include "/etc/apache2/conf.d/*.conf"
<VirtualHost 192.0.2.1:80>
  ServerName shop.example
  ServerAlias www.shop.example
  DocumentRoot /home/shop/public_html
  ## User shop # Needed for Cpanel::ApacheConf
  # Include "/etc/apache2/conf.d/userdata/std/2_4/shop/shop.example/*.conf"
</VirtualHost>
<VirtualHost 192.0.2.1:443 [2001:db8::1]:443>
  ServerName shop.example
  ServerAlias mail.shop.example www.shop.example \\
      webmail.shop.example
  ServerAlias cpanel.shop.example
  DocumentRoot /home/shop/public_html
  ## User shop # Needed for Cpanel::ApacheConf
  <IfModule ssl_module>
    SSLEngine on
  </IfModule>
  Include "/etc/apache2/conf.d/userdata/ssl/2_4/shop/shop.example/*.conf"
  # To customize this VirtualHost use an include file at the following location
  # Include "/etc/apache2/conf.d/userdata/ssl/2_4/shop/shop.example/*.conf"
    RewriteEngine On
                RewriteCond %{HTTP_HOST} =cpanel.shop.example [OR]
                RewriteCond %{HTTP_HOST} =cpanel.shop.example:443
            RewriteCond %{HTTP:Upgrade} !websocket   [nocase]
            RewriteRule ^/(.*) /___proxy_subdomain_cpanel/$1 [PT]
                RewriteCond %{HTTP_HOST} =webmail.shop.example
            RewriteCond %{HTTP:Upgrade} !websocket   [nocase]
            RewriteCond %{REQUEST_URI} !^/\\.well-known/
            RewriteRule ^/(.*) /___proxy_subdomain_webmail/$1 [PT]
</VirtualHost>
"""


def mutated(text: bytes) -> st.SearchStrategy[bytes]:
    """The text with pieces cut, doubled, overwritten and moved."""

    @st.composite
    def strategy(draw: st.DrawFn) -> bytes:
        found = text
        for _ in range(draw(st.integers(0, 6))):
            start = draw(st.integers(0, max(len(found) - 1, 0)))
            end = draw(st.integers(start, min(len(found), start + 80)))
            noise = draw(st.one_of(st.binary(max_size=12), st.sampled_from((b"\n", b'"', b"=="))))
            piece = draw(st.sampled_from((b"", noise, found[start:end] * 2)))
            found = found[:start] + piece + found[end:]
        return found

    return strategy()


def test_the_lists_of_domains_are_joined_with_apaches_vhosts() -> None:
    domains, problems = inventory.parse_domains_json(JSON)
    assert problems == []
    conf = httpd_conf.parse(CONF)
    found = inventory.build(domains, conf, {"shop": Account("1001-1", False)})
    by_name = {vhost.server_name: vhost for vhost in found.vhosts}
    assert set(by_name) == {"shop.example", "addon.shop.example", "_wildcard_.shop.example"}
    shop = by_name["shop.example"]
    assert shop.is_ssl
    assert shop.incarnation == "1001-1"
    assert shop.addresses == ("192.0.2.1:443", "[2001:db8::1]:443")
    assert shop.answers_without_sni == shop.addresses
    assert shop.include_directory == "/etc/apache2/conf.d/userdata/ssl/2_4/shop/shop.example"
    assert shop.plain_include_directory.endswith("/std/2_4/shop/shop.example")
    kinds = {name.name: name.kind for name in shop.names}
    assert kinds == {
        "shop.example": Kind.MAIN,
        "mail.shop.example": Kind.MAIL,
        "www.shop.example": Kind.WWW,
        "webmail.shop.example": Kind.SERVICE,
        "cpanel.shop.example": Kind.SERVICE,
    }
    assert not by_name["addon.shop.example"].is_ssl
    assert any("addon.shop.example" in problem for problem in found.problems)


def test_only_the_measured_proxy_rule_makes_a_name_one_that_cpanel_proxies_away() -> None:
    block = httpd_conf.parse(CONF).blocks[1]
    assert dict(block.services) == {
        "cpanel.shop.example": ("cpanel.shop.example", "cpanel.shop.example:443")
    }


def test_the_text_form_gives_the_same_rows() -> None:
    domains, problems = inventory.parse_domains(TEXT)
    assert [domain.server_name for domain in domains] == ["blog.example", "blog.example"]
    assert problems == []
    assert domains[1].ssl_address == ""


def test_a_bad_row_is_reported_and_the_others_stay() -> None:
    text = TEXT + b"../../etc: blog==root==main==x==/==a==b====0==c\nshort.example: blog==root\n"
    domains, problems = inventory.parse_domains(text)
    assert len(domains) == 2
    assert len(problems) == 2
    assert "too few fields" in problems[1]


@given(mutated(JSON))
@settings(max_examples=300)
def test_a_damaged_json_list_is_no_traceback(text: bytes) -> None:
    with contextlib.suppress(ValueError, TypeError):  # then the text form is read instead
        domains, _ = inventory.parse_domains_json(text)
        inventory.build(domains, httpd_conf.parse(CONF), {})


@given(mutated(TEXT))
@settings(max_examples=300)
def test_a_damaged_text_list_is_no_traceback(text: bytes) -> None:
    domains, _ = inventory.parse_domains(text)
    inventory.build(domains, httpd_conf.parse(CONF), {})


@given(mutated(CONF))
@settings(max_examples=400)
def test_a_damaged_httpd_conf_is_no_traceback(text: bytes) -> None:
    domains, _ = inventory.parse_domains_json(JSON)
    found = inventory.build(domains, httpd_conf.parse(text), {})
    for vhost in found.vhosts:
        assert inventory.read_vhost(json.loads(json.dumps(inventory.as_record(vhost)))) == vhost


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=20),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=12), inner),
        max_leaves=12,
    )
)
def test_any_answer_of_the_api_is_read(answer: object) -> None:
    inventory.parse_domain_info(answer)
    inventory.parse_domain_info({"domains": [answer]})


@given(
    mutated(
        b'{"wish": "change", "who": "root", "items": [{"user": "shop", "server_name": '
        b'"shop.example", "policy": {"mode": "enforce", "exempt_paths": ["/a"]}}]}'
    )
)
@settings(max_examples=400)
def test_any_wish_is_read_or_refused_in_a_sentence(line: bytes) -> None:
    with contextlib.suppress(OriginPullsError):
        wish.read(line)


@given(
    st.dictionaries(
        st.sampled_from(("mode", "trust", "exempt_names", "ca", "x")),
        st.one_of(st.none(), st.text(max_size=9), st.lists(st.integers())),
    )
)
def test_any_policy_is_read_or_refused_in_a_sentence(record: dict[str, object]) -> None:
    with contextlib.suppress(OriginPullsError):
        read_policy(record)
