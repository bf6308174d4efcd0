"""Generates httpd.conf in EasyApache 4's order, from what lies on disk at this moment."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from origin_pulls.sandbox import server_settings, service_names, switches, templates, userdata
from origin_pulls.sandbox.include_lines import IncludeTree
from origin_pulls.sandbox.layout import Layout
from origin_pulls.sandbox.server_settings import ServerSettings
from origin_pulls.sandbox.userdata import Owned
from origin_pulls.sandbox.vhost_blocks import Builder

GLOBAL_INCLUDES = (
    "pre_main_global",
    "pre_main_2",
    "pre_virtualhost_global",
    "pre_virtualhost_2",
    "post_virtualhost_global",
    "post_virtualhost_2",
)
OWN_INCLUDES = ("cloudflare", "account_suspensions", "errordocument")
SERVICE_CERTIFICATE = "/var/cpanel/ssl/cpanel/mycpanel.pem"


def render(layout: Layout) -> str:
    """The text of a new httpd.conf; ``Refused`` where userdata or templates do not allow one."""
    settings = server_settings.read(layout)
    positions = switches.read(layout)
    builder = Builder(layout, settings, positions, IncludeTree(layout), {})
    owned = sorted(userdata.read_all(layout), key=lambda one: one.main_domain)
    values = {
        "scripts": str(layout.at("/usr/local/cpanel/scripts")),
        "server_root": str(layout.server_root),
        "run": str(layout.pid_file.parent),
        "homes": str(layout.at("/home")),
        "cgi_sys": str(layout.at("/usr/local/cpanel/cgi-sys")),
        "hostname": settings.hostname,
        "logs": str(layout.logs),
        "listen": _listen(settings, settings.http_port),
        "listen_ssl": _listen(settings, settings.https_port, indent="    "),
        "default_vhosts": _default_vhosts(layout, settings),
        "http_vhosts": "\n".join(_http_vhosts(builder, owned)),
        "https_vhosts": "\n".join(_https_vhosts(builder, owned)),
        "service_vhosts": _service_vhosts(layout, settings, positions),
        "hostname_vhost": _hostname_vhost(builder),
        **_includes(layout),
    }
    return templates.fill(templates.read(layout, "ea4_main"), values)


def _includes(layout: Layout) -> dict[str, str]:
    """The global includes: a line where the file exists now, else how to make one."""
    found = {}
    for name in GLOBAL_INCLUDES:
        path = layout.includes / f"{name}.conf"
        customize = f'# Create "{path}" if you want to customize httpd.conf.'
        found[f"include_{name}"] = f'Include "{path}"' if path.exists() else customize
    for name in OWN_INCLUDES:
        path = layout.includes / f"{name}.conf"
        found[f"include_{name}"] = f'Include "{path}"' if path.exists() else ""
    return found


def _listen(settings: ServerSettings, port: int, *, indent: str = "") -> str:
    # cPanel listens on 0.0.0.0; a sandbox must not be reached from other machines.
    return "\n".join(f"{indent}Listen {address}:{port}" for address in settings.addresses)


def _default_vhosts(layout: Layout, settings: ServerSettings) -> str:
    """Who answers an unknown name on the plain port, and on any other address."""
    body = f"""  ServerName {settings.hostname}
  DocumentRoot {layout.at("/var/www/html")}
  ServerAdmin root@{settings.hostname}
  UserDir disabled
</VirtualHost>
"""
    return (
        f"<VirtualHost {settings.shared_address}:{settings.http_port}>\n{body}\n"
        f"<VirtualHost *>\n{body}"
    )


def _http_vhosts(builder: Builder, accounts: Sequence[Owned]) -> Iterable[str]:
    pairs = [(one, record) for one in accounts for record in one.vhosts.values()]
    for one, record in sorted(pairs, key=lambda pair: _order(pair[1]["servername"])):
        yield builder.vhost(one, record)


def _https_vhosts(builder: Builder, accounts: Sequence[Owned]) -> Iterable[str]:
    pairs = [(one, record) for one in accounts for record in one.ssl_vhosts.values()]
    for one, record in sorted(pairs, key=lambda pair: _order(pair[1]["servername"])):
        yield builder.ssl_vhost(one, record)


def _order(server_name: str) -> tuple[bool, str]:
    """Wildcards last: Apache takes the first vhost in the file whose names match."""
    return server_name.startswith("_wildcard_"), server_name


def _service_vhosts(layout: Layout, settings: ServerSettings, positions: switches.Switches) -> str:
    """The vhosts that catch the service names of every domain: plain, then SSL."""
    if not settings.has_service_names:
        return ""
    aliases = " ".join(f"{label}.*" for label in service_names.labels(for_reseller=True))
    rules = service_names.shared_rewrites(settings.http_port, positions)
    root = layout.at("/var/www/html")
    address = settings.shared_address
    return f"""<VirtualHost {address}:{settings.http_port}>
  ServerName proxy-subdomains-vhost.localhost
  ServerAlias {aliases}
  DocumentRoot {root}
  UserDir disabled
{rules}
</VirtualHost>

<VirtualHost {address}:{settings.https_port}>
  ServerName {settings.hostname}
  ServerAlias {aliases}
  DocumentRoot {root}
  UserDir disabled
  <IfModule ssl_module>
    SSLEngine on
    SSLCertificateFile {layout.at(SERVICE_CERTIFICATE)}
  </IfModule>
{rules}
</VirtualHost>
"""


def _hostname_vhost(builder: Builder) -> str:
    """The server's own name, of the user nobody: the last vhost of the file."""
    owned = userdata.read(builder.layout, "nobody")
    return "\n".join(builder.ssl_vhost(owned, record) for record in owned.ssl_vhosts.values())
