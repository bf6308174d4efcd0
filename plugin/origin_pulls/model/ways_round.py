"""What still leads to a vhost's files without a certificate, on this very server."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from origin_pulls.model import names
from origin_pulls.model.httpd_conf import Block, HttpdConf
from origin_pulls.model.inventory import Vhost
from origin_pulls.model.policy import Mode, Policy, Port80, Trust


@dataclass(frozen=True, slots=True)
class WayRound:
    """One open way: what it is (a word for machines), what leads where, what to do about it."""

    kind: str
    what: str
    hint: str


def find(
    vhost: Vhost,
    vhosts: Sequence[Vhost],
    policies: Mapping[str, Policy],
    conf: HttpdConf,
) -> list[WayRound]:
    """All ways round an enforcement of ``vhost`` that the server's own configuration shows.

    ``policies`` maps vhost keys to what is in force; a vhost that is not in it has no policy.
    """
    policy = policies.get(vhost.key, Policy())
    return [
        *_port_80(vhost, policy),
        *_shared_roots(vhost, vhosts, policies),
        *_user_directories(vhost, vhosts, policies, conf),
        *_exemptions(vhost, policy),
        *_other_blocks(vhost, conf),
        *_shared_trust(policy),
    ]


def _port_80(vhost: Vhost, policy: Policy) -> list[WayRound]:
    if not vhost.plain_addresses or policy.port80 is not Port80.LEAVE:
        return []
    return [
        WayRound(
            "port80",
            f"http://{_visited(vhost)}/ serves the site without TLS, so without a certificate",
            "Use `--port80 redirect`, or `--port80 cloudflare` where Cloudflare comes by port 80.",
        )
    ]


def _shared_roots(
    vhost: Vhost, vhosts: Sequence[Vhost], policies: Mapping[str, Policy]
) -> list[WayRound]:
    found = []
    root = PurePosixPath(vhost.document_root)
    for other in vhosts:
        if other.key == vhost.key or not other.document_root:
            continue
        door = _door(other, policies.get(other.key, Policy()))
        if door is None:
            continue
        theirs = PurePosixPath(other.document_root)
        if root.is_relative_to(theirs):
            below = root.relative_to(theirs)
            path = "" if str(below) == "." else f"{below}/"
            found.append(
                WayRound(
                    "inside",
                    f"{door.url}{path} leads into this site's folder {root}",
                    f"{door.hint}, or move the folder out of {theirs}.",
                )
            )
        elif theirs.is_relative_to(root):
            found.append(
                WayRound(
                    "contains",
                    f"{door.url} serves {theirs}, a folder inside this site's {root}",
                    f"{door.hint}, or move that folder out.",
                )
            )
    return found


def _user_directories(
    vhost: Vhost,
    vhosts: Sequence[Vhost],
    policies: Mapping[str, Policy],
    conf: HttpdConf,
) -> list[WayRound]:
    home = PurePosixPath(vhost.document_root)
    if "public_html" not in home.parts:
        return []
    place = home.parts.index("public_html")
    if home.parts[place - 1] != vhost.user:
        return []
    below = "/".join(home.parts[place + 1 :])
    path = f"~{vhost.user}/{below}/" if below else f"~{vhost.user}/"
    return [
        WayRound(
            "userdir",
            f"{door.url}{path} leads to this site's files",
            f"Switch mod_userdir protection on (WHM, Apache mod_userdir Tweak). {door.hint}.",
        )
        for other in vhosts
        if other.is_ssl
        and other.key != vhost.key
        and (door := _door(other, policies.get(other.key, Policy())))
        and serves_user(vhost.user, (*conf.user_dirs, *other.user_dirs))
    ]


def serves_user(user: str, settings: Sequence[str]) -> bool:
    """Whether ``UserDir`` lines, in order, leave ``/~user/`` switched on.

    Apache: ``disabled`` alone turns all off but those in ``enabled``; ``disabled U`` turns U off
    for good; a folder alone turns it on (mod_userdir's documentation).
    """
    is_on, enabled, disabled = False, set[str](), set[str]()
    for setting in settings:
        words = setting.split()
        match words[:1]:
            case ["disabled" | "Disabled" | "DISABLED"]:
                if words[1:]:
                    disabled.update(words[1:])
                else:
                    is_on = False
            case ["enabled" | "Enabled" | "ENABLED"]:
                enabled.update(words[1:])
            case [_]:
                is_on = True
    return user not in disabled and (is_on or user in enabled)


def _exemptions(vhost: Vhost, policy: Policy) -> list[WayRound]:
    if policy.mode is not Mode.ENFORCE:
        return []
    proxied_away = {name.name for name in vhost.names if name.forms}
    found = [
        WayRound(
            "exempt name",
            f"https://{name}/ serves the same site and is exempt: anybody may send that name",
            "Take the exemption away, or put that name on a site of its own.",
        )
        for name in policy.exempt_names
        if name not in proxied_away
    ]
    if policy.exempt_paths:
        found.append(
            WayRound(
                "exempt path",
                f"{', '.join(path + '/' for path in policy.exempt_paths)} is open to anybody",
                "Keep exempt paths few, and let the application ask for its own key there.",
            )
        )
    return found


def _other_blocks(vhost: Vhost, conf: HttpdConf) -> list[WayRound]:
    """Further SSL blocks that serve one of our names without our include."""
    ours = [block for block in conf.blocks if block.is_ssl and _is_ours(block, vhost)]
    return [
        WayRound(
            "second vhost",
            f"httpd.conf line {block.line} serves {block.server_name} on "
            f"{' '.join(block.addresses)} too, without this include",
            "Let both virtual hosts have the include line, or remove the second one.",
        )
        for block in conf.blocks
        if block.is_ssl
        and block not in ours
        and set(block.addresses).isdisjoint(vhost.addresses)
        and any(
            names.matches(pattern, name)
            for pattern in (block.server_name, *block.aliases)
            for name in vhost.host_names
        )
    ]


def _is_ours(block: Block, vhost: Vhost) -> bool:
    return (block.user, block.include_directory) == (vhost.user, vhost.include_directory)


def _shared_trust(policy: Policy) -> list[WayRound]:
    if policy.mode is Mode.OFF or policy.trust is not Trust.CLOUDFLARE:
        return []
    return [
        WayRound(
            "shared certificate",
            "Cloudflare's shared certificate is shown for every customer of Cloudflare: anybody "
            "can point a zone of theirs at this server and pass",
            "Use `--trust own`.",
        )
    ]


@dataclass(frozen=True, slots=True)
class Door:
    """How another vhost still lets somebody in without a certificate, and how it is closed."""

    url: str
    hint: str


def _door(other: Vhost, policy: Policy) -> Door | None:
    """The way into another vhost without a certificate; ``None`` when it is closed altogether."""
    host, name = _visited(other), other.server_name
    if policy.mode is not Mode.ENFORCE:
        scheme = "https" if other.is_ssl else "http"
        return Door(f"{scheme}://{host}/", f"Enforce {name} as well")
    proxied_away = {one.name for one in other.names if one.forms}
    open_names = [exempt for exempt in policy.exempt_names if exempt not in proxied_away]
    if open_names:
        return Door(f"https://{open_names[0]}/", f"Take the exemptions of {name} away")
    if policy.exempt_paths or policy.exempt_networks:
        return Door(
            f"https://{host}/",
            f"{name} is enforced with exemptions: look whether they "
            "cover this folder and take them away",
        )
    if other.plain_addresses and policy.port80 is Port80.LEAVE:
        return Door(f"http://{host}/", f"Close port 80 of {name} (`--port80 redirect`)")
    return None


def _visited(vhost: Vhost) -> str:
    """A name by which a vhost can be visited; of a wildcard ``NAME`` stands for any."""
    found = (name for name in vhost.host_names if not name.startswith("*."))
    return next(found, vhost.host_names[0].replace("*", "NAME", 1))
