"""One ``<VirtualHost>`` of an account, rendered by its template from its userdata."""

from __future__ import annotations

from dataclasses import dataclass

from origin_pulls.errors import Refused
from origin_pulls.sandbox import service_names, templates
from origin_pulls.sandbox.include_lines import IncludeTree
from origin_pulls.sandbox.layout import Layout
from origin_pulls.sandbox.server_settings import ServerSettings
from origin_pulls.sandbox.switches import Switches
from origin_pulls.sandbox.userdata import Owned, Record

CERTIFICATE_KEYS = (
    ("sslcertificatefile", "SSLCertificateFile"),
    ("sslcertificatekeyfile", "SSLCertificateKeyFile"),
    ("sslcacertificatefile", "SSLCACertificateFile"),
)


@dataclass(frozen=True, slots=True)
class Builder:
    """Renders vhosts with the templates, includes and settings of one moment."""

    layout: Layout
    settings: ServerSettings
    switches: Switches
    tree: IncludeTree
    texts: dict[str, str]

    def vhost(self, owned: Owned, record: Record) -> str:
        """The vhost on the plain port."""
        values = self._common(owned, record, "std", record.aliases)
        values["logs"] = _logs(record)
        return templates.fill(self._template("vhost", record), values)

    def ssl_vhost(self, owned: Owned, record: Record) -> str:
        """The SSL vhost, service names riding along; empty where it has no certificate."""
        certificate = self._certificate(record)
        if not certificate:
            return ""
        name = record["servername"]
        zones = owned.zones(name) if self.settings.has_service_names else []
        is_reseller = owned.user in self.settings.resellers
        services = service_names.names(zones, for_reseller=is_reseller)
        values = self._common(owned, record, "ssl", [*record.aliases, *services])
        log = self.layout.logs / "domlogs" / f"{name}-ssl_log"
        values["logs"] = f"  CustomLog {log} combined env=!isproxyrequest"
        values["certificate"] = certificate
        values["cgi_ssl_options"] = _cgi_ssl_options(record)
        values["service_rewrites"] = service_names.rewrites(
            zones,
            self.settings.https_port,
            self.settings.http_port,
            self.switches,
            for_reseller=is_reseller,
        )
        return templates.fill(self._template("ssl_vhost", record), values)

    def _common(
        self, owned: Owned, record: Record, kind: str, aliases: list[str]
    ) -> dict[str, str]:
        name, user = record["servername"], owned.user
        return {
            "address": f"{record['ip']}:{record['port']}",
            "servername": name,
            "serveralias": _aliases(aliases, self.switches.aliases),
            "documentroot": record["documentroot"],
            "serveradmin": record["serveradmin"],
            "usecanonicalname": record["usecanonicalname"],
            "options": _options(record),
            "user": user,
            "user_dir": _user_dir(record["userdirprotect"]),
            "script_alias": _script_alias(record),
            "include_lines": self.tree.lines(kind, user, record["owner"], [*aliases, name]),
            "include_directory": str(self.tree.directory(kind, user, name)),
        }

    def _template(self, name: str, record: Record) -> str:
        custom = record["custom_vhost_template_ap2"]
        if custom:
            return templates.read(self.layout, name, custom)
        if name not in self.texts:
            self.texts[name] = templates.read(self.layout, name)
        return self.texts[name]

    def _certificate(self, record: Record) -> str:
        old = [f"    {word} {record[key]}" for key, word in CERTIFICATE_KEYS if record[key]]
        if record["sslcertificatefile"]:
            return "\n".join(old)
        combined = self.layout.certificate(record["servername"])
        if not combined.is_file() or not combined.stat().st_size:
            if self.switches.missing_certificate == "fails":
                raise Refused(f"{combined} is missing or empty")
            return ""
        return "\n".join([f"    SSLCertificateFile {combined}", *old])


def _aliases(names: list[str], form: str) -> str:
    """The aliases; more than fit one line may be several directives or continued lines."""
    between = {"lines": "\n  ServerAlias ", "continued": " \\\n      "}.get(form, " ")
    groups = [names[start : start + 4] for start in range(0, len(names), 4)]
    return between.join(" ".join(group) for group in groups)


def _options(record: Record) -> str:
    if record["hascgi"] == "1":
        return ""
    return "  Options -ExecCGI -Includes\n  RemoveHandler cgi-script .cgi .pl"


def _logs(record: Record) -> str:
    return "\n".join(
        "  CustomLog {} {}".format(row["target"], _quoted(row["format"]))
        for row in record.rows("customlog")
    )


def _quoted(text: str) -> str:
    return text if text.isalnum() else '"{}"'.format(text.replace('"', '\\"'))


def _user_dir(protect: str) -> str:
    if protect == "-1":
        return ""
    return "  UserDir disabled" + (f"\n  UserDir enabled {protect}" if protect else "")


def _script_alias(record: Record) -> str:
    if record["hascgi"] != "1":
        return ""
    return "\n".join(f"  ScriptAlias {row['url']} {row['path']}/" for row in _scripts(record))


def _cgi_ssl_options(record: Record) -> str:
    return "\n".join(
        f'    <Directory "{row["path"]}">\n      SSLOptions +StdEnvVars\n    </Directory>'
        for row in _scripts(record)
    )


def _scripts(record: Record) -> list[dict[str, str]]:
    return [dict(row) for row in record.rows("scriptalias")]
