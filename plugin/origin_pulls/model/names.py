"""The grammar of what strangers type: host names, accounts, paths, networks.

What passes here is safe to print into an Apache file; ``model/include.py`` relies on it and
checks it once more before it renders.
"""

from __future__ import annotations

import ipaddress
import re

from origin_pulls.errors import Unusable

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

# RFC 1123 labels; cPanel itself adds the underscore (`_wildcard_.example.com`).
HOST_NAME = re.compile(
    r"(?:\*\.)?(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
)
ACCOUNT = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_-]|\.(?!\.)){0,63}")
# A segment may begin with one dot (`/.well-known`), never be `.` or `..`.
PATH = re.compile(r"(?:/\.?[A-Za-z0-9_~@:+,=-][A-Za-z0-9._~@:+,=-]*)+/?")
# A file, or else a ServerName with an asterisk.
WILDCARD = re.compile(r"(?<!\S)/\S*|_wildcard_\.")
SHOWN = 80


def shown(text: str) -> str:
    """``text`` as it may be printed in a message: escaped, quoted and cut to a line."""
    quoted = ascii(text)
    return quoted if len(quoted) <= SHOWN else quoted[: SHOWN - 4] + "…'"


def host_name(text: str) -> str:
    """The host name in lower case and punycode, or ``Unusable``."""
    name = text.strip().rstrip(".").lower()
    if not name.isascii():
        try:
            name = name.encode("idna").decode("ascii")
        except UnicodeError as error:
            raise Unusable(f"{shown(text)} is not a host name", hint="Check it.") from error
    if len(name) > 253 or not HOST_NAME.fullmatch(name):
        raise Unusable(
            f"{shown(text)} is not a host name", hint="Type it like shop.example, without https://."
        )
    return name


def is_host_name(text: str) -> bool:
    """Whether ``text`` is a host name just as it stands."""
    return len(text) <= 253 and HOST_NAME.fullmatch(text) is not None


def is_account(text: str) -> bool:
    """Whether ``text`` can be a cPanel account's name, and therefore a folder's."""
    return ACCOUNT.fullmatch(text) is not None


def url_path(text: str) -> str:
    """The path prefix of an exemption without its last slash, or ``Unusable``."""
    if text.strip() == "/":
        raise Unusable(
            "The path / would exempt the whole site",
            hint="Name a folder such as /wp-json/, or switch the domain off.",
        )
    if len(text) > 512 or not PATH.fullmatch(text):
        raise Unusable(
            f"{shown(text)} cannot be an exempt path",
            hint="It starts with / and has letters, digits and . _ ~ @ : + , = - only; "
            "no .., no //, no spaces, no query.",
        )
    return text.rstrip("/")


def network(text: str) -> Network:
    """The source network of an exemption, or ``Unusable``; one address is a network too."""
    try:
        found = ipaddress.ip_network(text.strip())
    except ValueError as error:
        raise Unusable(f"{shown(text)} is not a network", hint=_meant_network(text)) from error
    if "%" in text:
        # An IPv6 zone: anything may stand behind the sign, and no network needs one.
        raise Unusable(f"{shown(text)} is not a network", hint="Leave out what follows the %.")
    if found.prefixlen == 0:
        raise Unusable(f"{found} is everybody", hint="Name the networks, or switch the domain off.")
    return found


def _meant_network(text: str) -> str:
    try:
        return f"Did you mean {ipaddress.ip_network(text.strip(), strict=False)}?"
    except ValueError:
        return "Type it like 192.0.2.0/24, 192.0.2.7 or 2001:db8::/32."


def domain(text: str) -> str:
    """ServerNames, alone or in a sentence, as people know the domains.

    cPanel writes ``_wildcard_`` where a domain has its asterisk; so does it in the names of files,
    which stay what they are.
    """
    return WILDCARD.sub(lambda found: found[0] if found[0][0] == "/" else "*.", text)


def matches(pattern: str, name: str) -> bool:
    """Whether Apache serves ``name`` under the ServerName or ServerAlias ``pattern``.

    ``*`` stands for any run of characters, dots included, as Apache's own matching does.
    """
    if not pattern.startswith("*."):
        return pattern == name
    return name.endswith(pattern[1:]) and len(name) > len(pattern) - 1
