"""Lays cPanel's programs: short shell scripts that start ours, at the places cPanel has them."""

from __future__ import annotations

import shlex
import sys

from origin_pulls.sandbox import apache, files
from origin_pulls.sandbox.layout import Layout

PROGRAMS = {
    "/usr/local/cpanel/scripts/rebuildhttpdconf": "rebuildhttpdconf",
    "/usr/local/cpanel/scripts/restartsrv_httpd": "restartsrv_httpd",
    "/usr/local/cpanel/scripts/ensure_vhost_includes": "ensure_vhost_includes",
    "/usr/local/cpanel/scripts/updateuserdatacache": "updateuserdatacache",
    "/usr/local/cpanel/bin/whmapi1": "whmapi1",
    "/usr/local/cpanel/bin/uapi": "uapi",
    "/usr/local/cpanel/bin/register_appconfig": "register_appconfig",
    "/usr/local/cpanel/bin/unregister_appconfig": "unregister_appconfig",
    "/usr/local/cpanel/bin/is_registered_with_appconfig": "is_registered_with_appconfig",
    "/usr/local/cpanel/bin/manage_hooks": "manage_hooks",
    "/usr/local/cpanel/bin/sprite_generator": "sprite_generator",
    "/usr/local/cpanel/scripts/install_plugin": "install_plugin",
    "/usr/local/cpanel/scripts/uninstall_plugin": "uninstall_plugin",
    "/usr/bin/uapi": "uapi",
    "/usr/sbin/whmapi1": "whmapi1",
}


def lay(layout: Layout) -> None:
    """Write all programs of a sandbox."""
    directory = shlex.quote(str(layout.directory))
    python = shlex.quote(sys.executable)
    for place, name in PROGRAMS.items():
        script = f'exec {python} -m origin_pulls.sandbox.programs {name} {directory} "$@"\n'
        files.lay(layout.at(place), "#!/bin/sh\n" + script, mode=0o755)
    httpd = layout.at("/usr/sbin/httpd")
    files.lay(httpd, _httpd(layout), mode=0o755)
    files.lay(layout.at("/usr/sbin/apachectl"), _apachectl(shlex.quote(str(httpd))), mode=0o755)


def _httpd(layout: Layout) -> str:
    root, conf = shlex.quote(str(layout.server_root)), shlex.quote(str(layout.httpd_conf))
    # Apache takes the last -f, so one that the caller gives wins.
    return f'#!/bin/sh\nexec {apache.PROGRAM} -d {root} -f {conf} "$@"\n'


def _apachectl(httpd: str) -> str:
    return f"""#!/bin/sh
# Every vhost keeps its own logs open.
ulimit -n "$(ulimit -H -n)"
case "$1" in
    configtest) exec {httpd} -t ;;
    graceful | restart)
        if ! {httpd} -t; then
            echo "apachectl: Configuration syntax error, will not run \\"$1\\":"
            exit 1
        fi
        exec {httpd} -k "$1"
        ;;
    start | stop | graceful-stop) exec {httpd} -k "$1" ;;
    *) exec {httpd} "$@" ;;
esac
"""
