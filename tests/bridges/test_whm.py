"""WHM's bridge: only root, named as WHM names them, in whichever frame there is."""

from __future__ import annotations

import re
import subprocess

import pytest

from origin_pulls.sandbox.layout import Layout
from tests.bridges.scripted import FRAMED, Bridge, says, service


def test_it_says_who_is_asking_and_that_they_are_root(whm: Bridge) -> None:
    with service(whm.socket, says(FRAMED, b"<p>hello</p>")) as heard:
        whm.ask()
    assert "X-Origin-Pulls-User: root" in heard.head
    assert "X-Origin-Pulls-Acl: all" in heard.head
    assert heard.uids == [0]


def test_a_reseller_with_all_privileges_is_named(whm: Bridge) -> None:
    with service(whm.socket, says(FRAMED)) as heard:
        whm.ask(REMOTE_USER="boss")
    assert "X-Origin-Pulls-User: boss" in heard.head


@pytest.mark.parametrize("user", ["reseller1", "nobody", ""])
def test_everybody_else_is_refused_and_the_service_hears_nothing(whm: Bridge, user: str) -> None:
    with service(whm.socket, says(FRAMED)) as heard:
        answered = whm.ask(REMOTE_USER=user)
    assert (answered.code, answered.status[:3]) == (0, "403")
    assert b"Only root" in answered.body
    assert heard.requests == []


def test_without_the_test_of_privileges_nobody_is_let_in(whm: Bridge, layout: Layout) -> None:
    module = layout.at("/usr/local/cpanel/Whostmgr/ACLS.pm")
    away = module.rename(module.with_suffix(".away"))
    try:
        with service(whm.socket, says(FRAMED)) as heard:
            assert whm.ask().status[:3] == "403"
        assert heard.requests == []
    finally:
        away.rename(module)


@pytest.mark.parametrize("frame", ["template", "functions", "none"])
def test_a_page_is_whole_in_every_frame_and_without_one(whm: Bridge, frame: str) -> None:
    with service(whm.socket, says(FRAMED, b"<p>here</p>")):
        page = whm.ask(SANDBOX_FRAME=frame).body.decode()
    assert page.count("<p>here</p>") == 1
    assert page.count("<!DOCTYPE html>") == 1
    assert page.count("</html>") == 1
    assert re.search(r"<h1[^>]*>Domains</h1>", page)
    assert ("whm-menu" in page) == (frame != "none")


def test_the_breadcrumb_leads_home(whm: Bridge) -> None:
    with service(whm.socket, says(FRAMED)):
        page = whm.ask().body.decode()
    assert 'href="/cpsess0123456789/cgi/addons/originpulls/index.cgi" aria-current="page"' in page
    assert ">Plugins</a>" in page


def test_perl_finds_nothing_to_warn_about(whm: Bridge, layout: Layout) -> None:
    perl = layout.at("/usr/local/cpanel/3rdparty/bin/perl")
    done = subprocess.run(
        [perl, "-wc", whm.script], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.stderr == f"{whm.script} syntax OK\n"
