"""The grammar of what is typed: names, paths, networks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from origin_pulls.errors import Unusable
from origin_pulls.model import names


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("shop.example", "shop.example"),
        (" Shop.Example. ", "shop.example"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("_wildcard_.shop.example", "_wildcard_.shop.example"),
        ("*.shop.example", "*.shop.example"),
    ],
)
def test_host_names_are_taken_as_people_type_them(typed: str, meant: str) -> None:
    assert names.host_name(typed) == meant


@pytest.mark.parametrize(
    "typed",
    [
        *("", ".", "shop", "https://shop.example", "shop.example/x", "shop..example"),
        *("-a.example", "a-.example", "a b.example", "a\n.example", "shop.example:443"),
        *("a." * 130 + "example", "a" * 64 + ".example", "x.*.example", "é" * 300 + ".example"),
        *(
            "..",
            "../etc",
            "a/../b.example",
            "%2e.example",
            "\u202eshop.example",
            "xn--\x00.example",
        ),
    ],
)
def test_what_is_no_host_name_is_told_in_one_line(typed: str) -> None:
    with pytest.raises(Unusable) as told:
        names.host_name(typed)
    assert "\n" not in told.value.message
    assert len(told.value.message) < 140


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("/wp-json/", "/wp-json"),
        ("/.well-known/", "/.well-known"),
        ("/a/b.c/~d", "/a/b.c/~d"),
        ("/a..b", "/a..b"),
    ],
)
def test_paths_are_prefixes_of_whole_segments(typed: str, meant: str) -> None:
    assert names.url_path(typed) == meant


@pytest.mark.parametrize(
    "typed",
    [
        *("", "/", "x", "//", "/a//b", "/..", "/a/..", "/a/../b", "/.", "/a/./b", "/a/.."),
        *("/a b", "/a?b", "/a#b", "/%2e%2e", "/a%", "/a\n", '/a"', "/a'", "/(a|b)", "/a$", "/é"),
        *("/...", "/a\\b", "/[a]", "/{a}", "/" + "a" * 600),
    ],
)
def test_paths_that_mean_more_than_they_say_are_refused(typed: str) -> None:
    with pytest.raises(Unusable):
        names.url_path(typed)


@given(st.text(max_size=30))
def test_no_path_that_passes_climbs(text: str) -> None:
    try:
        path = names.url_path(f"/{text}")
    except Unusable:
        return
    assert not {"", ".", ".."} & set(path.split("/")[1:])
    assert path.isascii()


@pytest.mark.parametrize("typed", ["192.0.2.0/24", "192.0.2.7", "2001:db8::/32", "::1"])
def test_networks(typed: str) -> None:
    assert str(names.network(typed)).startswith(typed.split("/")[0])


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "0.0.0.0/0",
        "::/0",
        "192.0.2.1/24",
        "1.2.3",
        "a",
        "fe80::1%eth0",
        "fe80::1%x\nServerSignature On",
        "192.0.2.0/24 ' x",
    ],
)
def test_networks_that_are_none_or_everybody_are_refused(typed: str) -> None:
    with pytest.raises(Unusable):
        names.network(typed)


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        ("*.shop.example", "a.shop.example", True),
        ("*.shop.example", "a.b.shop.example", True),
        ("*.shop.example", "shop.example", False),
        ("*.shop.example", "xshop.example", False),
        ("shop.example", "shop.example", True),
        ("shop.example", "a.shop.example", False),
    ],
)
def test_wildcards_match_as_apaches_do(pattern: str, name: str, expected: bool) -> None:
    assert names.matches(pattern, name) is expected


@pytest.mark.parametrize("user", ["", ".", "..", "a/b", "a..b", "-a", "a\n", "a" * 80, "ä"])
def test_what_is_no_account_cannot_become_a_folder(user: str) -> None:
    assert not names.is_account(user)


def test_a_domain_is_called_as_people_call_it_and_a_file_as_it_is() -> None:
    assert names.domain("shop/_wildcard_.shop.example: _wildcard_.a.example is off") == (
        "shop/*.shop.example: *.a.example is off"
    )
    file = "Look into /var/cpanel/userdata/shop/_wildcard_.shop.example, please"
    assert names.domain(file) == file
    assert names.domain("shop.example") == "shop.example"
