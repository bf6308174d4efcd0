"""Lays what belongs to the server and to no account: settings, modules, global includes."""

from __future__ import annotations

from pathlib import Path

from origin_pulls.sandbox import certificates, files, templates
from origin_pulls.sandbox.certificates import Authority
from origin_pulls.sandbox.layout import (
    ADDRESS,
    DEDICATED_ADDRESS,
    HOSTNAME,
    NOBODY,
    WEB_USER,
    Layout,
)

MODULES = Path("/usr/lib/apache2/modules")
LOADED = (
    *("mpm_event", "authn_core", "authn_file", "auth_basic", "authz_core", "authz_user"),
    *("authz_host", "access_compat", "alias", "dir", "mime", "env", "setenvif", "headers"),
    *("rewrite", "socache_shmcb", "ssl", "http2", "proxy", "proxy_http", "proxy_wstunnel"),
    *("remoteip", "userdir", "cgid", "autoindex", "negotiation"),
)
# Cloudflare's published ranges as they were when this was written: a build on a real server
# fetches them, a sandbox never asks the network.
CLOUDFLARE = (
    *("173.245.48.0/20", "103.21.244.0/22", "103.22.200.0/22", "103.31.4.0/22"),
    *("141.101.64.0/18", "108.162.192.0/18", "190.93.240.0/20", "188.114.96.0/20"),
    *("197.234.240.0/22", "198.41.128.0/17", "162.158.0.0/15", "104.16.0.0/13"),
    *("104.24.0.0/14", "172.64.0.0/13", "131.0.72.0/22", "2400:cb00::/32"),
    *("2606:4700::/32", "2803:f800::/32", "2405:b500::/32", "2405:8100::/32"),
    *("2a06:98c0::/29", "2c0f:f248::/32"),
)
MIME_TYPES = """text/html html htm shtml
text/plain txt
text/css css
application/javascript js
application/json json
image/png png
image/svg+xml svg
"""


def lay(layout: Layout, http_port: int, https_port: int, authority: Authority) -> None:
    """Write the server's files for these two ports."""
    _lay_directories(layout)
    _lay_easyapache(layout)
    _lay_settings(layout, http_port, https_port)
    _lay_includes(layout)
    _lay_pages(layout)
    _lay_certificates(layout, authority)
    _lay_hostname(layout, http_port, https_port)
    templates.lay(layout)


def _lay_directories(layout: Layout) -> None:
    closed = ("/var/cpanel/mgmt_queue", "/var/cpanel/locks")
    for path in closed:
        files.folder(layout.at(path), mode=0o700)
    for path in ("/home", "/var/cpanel/userdata", "/var/cpanel/users"):
        files.folder(layout.at(path), mode=0o711)
    for path in ("/var/cpanel/suspended", "/run/apache2", "/usr/local/cpanel/logs"):
        files.folder(layout.at(path))
    files.folder(layout.logs / "domlogs", mode=0o711)
    files.folder(layout.logs, mode=0o711)
    for kind in ("std", "ssl"):
        files.folder(layout.include_tree / kind / "2_4")
    files.folder(layout.at("/usr/local/cpanel/scripts"))
    layout.at("/scripts").symlink_to(layout.at("/usr/local/cpanel/scripts"))
    (layout.server_root / "modules").symlink_to(MODULES)


def _lay_easyapache(layout: Layout) -> None:
    root = layout.server_root
    places = {
        "dir_base": root,
        "dir_logs": layout.logs,
        "dir_domlogs": layout.logs / "domlogs",
        "dir_modules": root / "modules",
        "dir_run": layout.pid_file.parent,
        "dir_conf": root / "conf.d",
        "dir_conf_includes": layout.includes,
        "dir_conf_userdata": layout.include_tree,
        "dir_docroot": layout.at("/var/www/html"),
        "file_access_log": layout.logs / "access_log",
        "file_error_log": layout.logs / "error_log",
        "file_conf": layout.httpd_conf,
        "file_conf_mime_types": root / "conf/mime.types",
        "file_conf_srm_conf": root / "conf.d/srm.conf",
        "file_conf_php_conf": root / "conf.d/php.conf",
        "bin_httpd": layout.at("/usr/sbin/httpd"),
        "bin_apachectl": layout.at("/usr/sbin/apachectl"),
        "bin_suexec": layout.at("/usr/sbin/suexec"),
    }
    text = "".join(f"{name}={path}\n" for name, path in places.items())
    files.lay(layout.at("/etc/cpanel/ea4/paths.conf"), text)
    files.lay(layout.at("/etc/cpanel/ea4/is_ea4"), "")
    files.lay(root / "conf/mime.types", MIME_TYPES)
    for name in LOADED:
        line = f"LoadModule {name}_module {root / 'modules'}/mod_{name}.so\n"
        number = "000" if name.startswith("mpm") else "500"
        files.lay(root / f"conf.modules.d/{number}_mod_{name}.conf", line)


