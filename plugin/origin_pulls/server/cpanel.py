"""Reads cPanel's own lists: domains, accounts, settings. It asks, it changes nothing."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote_plus

from origin_pulls.config import Config
from origin_pulls.errors import Refused
from origin_pulls.model import inventory, names
from origin_pulls.model.inventory import Account, Domain
from origin_pulls.model.reconciling import Life
from origin_pulls.server import commands, files

START_DATE = re.compile(rb"^STARTDATE=(\d+)\s*$", re.MULTILINE)
PORT = re.compile(rb"^apache_ssl_port=(?:.*:)?(\d+)\s*$", re.MULTILINE)


def read_domains(config: Config) -> tuple[list[Domain], list[str]]:
    """All domains of the server, and sentences about rows and files that could not be read.

    ``userdatadomains.json`` first, then its text twin, then ``whmapi1 get_domain_info``.
    Raises ``Refused`` when none of them can be read.
    """
    problems: list[str] = []
    for path, parse in (
        (config.userdata_domains_json, inventory.parse_domains_json),
        (config.userdata_domains, inventory.parse_domains),
    ):
        try:
            text = files.read(path, limit=config.source_bytes)
            domains, said = parse(text) if text else ([], [f"{path} is empty or missing"])
        except (OSError, ValueError, TypeError, RecursionError) as error:
            domains, said = [], [f"{path} cannot be read: {error}"]
        problems += said
        if domains:
            return domains, problems
    domains, said = inventory.parse_domain_info(whmapi(config, "get_domain_info"))
    if not domains:
        raise Refused(
            f"cPanel's list of domains cannot be read: {problems[0]}",
            hint="Run /usr/local/cpanel/scripts/updateuserdatacache and try again.",
        )
    return domains, problems + said


def whmapi(config: Config, function: str, *, timeout: float = 120, **given: str) -> object:
    """The ``data`` of a WHM API 1 call, ``None`` when it failed.

    Log lines may stand before the JSON, so it is read from the first brace on.
    """
    arguments = [f"{name}={quote_plus(value)}" for name, value in given.items()]
    ran = commands.run(
        [config.whmapi_program, "--output=json", function, *arguments], timeout=timeout
    )
    try:
        answer = json.loads(ran.output[ran.output.index("{") :])
    except (ValueError, RecursionError):
        return None
    metadata = answer.get("metadata") if isinstance(answer, dict) else None
    if not isinstance(metadata, dict) or str(metadata.get("result")) != "1":
        return None
    return answer.get("data")


def read_accounts(config: Config, users: Iterable[str]) -> dict[str, Account]:
    """Incarnation and suspension of these accounts.

    An account's user id and start date tell it from a later one of the same name.
    """
    numbers = _user_ids(config.passwd)
    found = {}
    for user in users:
        if not names.is_account(user):
            continue
        try:
            text = files.read(config.cpanel_users / user, limit=1024 * 1024) or b""
        except OSError:
            text = b""
        start = START_DATE.search(text)
        began = start[1].decode("ascii") if start else ""
        found[user] = Account(
            incarnation=f"{numbers.get(user, '')}-{began}",
            is_suspended=b"\nSUSPENDED=1" in b"\n" + text
            or (config.cpanel_suspended / user).exists(),
        )
    return found


def read_lives(config: Config) -> dict[str, Life]:
    """All accounts of the server as they are now, whether they have domains or not.

    Raises ``Refused`` when they cannot be listed: an account that is out of sight is not gone.
    """
    try:
        users = [entry.name for entry in config.cpanel_users.iterdir() if entry.is_file()]
        if files.read(config.passwd) is None:
            raise FileNotFoundError(config.passwd)
    except OSError as error:
        raise Refused(
            f"The accounts cannot be listed: {error}", hint="Run as root on the server itself."
        ) from error
    found = read_accounts(config, users)
    return {user: Life(*account.incarnation.split("-", 1)) for user, account in found.items()}


def is_traceless(config: Config, user: str, server_name: str) -> bool:
    """Whether the panel keeps no record of a vhost any more; ``False`` where that is unclear."""
    folder = config.cpanel_userdata / user
    return (folder / "main").is_file() and not (folder / server_name).exists()


def apache_ssl_port(config: Config) -> int:
    """The port that cPanel has set for Apache's HTTPS; 443 where it says nothing."""
    try:
        text = files.read(config.cpanel_config, limit=1024 * 1024) or b""
    except OSError:
        text = b""
    found = PORT.search(text)
    return int(found[1]) if found else 443


def front(config: Config) -> str:
    """The program that ends TLS before Apache, as far as files and settings show it; or empty."""
    if config.ea_nginx_marker.exists():
        return "ea-nginx"
    if config.litespeed_program.exists():
        return "LiteSpeed"
    port = apache_ssl_port(config)
    if port != config.public_https_port:
        return f"Something on port {config.public_https_port} (Apache's own HTTPS port is {port})"
    return ""


def sources(config: Config, httpd_conf: Path) -> list[Path]:
    """The files whose change makes an inventory stale."""
    return [
        config.userdata_domains_json,
        config.userdata_domains,
        httpd_conf,
        config.cpanel_users,
        config.cpanel_suspended,
        config.passwd,
    ]


def _user_ids(passwd: Path) -> dict[str, str]:
    try:
        text = files.read(passwd) or b""
    except OSError:
        return {}
    cells = (line.split(":") for line in text.decode("utf-8", "replace").splitlines())
    return {row[0]: row[2] for row in cells if len(row) > 2}
