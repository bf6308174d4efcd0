"""``scripts/ensure_vhost_includes``: renews the include lines of some vhosts, with its traps.

It puts single vhosts into the live httpd.conf without any test, and restarts Apache by itself a
moment later unless ``--no-restart`` is given (facts/cpanel.md §5).
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence

from origin_pulls.sandbox import domain_lists, files, httpd_conf, rebuild, switches
from origin_pulls.sandbox.layout import Layout
from origin_pulls.sandbox.programs import later

BLOCK = re.compile(r"^<VirtualHost [^>]*>\n.*?^</VirtualHost>\n", re.MULTILINE | re.DOTALL)
SERVER_NAME = re.compile(r"^ +ServerName (\S+)", re.MULTILINE)
OWNER = re.compile(r"## User (\S+) # Needed for Cpanel::ApacheConf")


def main(layout: Layout, words: Sequence[str]) -> int:
    """Renew the vhosts of the accounts that the options choose."""
    options = _options(words)
    users = _users(layout, options)
    if not users:
        sys.stdout.write("Name --all-users, --user, --domain or --domainowner of some account.\n")
        return 1
    if not options.skip_conf_rebuild:
        with rebuild.locked(layout):
            _renew(layout, users)
    if not options.no_restart:
        later.graceful(layout, switches.read(layout).includes_restart_delay)
    return 0


def _options(words: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser("ensure_vhost_includes")
    for name in ("user", "domain", "domainowner"):
        parser.add_argument(f"--{name}")
    flags = ("all-users", "verbose", "no-restart", "skip-conf-rebuild", "skip-file-check")
    for name in flags:
        parser.add_argument(f"--{name}", action="store_true")
    return parser.parse_args(words)


def _users(layout: Layout, options: argparse.Namespace) -> set[str]:
    rows = domain_lists.read(layout)
    if options.all_users:
        return {row[0] for row in rows.values()}
    return {
        row[0]
        for name, row in rows.items()
        if options.user == row[0] or options.domain == name or options.domainowner == row[0]
    }


def _renew(layout: Layout, users: set[str]) -> None:
    fresh = {_key(block): block for block in BLOCK.findall(httpd_conf.render(layout))}
    old = layout.httpd_conf.read_text()

    def newer(found: re.Match[str]) -> str:
        key = _key(found[0])
        return fresh.get(key, found[0]) if key[0] in users else found[0]

    mode = int(switches.read(layout).httpd_conf_mode, 8)
    files.replace(layout.httpd_conf, BLOCK.sub(newer, old), mode=mode)


def _key(block: str) -> tuple[str, str, bool]:
    owner, name = OWNER.search(block), SERVER_NAME.search(block)
    return owner[1] if owner else "", name[1] if name else "", "SSLEngine on" in block