def _lay_settings(layout: Layout, http_port: int, https_port: int) -> None:
    settings = f"""apache_port=0.0.0.0:{http_port}
apache_ssl_port=0.0.0.0:{https_port}
autodiscover_proxy_subdomains=1
min_time_between_apache_graceful_restarts=10
permit_appconfig_entries_without_acls=0
permit_appconfig_entries_without_features=0
permit_unregistered_apps_as_reseller=0
permit_unregistered_apps_as_root=0
proxysubdomains=1
"""
    files.lay(layout.at("/var/cpanel/cpanel.config"), settings)
    basics = f"ADDR {ADDRESS}\nCONTACTEMAIL root@{HOSTNAME}\nHOMEDIR {layout.at('/home')}\n"
    files.lay(layout.at("/etc/wwwacct.conf"), f"{basics}HOST {HOSTNAME}\n")
    files.lay(layout.at("/etc/ips"), f"{DEDICATED_ADDRESS}:255.0.0.0:127.255.255.255\n")
    files.lay(layout.at("/usr/local/cpanel/version"), "11.134.0.9\n")
    files.lay(layout.at("/var/cpanel/resellers"), "")
    system = f"root:x:0:0:root:/root:/bin/bash\nnobody:x:{NOBODY}:{NOBODY}:nobody:/:/sbin/nologin\n"
    # The plugin's own user, which its installer makes.
    system += f"origin-pulls:x:{WEB_USER}:{WEB_USER}:Origin Pulls:/:/sbin/nologin\n"
    files.lay(layout.at("/etc/passwd"), system)
    files.lay(
        layout.at("/etc/group"), f"root:x:0:\nnobody:x:{NOBODY}:\norigin-pulls:x:{WEB_USER}:\n"
    )
    # The plugin's own setting: visitors arrive at this port, so nothing stands before Apache.
    files.lay(layout.at("/etc/origin-pulls/config.yaml"), f"public_https_port: {https_port}\n")


def _lay_includes(layout: Layout) -> None:
    trusted = "".join(f"    RemoteIPTrustedProxy {network}\n" for network in CLOUDFLARE)
    files.lay(
        layout.includes / "cloudflare.conf",
        f"<IfModule remoteip_module>\n    RemoteIPHeader CF-Connecting-IP\n{trusted}</IfModule>\n",
    )
    errors = "".join(f"ErrorDocument {code} /{code}.shtml\n" for code in (401, 403, 404, 500))
    files.lay(layout.includes / "errordocument.conf", errors)
    files.lay(layout.includes / "account_suspensions.conf", "# No account is suspended.\n")
    files.lay(
        layout.server_root / "conf.d/charset.conf",
        "# A package's own settings.\nAddDefaultCharset Off\n",
    )


def _lay_pages(layout: Layout) -> None:
    files.lay(layout.at("/var/www/html/index.html"), f"<p>default page of {HOSTNAME}</p>\n")
    pages = {
        "suspendedpage": "Account Suspended",
        "autodiscover": "autodiscover of the server",
    }
    for name, said in pages.items():
        script = f"#!/bin/sh\nprintf 'Content-Type: text/html\\r\\n\\r\\n<p>{said}</p>\\n'\n"
        files.lay(layout.at(f"/usr/local/cpanel/cgi-sys/{name}.cgi"), script, mode=0o755)


def _lay_certificates(layout: Layout, authority: Authority) -> None:
    key = certificates.new_key()
    combined = authority.combined([HOSTNAME, ADDRESS], key)
    for name in ("mycpanel", "cpanel"):
        files.lay(layout.at(f"/var/cpanel/ssl/cpanel/{name}.pem"), combined, mode=0o640)
    files.lay(layout.certificate(HOSTNAME), combined, mode=0o640)


def _lay_hostname(layout: Layout, http_port: int, https_port: int) -> None:
    """The server's own name is a vhost of the user ``nobody``."""
    folder = files.folder(layout.userdata / "nobody", mode=0o750)
    root = layout.at("/var/www/html")
    common = f"""documentroot: {root}
group: nobody
hascgi: 0
homedir: {root}
ip: {ADDRESS}
owner: root
port: %d
serveradmin: root@{HOSTNAME}
serveralias: ''
servername: {HOSTNAME}
usecanonicalname: 'Off'
user: nobody
userdirprotect: ''
"""
    main = f"addon_domains: {{}}\nmain_domain: {HOSTNAME}\nparked_domains: []\nsub_domains: []\n"
    files.lay(folder / "main", "---\n" + main, mode=0o640)
    files.lay(folder / HOSTNAME, "---\n" + common % http_port, mode=0o640)
    files.lay(folder / f"{HOSTNAME}_SSL", "---\n" + common % https_port + "ssl: 1\n", mode=0o640)
