"""What a change means for visitors: said once, and only what is so."""

from __future__ import annotations

from origin_pulls.model import saying
from origin_pulls.model.inventory import Kind, Name, Proxied, Vhost
from origin_pulls.model.policy import Mode, Policy, Trust

SERVICES = ("mail", "webmail", "cpanel", "webdisk", "autodiscover", "cpcontacts", "cpcalendars")
VHOST = Vhost(
    user="shop",
    server_name="shop.example",
    owner="root",
    incarnation="1",
    is_ssl=True,
    names=(
        Name("shop.example", Kind.MAIN),
        *(Name(f"{label}.shop.example", Kind.SERVICE) for label in SERVICES),
    ),
    addresses=("192.0.2.1:443",),
)
OFF, OBSERVED = Policy(), Policy(mode=Mode.OBSERVE)
ENFORCED = Policy(mode=Mode.ENFORCE)


def said(before: Policy, wanted: Policy, **states: Proxied) -> str:
    sides = {name: states.get(name.partition(".")[0], Proxied.UNKNOWN) for name in VHOST.host_names}
    return " ".join(saying.words(VHOST, before, wanted, sides))


def test_observing_logs_and_says_whom_it_refuses_all_the_same() -> None:
    for before in (OFF, ENFORCED):
        text = said(before, OBSERVED)
        assert "count" not in text.replace("counts is", "")
        assert "log" in text
        assert "expired" in text
        assert "another purpose" in text


def test_whose_certificate_counts_is_not_said_to_be_of_one_site_alone() -> None:
    assert "alone" not in said(OFF, OBSERVED)
    assert "for this site or its whole zone" in said(OFF, OBSERVED)
    assert "shared certificate" in said(OFF, Policy(mode=Mode.OBSERVE, trust=Trust.CLOUDFLARE))


def test_each_name_is_told_of_once() -> None:
    direct = dict.fromkeys(SERVICES, Proxied.DIRECT)
    text = said(OFF, ENFORCED, shop=Proxied.PROXIED, **direct)
    assert text.count("mail.shop.example") == 2  # mail. and webmail.
    assert "and 2 more are not behind Cloudflare" in text
    proxied = dict.fromkeys(SERVICES, Proxied.PROXIED)
    text = said(OFF, ENFORCED, shop=Proxied.PROXIED, **proxied)
    assert "not behind" not in text
    assert "cPanel's own services are meant too" in text


def test_a_demand_that_nobody_can_meet_is_known_as_such() -> None:
    def is_shut(wanted: Policy, **states: Proxied) -> bool:
        sides = {
            name: states.get(name.partition(".")[0], Proxied.DIRECT) for name in VHOST.host_names
        }
        return saying.is_shut(VHOST, wanted, sides)

    assert is_shut(ENFORCED)
    assert not is_shut(OBSERVED)
    assert not is_shut(ENFORCED, shop=Proxied.PROXIED)
    assert not is_shut(ENFORCED, webmail=Proxied.UNKNOWN)
    # Somebody gets in by an exempt name, so not everybody is locked out; but the site is.
    assert is_shut(Policy(mode=Mode.ENFORCE, exempt_names=("mail.shop.example",)))


def test_what_becomes_of_cloudflare_when_it_is_off_is_said() -> None:
    at = saying.AtCloudflare
    assert "stays there" in saying.left([at("blog.example")], removes=False)[0]
    assert "deleted" in saying.left([at("blog.example")], removes=True)[0]
    needed = saying.left([at("blog.example", needed_by="blog-addon.blog.example")], removes=True)
    assert "goes on presenting" in needed[0]
    assert "blog-addon.blog.example" in needed[0]
    assert saying.left([], removes=False) == []
