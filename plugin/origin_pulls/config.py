"""Every path, program, address and limit of the product, in one frozen value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path

import yaml

from origin_pulls import yaml_text
from origin_pulls.errors import Unusable


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """Where things are and how long they may take; ``Config.at(root)`` moves the whole server.

    Paths are those of cPanel & WHM with EasyApache 4. What a server says about itself
    (``paths.conf``, ``httpd.conf``) is never repeated here: it is read, and taken as it stands.
    Times are seconds, sizes bytes.
    """

    root: Path = Path("/")

    # cPanel's files
    paths_conf: Path = Path("/etc/cpanel/ea4/paths.conf")
    userdata_domains_json: Path = Path("/etc/userdatadomains.json")
    userdata_domains: Path = Path("/etc/userdatadomains")
    cpanel_users: Path = Path("/var/cpanel/users")
    cpanel_suspended: Path = Path("/var/cpanel/suspended")
    cpanel_config: Path = Path("/var/cpanel/cpanel.config")
    apache_templates: Path = Path("/var/cpanel/templates/apache2_4")
    apache_update_marker: Path = Path("/var/cpanel/mgmt_queue/apache_update_no_restart")
    passwd: Path = Path("/etc/passwd")
    ea_nginx_marker: Path = Path("/etc/nginx/ea-nginx/cpanel_localhost_header.json")
    litespeed_program: Path = Path("/usr/local/lsws/bin/lshttpd")

    # cPanel's programs
    rebuild_program: Path = Path("/usr/local/cpanel/scripts/rebuildhttpdconf")
    restart_program: Path = Path("/usr/local/cpanel/scripts/restartsrv_httpd")
    whmapi_program: Path = Path("/usr/local/cpanel/bin/whmapi1")

    # the system's programs
    systemd_run_program: Path = Path("/usr/bin/systemd-run")

    # our own
    settings_file: Path = Path("/etc/origin-pulls/config.yaml")
    trust_directory: Path = Path("/etc/origin-pulls/trust")
    keys_directory: Path = Path("/etc/origin-pulls/keys")
    probe_directory: Path = Path("/etc/origin-pulls/keys/probe")
    cloudflare_ranges: Path = Path("/etc/origin-pulls/cloudflare-ranges.json")
    state_directory: Path = Path("/var/lib/origin-pulls")
    store: Path = Path("/var/lib/origin-pulls/store.sqlite")
    journal: Path = Path("/var/lib/origin-pulls/journal")
    run_directory: Path = Path("/run/origin-pulls")
    agent_socket: Path = Path("/run/origin-pulls/agent/agent.sock")
    agent_lock: Path = Path("/var/lib/origin-pulls/agent.lock")
    work_lock: Path = Path("/var/lib/origin-pulls/work.lock")

    # what a setting may change
    public_https_port: int = 443
    certificate_years: int = 10
    answer_timeout: float = 10.0
    proof_patience: float = 60.0
    lock_patience: float = 600.0
    cloudflare_api: str = "https://api.cloudflare.com/client/v4"

    # limits
    program_timeout: float = 600.0
    bystanders: int = 3
    wish_bytes: int = 4 * 1024 * 1024
    source_bytes: int = 256 * 1024 * 1024
    gather_window: float = 0.15
    gather_longest: float = 5.0
    panic_patience: float = 30.0

    @classmethod
    def at(cls, root: Path) -> Config:
        """The configuration of the server whose files lie below ``root`` (``/`` for this one).

        Raises ``Unusable`` when the settings file there cannot be understood.
        """
        root = root.resolve()
        defaults = cls()
        moved = {
            field.name: root / value.relative_to("/")
            for field in fields(cls)
            if isinstance(value := getattr(defaults, field.name), Path)
        }
        return replace(defaults, **moved).with_settings()  # type: ignore[arg-type]

    def with_settings(self) -> Config:
        """This configuration with what ``config.yaml`` changes, or itself where there is none."""
        try:
            text = self.settings_file.read_bytes()
        except FileNotFoundError:
            return self
        except OSError as error:
            raise Unusable(
                f"{self.settings_file} cannot be read: {error.strerror}", hint="Run this as root."
            ) from error
        return replace(self, **read_settings(text, str(self.settings_file)))  # type: ignore[arg-type]


SETTINGS: Mapping[str, tuple[type[int] | type[float], float, float]] = {
    "public_https_port": (int, 1, 65535),
    "certificate_years": (int, 1, 30),
    "answer_timeout": (float, 1, 120),
    "proof_patience": (float, 1, 600),
    "lock_patience": (float, 0, 86400),
}


def read_settings(text: bytes, where: str) -> dict[str, int | float]:
    """The settings of a ``config.yaml`` by name; ``Unusable`` names the first one that is wrong."""
    try:
        given = yaml_text.load(text) or {}
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise Unusable(
            f"{where} is not YAML", hint="Compare it with docs/CONFIGURATION.md."
        ) from error
    if not isinstance(given, dict):
        raise Unusable(f"{where} must hold `name: value` lines", hint="See docs/CONFIGURATION.md.")
    found: dict[str, int | float] = {}
    for name, value in given.items():
        if name not in SETTINGS:
            raise Unusable(
                f"{where}: there is no setting {name!r}", hint=f"Known: {', '.join(SETTINGS)}."
            )
        kind, least, most = SETTINGS[name]
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise Unusable(f"{where}: {name} must be a number", hint=f"{least:g} to {most:g}.")
        if not least <= value <= most:
            raise Unusable(f"{where}: {name} is {value}", hint=f"It may be {least:g} to {most:g}.")
        found[name] = kind(value)
    return found
