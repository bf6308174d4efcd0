"""Ways round an enforcement that a server's own configuration shows."""

from __future__ import annotations

from dataclasses import replace

import pytest

from origin_pulls.model import ways_round
from origin_pulls.model.httpd_conf import Block, HttpdConf
from origin_pulls.model.inventory import Kind, Name, Vhost
from origin_pulls.model.policy import Mode, Policy, Port80, Trust
from tests.strategies import vhost

ENFORCED = Policy(mode=Mode.ENFORCE, port80=Port80.REDIRECT)


def site(number: int, root: str) -> Vhost:
    return replace(vhost(number, is_included=True, is_plain_included=True), document_root=root)


def kinds(
    mine: Vhost,
    *others: Vhost,
    policy: Policy = ENFORCED,
    conf: HttpdConf = HttpdConf(),  # noqa: B008
) -> list[str]:
    policies = {mine.key: policy}
    return [way.kind for way in ways_round.find(mine, [mine, *others], policies, conf)]


def test_a_site_alone_with_port_80_redirected_has_none() -> None:
    assert kinds(site(1, "/srv/one")) == []


def test_port_80_is_one_while_it_is_left_open() -> None:
    assert kinds(site(1, "/srv/one"), policy=Policy(mode=Mode.ENFORCE)) == ["port80"]


def test_a_wildcard_stands_in_no_address() -> None:
    one = replace(site(1, "/srv/one"), names=(Name("*.shop.example", Kind.WILDCARD),))
    (way,) = ways_round.find(one, [one], {one.key: Policy(mode=Mode.ENFORCE)}, HttpdConf())
    assert way.what.startswith("http://NAME.shop.example/ serves")


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        ("/srv", ["inside"]),
        ("/srv/one", ["inside"]),
        ("/srv/one/below", ["contains"]),
        ("/srv/onetwo", []),
        ("/", ["inside"]),
    ],
)
def test_document_roots_that_hold_each_other(other: str, expected: list[str]) -> None:
    assert kinds(site(1, "/srv/one"), site(2, other)) == expected


@pytest.mark.parametrize(
    ("theirs", "expected"),
    [
        (Policy(), ["inside"]),
        (Policy(mode=Mode.OBSERVE, port80=Port80.REDIRECT), ["inside"]),
        (Policy(mode=Mode.ENFORCE), ["inside"]),
        (replace(ENFORCED, exempt_paths=("/one",)), ["inside"]),
        (replace(ENFORCED, exempt_names=("www.site2.example",)), ["inside"]),
        (replace(ENFORCED, exempt_networks=("192.0.2.0/24",)), ["inside"]),
        (replace(ENFORCED, exempt_names=("webmail.site2.example",)), []),
        (ENFORCED, []),
    ],
)
def test_a_neighbour_counts_as_closed_only_when_it_is_closed_altogether(
    theirs: Policy, expected: list[str]
) -> None:
    mine, other = site(1, "/srv/one"), site(2, "/srv")
    policies = {mine.key: ENFORCED, other.key: theirs}
    found = ways_round.find(mine, [mine, other], policies, HttpdConf())
    assert [way.kind for way in found] == expected


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ((), False),
        (("public_html",), True),
        (("public_html", "disabled"), False),
        (("disabled", "enabled shop"), True),
        (("disabled", "enabled blog"), False),
        (("public_html", "disabled shop"), False),
        (("public_html", "disabled root"), True),
        (("disabled", "public_html"), True),
    ],
)
def test_user_directories_as_apache_reads_them(settings: tuple[str, ...], expected: bool) -> None:
    assert ways_round.serves_user("shop", settings) is expected


def test_user_directories_of_other_vhosts_lead_to_the_site() -> None:
    mine = site(1, "/home/user1/public_html/sub")
    other = replace(site(2, "/home/user2/public_html"), user_dirs=("public_html",))
    found = ways_round.find(mine, [mine, other], {mine.key: ENFORCED}, HttpdConf())
    assert [way.kind for way in found] == ["userdir"]
    assert "/~user1/sub/" in found[0].what


def test_an_exempt_name_is_one_unless_cpanel_proxies_it_away() -> None:
    mine = site(1, "/srv/one")
    exempt = replace(ENFORCED, exempt_names=("webmail.site1.example", "www.site1.example"))
    found = ways_round.find(mine, [mine], {mine.key: exempt}, HttpdConf())
    assert [way.kind for way in found] == ["exempt name"]
    assert "www.site1.example" in found[0].what


def test_a_second_vhost_of_the_same_name_on_another_address_is_one() -> None:
    mine = replace(site(1, "/srv/one"), names=(Name("site1.example", Kind.MAIN),))
    block = Block(
        line=9, addresses=("[2001:db8::1]:443",), server_name="site1.example", is_ssl=True
    )
    assert kinds(mine, conf=HttpdConf(blocks=(block,))) == ["second vhost"]
    same = replace(block, addresses=mine.addresses)
    assert kinds(mine, conf=HttpdConf(blocks=(same,))) == []


def test_the_shared_certificate_is_one() -> None:
    shared = replace(ENFORCED, trust=Trust.CLOUDFLARE)
    assert kinds(site(1, "/srv/one"), policy=shared) == ["shared certificate"]
