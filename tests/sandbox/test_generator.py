"""httpd.conf comes out in EasyApache's order, and includes are chosen while it is built."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from origin_pulls.sandbox import Sandbox, files, httpd_conf, switches

pytestmark = pytest.mark.apache

NOTE = "# a note\n"


def vhost(text: str, name: str, *, is_ssl: bool = True) -> str:
    """The text of one vhost of an account."""
    blocks: list[str] = re.findall(r"<VirtualHost .*?</VirtualHost>", text, re.DOTALL)
    return next(
        block
        for block in blocks
        if f"  ServerName {name}\n" in block
        and "## User" in block
        and ("SSLEngine on" in block) is is_ssl
    )


def includes(block: str) -> list[str]:
    """The Include lines that are in force in a vhost."""
    return re.findall(r'^ +Include "(.*)"$', block, re.MULTILINE)


def test_the_sections_stand_in_easyapaches_order(sandbox: Sandbox) -> None:
    text = sandbox.layout.httpd_conf.read_text()
    marks = [
        "DO NOT EDIT. AUTOMATICALLY GENERATED.",
        "conf.modules.d/*.conf",
        "pre_main_global.conf",
        "pre_main_2.conf",
        "ServerRoot",
        "includes/cloudflare.conf",
        "LogFormat",
        f"Listen 127.0.0.1:{sandbox.http_port}",
        "SSLProtocol",
        f"Listen 127.0.0.1:{sandbox.https_port}",
        "conf.d/*.conf",
        "account_suspensions.conf",
        "errordocument.conf",
        "pre_virtualhost_global.conf",
        "pre_virtualhost_2.conf",
        f"<VirtualHost 127.0.0.1:{sandbox.http_port}>",
        "<VirtualHost *>",
        "# BEGIN: HTTP vhosts list",
        "# END: HTTP vhosts list",
        "# BEGIN: HTTPS vhosts list",
        "# END: HTTPS vhosts list",
        "proxy-subdomains-vhost.localhost",
        "post_virtualhost_global.conf",
        "post_virtualhost_2.conf",
        "# Domain forwarding",
        "## User nobody # Needed for Cpanel::ApacheConf",
    ]
    places = [text.index(mark) for mark in marks]
    assert places == sorted(places)


def test_every_path_in_it_is_a_path_of_this_machine(sandbox: Sandbox) -> None:
    text = sandbox.layout.httpd_conf.read_text()
    for path in re.findall(r'(?<![\w.*])/(?:etc|var|home|run|usr)/[^\s"]*', text):
        pytest.fail(f"{path} lies outside the sandbox")
    assert f'# Include "{sandbox.directory}/etc/apache2/conf.d/userdata/ssl/2_4/shop/' in text


def test_a_vhost_carries_user_aliases_services_and_its_comment_line(sandbox: Sandbox) -> None:
    block = vhost(sandbox.layout.httpd_conf.read_text(), "shop.example")
    aliases = re.findall(r"ServerAlias (.*)", block)[0].split()
    assert aliases[:2] == ["mail.shop.example", "www.shop.example"]
    assert {"shop-parked.example", "cpanel.shop.example", "webmail.shop-parked.example"} <= set(
        aliases
    )
    assert "  ## User shop # Needed for Cpanel::ApacheConf\n" in block
    assert "  # To customize this VirtualHost use an include file at the following loc" in block
    folder = sandbox.layout.include_tree / "ssl/2_4/shop/shop.example"
    assert f'  # Include "{folder}/*.conf"\n' in block
    assert f"RewriteCond %{{HTTP_HOST}} =cpanel.shop.example:{sandbox.https_port} [OR]" in block
    assert "RewriteCond %{HTTP:Upgrade} !websocket   [nocase]" in block
    assert "RewriteRule ^/(.*) /___proxy_subdomain_cpanel/$1 [PT]" in block


def test_the_plain_vhost_has_no_service_names(sandbox: Sandbox) -> None:
    block = vhost(sandbox.layout.httpd_conf.read_text(), "shop.example", is_ssl=False)
    assert "cpanel." not in block
    assert "userdata/std/2_4/shop/shop.example/*.conf" in block


def test_a_wildcards_folder_has_another_name_than_its_vhost(sandbox: Sandbox) -> None:
    block = vhost(sandbox.layout.httpd_conf.read_text(), "_wildcard_.shop.example")
    assert "ServerAlias *.shop.example\n" in block
    assert "userdata/ssl/2_4/shop/wildcard_safe.shop.example/*.conf" in block


def lay(sandbox: Sandbox, *places: str) -> list[Path]:
    """Lay harmless include files and tell their patterns' folders."""
    paths = [sandbox.layout.include_tree / place for place in places]
    for path in paths:
        files.lay(path, NOTE)
    return paths


