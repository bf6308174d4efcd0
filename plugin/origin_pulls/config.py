"""Every path, program, address and limit of the product, in one frozen value."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from urllib.parse import urlsplit

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
    systemctl_program: Path = Path("/usr/bin/systemctl")
    sendmail_program: Path = Path("/usr/sbin/sendmail")

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
    panic_lock: Path = Path("/var/lib/origin-pulls/panic.lock")

    # the pages
    admin_socket: Path = Path("/run/origin-pulls/admin/web.sock")
    account_socket: Path = Path("/run/origin-pulls/account/web.sock")
    web_user: str = "origin-pulls"
    pages_directory: Path = Path("/var/lib/origin-pulls-web")
    page_threads: int = 16
    page_body_bytes: int = 1024 * 1024
    page_burst: int = 60
    page_rate: float = 10.0
    page_wait: float = 5.0
    page_answer: float = 10.0  # after which a long look goes on and is asked for again
    page_patience: float = 25.0  # less than a panel's bridge has, so that a page can say why
    page_silence: float = 8.0
    page_arrival: float = 15.0  # seconds for a whole request, however it drips
    form_hours: float = 12.0
    staged_most: int = 10_000
    facts_for: float = 300.0
    # what the agent asks of cPanel for the pages, and does by itself
    resellers: Path = Path("/var/cpanel/resellers")
    feature_timeout: float = 5.0
    feature_cache: float = 30.0
    inventory_every: float = 30.0
    revert_every: float = 2.0
    # Cloudflare: tokens
    tokens_directory: Path = Path("/etc/origin-pulls/tokens")
    tokens_lock: Path = Path("/var/lib/origin-pulls/tokens.lock")
    # what follows the panel's life, and what a panel's update may break
    spool_directory: Path = Path("/var/lib/origin-pulls/spool")
    cpanel_userdata: Path = Path("/var/cpanel/userdata")
    release: Path = Path("/opt/origin-pulls/current")
    installation_under_way: Path = Path("/opt/origin-pulls/under-way")
    installation_lock: Path = Path("/run/origin-pulls.install.lock")
    program_link: Path = Path("/usr/local/bin/origin-pulls")
    units_directory: Path = Path("/etc/systemd/system")
    tmpfiles: Path = Path("/etc/tmpfiles.d/origin-pulls.conf")
    logrotate: Path = Path("/etc/logrotate.d/origin-pulls")
    completion: Path = Path("/etc/bash_completion.d/origin-pulls")
    manual: Path = Path("/usr/local/share/man/man8/origin-pulls.8")
    whm_pages: Path = Path("/usr/local/cpanel/whostmgr/docroot/cgi/addons/originpulls")
    whm_icons: Path = Path("/usr/local/cpanel/whostmgr/docroot/addon_plugins")
    whm_templates: Path = Path("/usr/local/cpanel/whostmgr/docroot/templates")
    whm_features: Path = Path("/usr/local/cpanel/whostmgr/addonfeatures")
    jupiter: Path = Path("/usr/local/cpanel/base/frontend/jupiter")
    hook: Path = Path("/usr/local/cpanel/3rdparty/bin/origin-pulls-hook")
    cagefs_mounts: Path = Path("/etc/cagefs/cagefs.mp")
    cagefs_program: Path = Path("/usr/sbin/cagefsctl")
    register_program: Path = Path("/usr/local/cpanel/bin/register_appconfig")
    hooks_program: Path = Path("/usr/local/cpanel/bin/manage_hooks")
    tile_program: Path = Path("/usr/local/cpanel/scripts/install_plugin")
    sprite_program: Path = Path("/usr/local/cpanel/bin/sprite_generator")
    account_socket_directory: Path = Path("/run/origin-pulls/account")

    # Cloudflare's side: who goes on there holds this lock
    edge_lock: Path = Path("/var/lib/origin-pulls/edge.lock")

    # the CA of Cloudflare's shared certificate, where another than the shipped one is meant
    shared_ca: Path = Path("/etc/origin-pulls/shared-ca.pem")

    # what a setting may change
    public_https_port: int = 443
    certificate_years: int = 10
    answer_timeout: float = 10.0
    proof_patience: float = 60.0
    visitor_patience: float = 4.0
    lock_patience: float = 600.0
    cloudflare_api: str = "https://api.cloudflare.com/client/v4"

    dns_over_https: str = "https://cloudflare-dns.com/dns-query"
    edge_port: int = 443
    # who is written to when something happened by itself; empty: nobody
    notify: str = "root"
    letters_every: float = 60.0
    letter_timeout: float = 60.0

    # Cloudflare's side: how often it is asked, how long it is waited for, how often proven
    edge_patience: float = 900.0
    edge_poll: float = 5.0
    edge_poll_later: float = 15.0
    edge_rounds: int = 3
    edge_round_pause: float = 10.0
    edge_names: int = 8
    log_patience: float = 5.0
    watch_every: float = 300.0
    watch_longest: float = 240.0
    name_states_every: float = 60.0
    name_states_age: float = 3600.0
    name_states_at_once: int = 20
    # one look at names: how long it may take, how many it asks for, and for how long it counts
    names_patience: float = 5.0
    names_most: int = 200
    names_fresh: float = 60.0
    renew_days: int = 30
    ranges_every: float = 86400.0

    # limits
    program_timeout: float = 600.0
    bystanders: int = 3
    wish_bytes: int = 4 * 1024 * 1024
    source_bytes: int = 256 * 1024 * 1024
    gather_window: float = 0.15
    gather_longest: float = 5.0
    panic_patience: float = 20.0  # less than page_patience, so that the page says what came of it
    # how many seconds of waiting one account's sites may cost a run: before it, and in its proof
    # (beyond a second for each request)
    slow_before: float = 20.0
    slow_in_proof: float = 120.0
    witness_patience: float = 2.0  # a bystander that takes longer is no witness
    settled_patience: float = 15.0  # for what was taken back, once Apache has read it
    look_again_every: float = 60.0
    cleaning_patience: float = 30.0
    spool_files: int = 5000

    # Cloudflare's API and DNS
    edge_connect_timeout: float = 5.0
    edge_read_timeout: float = 30.0
    edge_pause: float = 5.0
    # who holds the edge's lock waits no longer for one token, and for one answer
    edge_longest_wait: float = 4.0
    edge_longest_answer: float = 10.0
    dns_timeout: float = 10.0

    @classmethod
    def at(cls, root: Path) -> Config:
        """The configuration of the server whose files lie below ``root`` (``/`` for this one).

        A server below another root (a sandbox) asks nobody's DNS but whose its settings name: its
        names are not those of the world. Raises ``Unusable`` when the settings file there cannot
        be understood.
        """
        root = root.resolve()
        defaults = cls() if root == Path("/") else cls(dns_over_https="")
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
    "visitor_patience": (float, 0.5, 600),
    "lock_patience": (float, 0, 86400),
    "edge_pause": (float, 0.05, 600),
    "edge_patience": (float, 10, 86400),
    "edge_poll": (float, 0.05, 600),
    "edge_poll_later": (float, 0.05, 600),
    "edge_rounds": (int, 1, 100),
    "edge_round_pause": (float, 0.05, 600),
    "watch_every": (float, 1, 86400),
    "renew_days": (int, 1, 365),
    "edge_port": (int, 1, 65535),
}

ADDRESS = re.compile(r"https?://[A-Za-z0-9._:/\[\]-]+")
# Settings that are addresses: https, or http on a loopback address (a sandbox).
ADDRESSES = ("cloudflare_api", "dns_over_https")
# A local user, or an address: nothing that a mail program could take for an option or a list.
ADDRESSEE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}(@[A-Za-z0-9][A-Za-z0-9.-]{0,252})?")
NOTIFY, NOBODY = "notify", "none"
# All that config.yaml may hold.
KNOWN = (*SETTINGS, *ADDRESSES, NOTIFY)


def read_settings(text: bytes, where: str) -> dict[str, int | float | str]:
    """The settings of a ``config.yaml`` by name; ``Unusable`` names the first one that is wrong."""
    try:
        given = yaml_text.load(text) or {}
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise Unusable(
            f"{where} is not YAML", hint="Compare it with docs/CONFIGURATION.md."
        ) from error
    if not isinstance(given, dict):
        raise Unusable(f"{where} must hold `name: value` lines", hint="See docs/CONFIGURATION.md.")
    return {name: _setting(name, value, where) for name, value in given.items()}


def _setting(name: object, value: object, where: str) -> int | float | str:
    if isinstance(name, str) and name in ADDRESSES:
        if not isinstance(value, str):
            raise Unusable(f"{where}: {name} must be an address", hint="https://…")
        return safe_address(value, f"{where}: {name}")
    if name == NOTIFY:
        if not isinstance(value, str) or not ADDRESSEE.fullmatch(value):
            raise Unusable(
                f"{where}: notify must be one address, or a user of this server",
                hint=f"root, you@example.com, or {NOBODY} for no mail.",
            )
        return "" if value == NOBODY else value
    if not isinstance(name, str) or name not in SETTINGS:
        raise Unusable(f"{where}: there is no setting {name!r}", hint=f"Known: {', '.join(KNOWN)}.")
    kind, least, most = SETTINGS[name]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Unusable(f"{where}: {name} must be a number", hint=f"{least:g} to {most:g}.")
    if not least <= value <= most:
        raise Unusable(f"{where}: {name} is {value}", hint=f"It may be {least:g} to {most:g}.")
    return kind(value)


def safe_address(url: str, what: str = "An address of Cloudflare's") -> str:
    """The address without its last slash: https, or http to this machine; else ``Unusable``."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        is_bare = bool(host) and not (parts.username or parts.query or parts.fragment)
        # A name, even localhost, is whatever a resolver makes of it.
        is_safe = parts.scheme == "https" or (
            parts.scheme == "http" and ipaddress.ip_address(host).is_loopback
        )
        is_good = is_bare and is_safe and parts.port != 0 and ADDRESS.fullmatch(url) is not None
    except ValueError:
        is_good = False
    if not is_good:
        raise Unusable(
            f"{what} must begin with https://",
            hint="http:// is for a sandbox on a loopback address such as 127.0.0.1.",
        )
    return url.rstrip("/")
