"""The templates that httpd.conf is generated from, and the little language they are written in.

``[% name %]`` stands for a value. A line whose placeholders all are empty is left out, and a
value may have many lines. A ``.local`` twin beside a ``.default`` takes its place.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from origin_pulls.errors import Refused
from origin_pulls.sandbox import files
from origin_pulls.sandbox.layout import Layout

PLACEHOLDER = re.compile(r"\[%\s*(\w+)\s*%\]")

MAIN = """\
#   DO NOT EDIT. AUTOMATICALLY GENERATED.
#
#   Change it by the includes named below, then run [% scripts %]/rebuildhttpdconf.

Include "[% server_root %]/conf.modules.d/*.conf"

[% include_pre_main_global %]
[% include_pre_main_2 %]

ServerRoot "[% server_root %]"
DefaultRuntimeDir "[% run %]"
PidFile "[% run %]/httpd.pid"
User nobody
Group "#65534"
ServerAdmin root@[% hostname %]
ServerName [% hostname %]
ServerTokens ProductOnly
ServerSignature Off
TraceEnable Off
FileETag None
UseCanonicalName Off
Timeout 300
KeepAlive On
KeepAliveTimeout 5
StartServers 2
ServerLimit 8
ThreadsPerChild 25
MinSpareThreads 25
MaxSpareThreads 75
MaxRequestWorkers 100
Protocols h2 http/1.1
TypesConfig "[% server_root %]/conf/mime.types"
AddType text/html .shtml
DirectoryIndex index.html
AddHandler cgi-script .cgi .pl

<Directory "/">
    AllowOverride All
    Options ExecCGI FollowSymLinks Indexes
</Directory>
<Files ~ "^\\.ht">
    Require all denied
</Files>
UserDir "[% homes %]/*/public_html"
ScriptSock "[% run %]/cgisock"
ScriptAlias /cgi-sys/ "[% cgi_sys %]/"
<Directory "[% cgi_sys %]">
    AllowOverride None
    Options ExecCGI
    Require all granted
</Directory>

[% include_cloudflare %]

ErrorLog "[% logs %]/error_log"
LogLevel warn
LogFormat "%h %l %u %t \\"%r\\" %>s %b \\"%{Referer}i\\" \\"%{User-Agent}i\\"" combined
LogFormat "%h %l %u %t \\"%r\\" %>s %b" common
CustomLog "[% logs %]/access_log" common

[% listen %]

<IfModule ssl_module>
    SSLProtocol -all +TLSv1.2 +TLSv1.3
    SSLPassPhraseDialog builtin
    SSLSessionCache "shmcb:[% run %]/ssl_gcache_data(1024000)"
    SSLSessionCacheTimeout 300
[% listen_ssl %]
</IfModule>

Include "[% server_root %]/conf.d/*.conf"
[% include_account_suspensions %]
[% include_errordocument %]

[% include_pre_virtualhost_global %]
[% include_pre_virtualhost_2 %]

[% default_vhosts %]

# BEGIN: HTTP vhosts list

[% http_vhosts %]

# END: HTTP vhosts list

# BEGIN: HTTPS vhosts list

[% https_vhosts %]

# END: HTTPS vhosts list

[% service_vhosts %]

[% include_post_virtualhost_global %]
[% include_post_virtualhost_2 %]

# Domain forwarding: none

[% hostname_vhost %]
"""

VHOST = """\
<VirtualHost [% address %]>
  ServerName [% servername %]
  ServerAlias [% serveralias %]
  DocumentRoot [% documentroot %]
  ServerAdmin [% serveradmin %]
  UseCanonicalName [% usecanonicalname %]
[% options %]

[% logs %]
  ## User [% user %] # Needed for Cpanel::ApacheConf
[% user_dir %]
[% script_alias %]

[% include_lines %]

  # To customize this VirtualHost use an include file at the following location
  # Include "[% include_directory %]/*.conf"
</VirtualHost>
"""

SSL_VHOST = """\
<VirtualHost [% address %]>
  ServerName [% servername %]
  ServerAlias [% serveralias %]
  DocumentRoot [% documentroot %]
  ServerAdmin [% serveradmin %]
  UseCanonicalName [% usecanonicalname %]
[% options %]

[% logs %]
  ## User [% user %] # Needed for Cpanel::ApacheConf
[% user_dir %]
[% script_alias %]

  <IfModule ssl_module>
    SSLEngine on
[% certificate %]
    SSLUseStapling off
[% cgi_ssl_options %]
  </IfModule>

[% include_lines %]

  # To customize this VirtualHost use an include file at the following location
  # Include "[% include_directory %]/*.conf"

[% service_rewrites %]
</VirtualHost>
"""

DEFAULTS = {"ea4_main": MAIN, "vhost": VHOST, "ssl_vhost": SSL_VHOST}


def lay(layout: Layout) -> None:
    """Put the default templates where cPanel has them."""
    for name, text in DEFAULTS.items():
        files.lay(layout.templates / f"{name}.default", text)


def read(layout: Layout, name: str, custom: str = "") -> str:
    """The template in force: the vhost's own, else an administrator's ``.local``, else ours."""
    local = layout.templates / f"{name}.local"
    candidates = [Path(custom)] if custom else []
    candidates += [local, layout.templates / f"{name}.default"]
    for path in candidates:
        if path.is_file():
            return path.read_text()
    raise Refused(f"There is no template {name} in {layout.templates}", hint="Reset the sandbox.")


def fill(template: str, values: Mapping[str, str]) -> str:
    """Put the values in; ``Refused`` names a placeholder that means nothing."""
    return "\n".join(_filled(template.split("\n"), values))


def _filled(lines: list[str], values: Mapping[str, str]) -> list[str]:
    written = []
    for line in lines:
        named = PLACEHOLDER.findall(line)
        if unknown := [name for name in named if name not in values]:
            raise Refused(f"The template has no value for [% {unknown[0]} %]")
        if not named:
            written.append(line)
        elif any(values[name] for name in named):
            written.append(PLACEHOLDER.sub(lambda found: values[found[1]], line))
    return written
