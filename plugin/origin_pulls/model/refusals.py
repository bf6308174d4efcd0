"""Why a change is not made: everything that is found before anything is touched."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from origin_pulls.errors import Refused
from origin_pulls.model import names
from origin_pulls.model.facts import File, Finding, ServerFacts, VhostFacts
from origin_pulls.model.include import State
from origin_pulls.model.inventory import Kind
from origin_pulls.model.plan import Change, fingerprints
from origin_pulls.model.policy import Mode, Policy, Port80, Trust
from origin_pulls.model.saying import named

OLDEST = (2, 4, 19)  # GlobalLog came with it


def of_server(server: ServerFacts) -> Iterator[Refused]:
    """What forbids any change on this server at the moment."""
    if server.config_error:
        yield Refused(
            f"Apache's configuration is broken already: {server.config_error}",
            hint="Nothing was touched. Mend that first; `httpd -t` must say Syntax OK.",
        )
    if server.is_updating:
        yield Refused(
            "cPanel is updating Apache and forbids restarts",
            hint="Try again in some minutes, when the update is through.",
        )


def of_reload(server: ServerFacts, changes: Sequence[Change]) -> Iterator[Refused]:
    """What forbids the reload that these changes need, unless they mend it themselves."""
    mended = {str(change.facts.secure.path) for change in changes}
    for finding in (one for one in server.deadly if one.path not in mended):
        yield Refused(
            f"A reload would kill Apache: {finding} names a file that is no certificate",
            hint="Put a valid PEM file there, or take that line away and rebuild httpd.conf.",
        )


def of_change(server: ServerFacts, change: Change) -> Iterator[Refused]:
    """What forbids this change of this vhost."""
    yield from _files(change.facts)
    if change.wanted.is_idle:
        return
    yield from _apache(server, change.wanted)
    yield from _place(server, change)
    if change.wanted.mode is Mode.OFF:
        return
    yield from _foreign(server, change)
    yield from _exempt_names(change)
    if change.wanted.mode is Mode.ENFORCE:
        yield from _edge(change)


def warnings(change: Change, *, names_are_told: bool = False) -> list[str]:
    """What a person should know before this change is made, though nothing forbids it.

    ``names_are_told``: what is locked stands beside it, name by name, and is not said again.
    """
    vhost, wanted = change.facts.vhost, change.wanted
    said: list[str] = []
    if wanted.mode is Mode.OFF:
        return said
    if vhost.answers_without_sni:
        said.append(
            f"{vhost.server_name} answers clients without SNI on "
            f"{', '.join(vhost.answers_without_sni)}: they meet the same demand."
        )
    if vhost.is_suspended:
        said.append(f"The account {vhost.user} is suspended: visitors see its suspension page.")
    if wanted.mode is Mode.ENFORCE:
        said += [
            f"{name} is exempt and serves the same files: anybody may come in by that name."
            for name in _open_doors(change)
        ]
        said += [] if names_are_told else _locked_out(change)
    return said


def _locked_out(change: Change) -> list[str]:
    vhost, exempt = change.facts.vhost, change.wanted.exempt_names
    services = [
        name.name
        for name in vhost.names
        if name.kind in (Kind.SERVICE, Kind.MAIL) and name.name not in exempt
    ]
    if not services:
        return []
    return [
        f"Without Cloudflare before them these names are locked: {named(services)}. "
        "Exempt those that are DNS-only."
    ]


def _open_doors(change: Change) -> list[str]:
    proxied_away = {name.name for name in change.facts.vhost.names if name.forms}
    return [name for name in change.wanted.exempt_names if name not in proxied_away]


def _files(facts: VhostFacts) -> Iterator[Refused]:
    for file in (facts.secure, facts.plain):
        if file.state is State.EDITED:
            yield Refused(
                f"{file.path} was edited by hand",
                hint="Take the edit back; or copy what you need of it elsewhere, empty the file "
                f"(`: > {file.path}`, an empty include is safe), and try again.",
            )
        if file.state is State.FOREIGN:
            yield Refused(
                f"{file.path} is not ours",
                hint="Give that file another name (ending .conf), then rebuild httpd.conf.",
            )


def _apache(server: ServerFacts, wanted: Policy) -> Iterator[Refused]:
    if server.front:
        yield Refused(
            f"{server.front} ends TLS before Apache: a demand in Apache would refuse everybody",
            hint="Authenticated Origin Pulls must be set there; this version cannot do it.",
        )
    if server.version < OLDEST:
        yield Refused(
            f"Apache {'.'.join(map(str, server.version))} is too old",
            hint=f"It must be {'.'.join(map(str, OLDEST))} or newer.",
        )
    needed = {"ssl_module", "setenvif_module", "log_config_module"}
    if wanted.is_exempting or wanted.port80 is not Port80.LEAVE:
        needed.add("rewrite_module")
    if wanted.port80 is not Port80.LEAVE:
        needed.add("dir_module")
    for module in sorted(needed - server.modules):
        yield Refused(
            f"Apache runs without {module}", hint="Install it in WHM, EasyApache 4, and try again."
        )


def _place(server: ServerFacts, change: Change) -> Iterator[Refused]:
    facts, wanted = change.facts, change.wanted
    vhost = facts.vhost
    if wanted.mode is not Mode.OFF and not vhost.is_ssl:
        yield Refused(
            f"{vhost.server_name} has no HTTPS virtual host",
            hint="Issue a certificate for it first (WHM, Manage AutoSSL).",
        )
        return
    if wanted.mode is not Mode.OFF:
        yield from _directory(server.layout_two, vhost.include_directory, facts.secure, "ssl")
    if wanted.port80 is not Port80.LEAVE:
        if not vhost.plain_addresses:
            yield Refused(
                f"{vhost.server_name} has no virtual host on port 80",
                hint="Leave `--port80` away.",
            )
            return
        yield from _directory(
            server.plain_layout_two, vhost.plain_include_directory, facts.plain, "std"
        )


def _directory(layout_two: bool, named: str, file: File, base: str) -> Iterator[Refused]:
    if not named or not str(file.path).startswith(f"{named}/"):
        yield Refused(
            "httpd.conf names no include directory for this virtual host",
            hint="A custom template without include lines makes it: look for *.local files and "
            "custom_vhost_template_ap2, and add cPanel's include lines to them.",
        )
    elif layout_two:
        yield Refused(
            f"This server keeps its includes in userdata/{base}/2; creating {file.path.parent} "
            "would switch all of them off",
            hint=f"Move userdata/{base}/2 to userdata/{base}/2_4, rebuild httpd.conf, try again.",
        )


def _foreign(server: ServerFacts, change: Change) -> Iterator[Refused]:
    vhost = change.facts.vhost
    if vhost.own_directives:
        yield Refused(
            f"The virtual host of {vhost.server_name} has its own {vhost.own_directives[0]}",
            hint="It comes from a template or the certificate's settings. Remove it there first.",
        )
    for finding in (*server.findings, *change.facts.findings):
        yield _somebody_elses(finding)
    if change.wanted.mode is Mode.ENFORCE and change.wanted.is_exempting:
        for finding in (*server.rewrites, *change.facts.rewrites):
            yield Refused(
                f"Somebody else's rewriting could skip the exemption rule: {finding}",
                hint="Enforce without exemptions, or move that rule out of this virtual host.",
            )


def _somebody_elses(finding: Finding) -> Refused:
    return Refused(
        f"Somebody else decides about client certificates here: {finding}",
        hint="Remove that line (and rebuild httpd.conf) before Origin Pulls takes over.",
    )


def _exempt_names(change: Change) -> Iterator[Refused]:
    own = change.facts.vhost.host_names
    for exempt in change.wanted.exempt_names:
        if exempt.startswith("*."):
            yield Refused(
                f"{exempt} cannot be exempt: it stands for any name",
                hint="Exempt single names.",
            )
        elif not any(names.matches(pattern, exempt) for pattern in own):
            yield Refused(
                f"{exempt} is no name of {change.facts.vhost.server_name}",
                hint=f"Its names are {', '.join(own[:12])}.",
            )


def _edge(change: Change) -> Iterator[Refused]:
    edge, wanted = change.facts.edge, change.wanted
    is_known = bool(fingerprints(change.facts.trusted) & edge.presents)
    # What was proven for a demand of before says nothing of now: nobody has looked since.
    is_fresh = edge.is_proven or wanted.edge_ready
    if edge.is_managed or (
        is_known and (is_fresh or not wanted.begins_to_demand(change.facts.policy))
    ):
        return
    by_hand = "turn Authenticated Origin Pulls on there"
    bring = (
        "Let Origin Pulls do it: `origin-pulls token add`. Or by hand: upload the certificate "
        f"at Cloudflare and {by_hand} "
        "(`origin-pulls observe` makes the certificate, `show` tells where it lies), "
        "then say so with `--edge-ready`."
    )
    if wanted.trust is Trust.CUSTOM:
        bring = (
            "Origin Pulls brings no certificate of a CA of yours to Cloudflare: upload it there, "
            f"{by_hand}, then say so with `--edge-ready`."
        )
    yield Refused(
        f"Nothing says that Cloudflare presents the certificate to {change.facts.vhost.server_name}"
        " yet; demanding it now would lock every visitor out",
        hint=bring,
    )
