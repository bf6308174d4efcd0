"""Folders on a server that never saw us: who may look into which."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from origin_pulls.config import Config
from origin_pulls.engine.server import Server

PATHS = """dir_base=/etc/apache2
dir_conf=/etc/apache2/conf.d
dir_conf_userdata=/etc/apache2/conf.d/userdata
dir_run=/run/apache2
dir_logs=/etc/apache2/logs
file_conf=/etc/apache2/conf/httpd.conf
bin_httpd=/usr/sbin/httpd
"""


def test_keys_and_journal_are_roots_alone_and_what_apache_reads_is_not(tmp_path: Path) -> None:
    place = tmp_path / "etc/cpanel/ea4/paths.conf"
    place.parent.mkdir(parents=True)
    place.write_text(PATHS)
    config = Config.at(tmp_path)
    before = os.umask(0o077)
    try:
        server = Server.of(config)
        server.probe()
        server.store.close()
    finally:
        os.umask(before)
    modes = {
        str(path.relative_to(tmp_path)): stat.S_IMODE(path.stat().st_mode)
        for path in tmp_path.rglob("*")
        if "origin-pulls" in path.parts and "cpanel" not in path.parts
    }
    assert modes["etc/origin-pulls"] == 0o755
    assert modes["etc/origin-pulls/keys"] == 0o700
    assert modes["etc/origin-pulls/keys/probe"] == 0o700
    assert modes["var/lib/origin-pulls"] == 0o755
    assert modes["var/lib/origin-pulls/journal"] == 0o700
    keys = {mode for path, mode in modes.items() if path.endswith((".key", ".pem"))}
    assert keys == {0o600}
    assert modes["var/lib/origin-pulls/store.sqlite"] & 0o007 == 0
