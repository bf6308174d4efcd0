"""Where everything of a sandbox lies: cPanel's paths, moved below one directory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

ADDRESS = "127.0.0.1"
DEDICATED_ADDRESS = "127.0.0.2"
HOSTNAME = "server.sandbox.example"
FIRST_UID = 61001
WEB_USER = 60999  # uid and gid of the user that serves the plugin's pages
# Apache's children run as nobody; its group has other names on other systems, the number is one.
NOBODY = 65534


@dataclass(frozen=True, slots=True)
class Layout:
    """The paths of one sandbox; ``at`` moves any path of a cPanel server into it."""

    directory: Path

    def at(self, path: str) -> Path:
        """Where ``path``, as a cPanel server has it, lies in this sandbox."""
        return self.directory / path.lstrip("/")

    @property
    def marker(self) -> Path:
        """The sandbox's own state; where it is, the directory is ours and may be deleted."""
        return self.directory / "sandbox.json"

    @property
    def begun_marker(self) -> Path:
        """Where the next state is written before it takes the marker's place."""
        return self.marker.with_suffix(".new")

    @property
    def switches(self) -> Path:
        """Which of the behaviours that nobody documented this sandbox shows."""
        return self.directory / "sandbox-switches.json"

    @property
    def server_ca(self) -> Path:
        """The certificate authority that signed every site's certificate here."""
        return self.directory / "sandbox-ca.pem"

    @property
    def server_ca_key(self) -> Path:
        """That authority's key."""
        return self.directory / "sandbox-ca.key"

    @property
    def httpd_conf(self) -> Path:
        """Apache's generated configuration."""
        return self.at("/etc/apache2/conf/httpd.conf")

    @property
    def server_root(self) -> Path:
        """Apache's ServerRoot."""
        return self.at("/etc/apache2")

    @property
    def includes(self) -> Path:
        """The global includes that cPanel writes or an administrator makes."""
        return self.at("/etc/apache2/conf.d/includes")

    @property
    def include_tree(self) -> Path:
        """The vhosts' own includes (``userdata`` in ``conf.d``)."""
        return self.at("/etc/apache2/conf.d/userdata")

    @property
    def logs(self) -> Path:
        """Apache's logs."""
        return self.at("/etc/apache2/logs")

    @property
    def pid_file(self) -> Path:
        """The number of Apache's parent process."""
        return self.at("/run/apache2/httpd.pid")

    @property
    def userdata(self) -> Path:
        """cPanel's records: a folder for each account, a file for each vhost."""
        return self.at("/var/cpanel/userdata")

    @property
    def users(self) -> Path:
        """cPanel's accounts, a file each."""
        return self.at("/var/cpanel/users")

    @property
    def templates(self) -> Path:
        """The templates that httpd.conf is generated from."""
        return self.at("/var/cpanel/templates/apache2_4")

    @property
    def update_marker(self) -> Path:
        """While this file exists Apache is being upgraded and must not be restarted."""
        return self.at("/var/cpanel/mgmt_queue/apache_update_no_restart")

    def certificate(self, server_name: str) -> Path:
        """The key, leaf and chain of a vhost in one file."""
        return self.at(f"/var/cpanel/ssl/apache_tls/{server_name}/combined")

    def home(self, user: str) -> Path:
        """An account's home directory."""
        return self.at(f"/home/{user}")