def test_include_lines_appear_for_what_lies_there_in_the_literal_order(
    fresh_sandbox: Sandbox,
) -> None:
    places = (
        "a.conf",
        "a.owner-root",
        "ssl/a.conf",
        "ssl/a.owner-root",
        "ssl/2_4/a.conf",
        "ssl/2_4/a.owner-root",
        "ssl/2_4/shop/a.conf",
        "ssl/2_4/shop/www.shop.example/a.conf",
        "ssl/2_4/shop/shop-parked.example/a.conf",
        "ssl/2_4/shop/cpanel.shop.example/a.conf",
        "ssl/2_4/shop/shop.example/a.conf",
    )
    assert includes(vhost(httpd_conf.render(fresh_sandbox.layout), "shop.example")) == []
    paths = lay(fresh_sandbox, *reversed(places))[::-1]
    lines = includes(vhost(httpd_conf.render(fresh_sandbox.layout), "shop.example"))
    assert lines == [str(path.parent / path.name.replace("a.", "*.")) for path in paths]
    others = includes(vhost(httpd_conf.render(fresh_sandbox.layout), "acme.example"))
    assert len(others) == 3  # its owner is the reseller


def test_hidden_and_other_files_make_no_line(fresh_sandbox: Sandbox) -> None:
    lay(fresh_sandbox, "ssl/2_4/shop/shop.example/.new.conf", "ssl/2_4/shop/shop.example/a.bak")
    assert includes(vhost(httpd_conf.render(fresh_sandbox.layout), "shop.example")) == []


def test_an_older_folder_counts_only_while_there_is_no_newer_one(fresh_sandbox: Sandbox) -> None:
    newer = fresh_sandbox.layout.include_tree / "ssl/2_4"
    [old] = lay(fresh_sandbox, "ssl/2/plain/plain.example/a.conf")
    assert includes(vhost(httpd_conf.render(fresh_sandbox.layout), "plain.example")) == []
    newer.rmdir()
    block = vhost(httpd_conf.render(fresh_sandbox.layout), "plain.example")
    assert includes(block) == [str(old.parent / "*.conf")]
    assert f'# Include "{newer}/plain/plain.example/*.conf"' in block


def test_a_wildcards_include_comes_once(fresh_sandbox: Sandbox) -> None:
    lay(fresh_sandbox, "ssl/2_4/shop/wildcard_safe.shop.example/a.conf")
    block = vhost(httpd_conf.render(fresh_sandbox.layout), "_wildcard_.shop.example")
    assert len(includes(block)) == 1


def test_a_local_template_takes_the_defaults_place(fresh_sandbox: Sandbox) -> None:
    lay(fresh_sandbox, "ssl/2_4/shop/shop.example/a.conf")
    default = fresh_sandbox.layout.templates / "ssl_vhost.default"
    without = default.read_text().replace("[% include_lines %]\n", "")
    default.with_suffix(".local").write_text(without)
    assert includes(vhost(httpd_conf.render(fresh_sandbox.layout), "shop.example")) == []


def test_a_vhost_may_name_its_own_template(fresh_sandbox: Sandbox) -> None:
    own = fresh_sandbox.path("/var/cpanel/templates/own.tmpl")
    default = (fresh_sandbox.layout.templates / "ssl_vhost.default").read_text()
    own.write_text(default.replace("</VirtualHost>", "  # of its own\n</VirtualHost>"))
    record = fresh_sandbox.layout.userdata / "plain/plain.example_SSL"
    record.write_text(record.read_text() + f"custom_vhost_template_ap2: {own}\n")
    text = httpd_conf.render(fresh_sandbox.layout)
    assert "# of its own" in vhost(text, "plain.example")
    assert "# of its own" not in vhost(text, "shop.example")


def test_a_global_include_is_a_line_once_it_exists(fresh_sandbox: Sandbox) -> None:
    path = fresh_sandbox.layout.includes / "pre_main_global.conf"
    assert f'# Create "{path}" if you want' in fresh_sandbox.layout.httpd_conf.read_text()
    files.lay(path, NOTE)
    assert f'\nInclude "{path}"\n' in httpd_conf.render(fresh_sandbox.layout)


@pytest.mark.parametrize("form", ["one line", "lines", "continued"])
def test_aliases_may_be_wrapped_and_apache_takes_them(fresh_sandbox: Sandbox, form: str) -> None:
    switches.turn(fresh_sandbox.layout, aliases=form)
    assert fresh_sandbox.run("/scripts/rebuildhttpdconf").returncode == 0
    named = fresh_sandbox.run("/usr/sbin/httpd", "-S").stdout
    assert "cpcalendars.shop-second.example" in named


def test_both_writers_of_userdata_are_read(fresh_sandbox: Sandbox) -> None:
    plain = httpd_conf.render(fresh_sandbox.layout)
    for path in fresh_sandbox.layout.userdata.glob("*/*"):
        if path.suffix != ".json":
            text = path.read_text()
            path.write_text("--- \n" + text.removeprefix("---\n").replace("\n", "\n\n"))
    assert httpd_conf.render(fresh_sandbox.layout) == plain
