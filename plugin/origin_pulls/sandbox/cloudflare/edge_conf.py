"""nginx's configuration as the edge: rendered whole from what each of its places does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from origin_pulls.sandbox.cloudflare.access import EDGE_ADDRESSES, ELSEWHERE, Access
from origin_pulls.sandbox.cloudflare.presenting import Way
from origin_pulls.sandbox.layout import ADDRESS

# Whom nginx's worker runs as: not the user of Apache's children, who may be tenants' programs.
USER = "www-data"
# How a visitor's request goes on, by the zone's mode: over TLS and over plain HTTP.
SECURED = {"full": "secured", "strict": "verified", "origin_pull": "secured", "flexible": "plain"}
PLAIN = {"origin_pull": "secured", "": "none"}
STATIC = "css|js|png|jpg|jpeg|gif|svg|ico|webp|woff2"


@dataclass(frozen=True, slots=True)
class View:
    """What one place of the edge does: its ways, and the names that no wildcard may cover."""

    ways: tuple[Way, ...]
    direct: tuple[str, ...]

    @property
    def zones(self) -> frozenset[str]:
        """The zones that are served at all."""
        return frozenset(way.zone for way in self.ways)


@dataclass(frozen=True, slots=True)
class Renderer:
    """Renders the configuration of one sandbox's edge."""

    access: Access

    def text(self, views: Sequence[View]) -> str:
        """The whole file, for the view that each place has."""
        places = "".join(
            self._place(number, address, view)
            for number, (address, view) in enumerate(zip(EDGE_ADDRESSES, views, strict=True), 1)
        )
        return f"{self._head(views)}{places}{self._elsewhere()}}}\n"

    def _head(self, views: Sequence[View]) -> str:
        edge = self.access.edge
        temporary = "".join(
            f"    {kind}_temp_path {edge}/passing/{kind};\n"
            for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        zones = {zone for view in views for zone in view.zones}
        shown = {name: str(self.zone_file(zone)) for zone in zones for name in (zone, f"*.{zone}")}
        # In mode off there is no TLS at the edge: without a certificate no handshake comes about.
        # With two places of two minds the first one's word counts.
        shown |= {way.name: "none" for way in views[0].ways if way.mode == "off"}
        return f"""# Made by the sandbox, and replaced when the state of its Cloudflare changes.
user {USER};
worker_processes 1;
worker_shutdown_timeout 60s;
daemon off;
pid {edge}/nginx.pid;
error_log {edge}/error.log warn;
working_directory {edge};
events {{ worker_connections 1024; }}
http {{
    access_log off;
    server_tokens off;
    # A reload ends idle connections, and a visitor who uses one just then would lose a request.
    keepalive_timeout 0;
{temporary}    map_hash_max_size 65536;
    map_hash_bucket_size 256;
    client_max_body_size 0;
    ssl_protocols TLSv1.2 TLSv1.3;
    proxy_ssl_protocols TLSv1.2 TLSv1.3;
    proxy_ssl_server_name on;
    # A change of certificate shows in the next request.
    proxy_ssl_session_reuse off;
    proxy_ssl_trusted_certificate {self.access.layout.server_ca};
    proxy_http_version 1.1;
    proxy_next_upstream off;
    proxy_hide_header Upgrade;
    proxy_connect_timeout 5s;
    proxy_read_timeout 100s;
    proxy_cache_path {edge}/cache keys_zone=static:1m max_size=16m;
    proxy_cache_key $scheme$host$request_uri;
    proxy_cache_valid 200 10m;
    map $request_uri $cache {{ default off; "~*^[^?]+\\.({STATIC})(\\?|$)" static; }}
    map $upstream_cache_status $cache_status {{ "" DYNAMIC; default $upstream_cache_status; }}
    map $request_id $ray {{ "~^(?<short>.{{16}})" $short-SBX; }}
    add_header Server cloudflare always;
    add_header CF-Ray $ray always;
    add_header CF-Cache-Status $cache_status always;
{_map("$ssl_server_name", "$zone_file", shown, default="none")}"""

    def zone_file(self, zone: str) -> Path:
        """The edge's own certificate for a zone and all its names, with its key."""
        return self.access.edge / "zones" / f"{zone}.pem"

    def shown_file(self, certificate: str) -> Path:
        """What is presented to origins: an upload, or the shared CA's leaf, with its key."""
        return self.access.edge / "shown" / f"{certificate}.pem"

    def _place(self, number: int, address: str, view: View) -> str:
        masked = dict.fromkeys(view.direct, "")
        modes = masked | {way.name: way.mode for way in view.ways}
        shown = masked | {
            way.name: str(self.shown_file(way.certificate)) if way.certificate else ""
            for way in view.ways
        }
        origins = masked | {way.name: _bracketed(way.origin) for way in view.ways}
        asked = {way.name: way.asked for way in view.ways if way.asked}
        maps = (
            _map("$host", f"$mode{number}", modes),
            _map("$host", f"$shown{number}", shown),
            _map("$host", f"$origin{number}", origins),
            _map("$host", f"$asked{number}", asked, default="$host"),
            _map(f"$mode{number}", f"$secured{number}", SECURED, default="none", names=False),
            _map(f"$mode{number}", f"$plain{number}", PLAIN, default="plain", names=False),
        )
        access = self.access
        return f"""{"".join(maps)}    server {{
        listen {address}:{access.edge_port} ssl http2 default_server;
        ssl_certificate $zone_file;
        ssl_certificate_key $zone_file;
        if ($ssl_server_name != $host) {{ return 421; }}
        location / {{ rewrite ^ /.edge/$secured{number} last; }}
{self._locations(number, address)}    }}
    server {{
        listen {address}:{access.edge_http_port} default_server;
        location / {{ rewrite ^ /.edge/$plain{number} last; }}
{self._locations(number, address)}    }}
"""

    def _locations(self, number: int, address: str) -> str:
        https, http = self.access.https_port, self.access.http_port
        ways = {
            "plain": f"proxy_pass http://$origin{number}:{http}$request_uri;",
            "secured": f"proxy_pass https://$origin{number}:{https}$request_uri;",
            "verified": f"proxy_pass https://$origin{number}:{https}$request_uri;\n"
            "            proxy_ssl_verify on;",
        }
        blocks = "".join(
            f"        location = /.edge/{name} {{\n            internal;\n            {words}\n"
            f"            proxy_cache $cache;\n            set $way {name};\n        }}\n"
            for name, words in ways.items()
        )
        return f"""        proxy_bind {address};
        proxy_ssl_name $asked{number};
        proxy_ssl_certificate $shown{number};
        proxy_ssl_certificate_key $shown{number};
        proxy_set_header Host $asked{number};
        proxy_set_header Connection "";
        proxy_set_header CF-Connecting-IP $remote_addr;
        proxy_set_header CF-Ray $ray;
        proxy_set_header CF-Visitor '{{"scheme":"$scheme"}}';
        proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
        proxy_set_header X-Forwarded-Proto $scheme;
        error_page 502 504 = /.edge/failed;
        location = /.edge/none {{ internal; return 421; }}
{blocks}        location = /.edge/failed {{
            internal;
            set $began $upstream_connect_time;
            proxy_pass http://{ADDRESS}:{self.access.api_port}/sandbox/failure;
            proxy_bind off;
            proxy_method GET;
            proxy_pass_request_body off;
            proxy_set_header Host {ADDRESS};
            proxy_set_header Content-Length "";
            proxy_set_header Connection "";
            proxy_set_header X-Way $way;
            proxy_set_header X-Origin $origin{number};
            proxy_set_header X-Name $asked{number};
            proxy_set_header X-Began $began;
            proxy_set_header X-Status $status;
        }}
"""

    def _elsewhere(self) -> str:
        """Another server, which is no cPanel server: it answers whoever comes."""
        access = self.access
        return f"""    server {{
        listen {ELSEWHERE}:{access.https_port} ssl;
        listen {ELSEWHERE}:{access.http_port};
        ssl_certificate $zone_file;
        ssl_certificate_key $zone_file;
        add_header X-Server elsewhere;
        default_type text/plain;
        return 200 "another server\\n";
    }}
"""


def _map(
    source: str, target: str, rows: Mapping[str, str], *, default: str = "", names: bool = True
) -> str:
    lines = "".join(f'        "{name}" "{value}";\n' for name, value in sorted(rows.items()))
    kind = "        hostnames;\n" if names else ""
    return f'    map {source} {target} {{\n{kind}        default "{default}";\n{lines}    }}\n'


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address
