"""Judges what the doctor was shown of Apache: a check for each thing, with what it means."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime

from origin_pulls.model.checks import Check, Health
from origin_pulls.model.facts import Finding, ServerFacts

OLDEST = (2, 4, 19)
SNI_FIXED = (2, 4, 64)
NEEDED = ("ssl_module", "setenvif_module", "log_config_module")
FOR_SOME = ("rewrite_module", "dir_module")
SOON = 30  # days before an expiry that is worth a word
MOST_NAMED = 3


def apache(facts: ServerFacts, *, is_running: bool) -> Iterator[Check]:
    """Version, modules, configuration, and what ends TLS."""
    yield version(facts.version)
    yield modules(facts.modules)
    if facts.config_error:
        yield Check(
            *("config", "Apache's configuration", Health.BAD),
            f"Apache does not accept it: {facts.config_error}",
            "Mend that first (`httpd -t` must say Syntax OK); until then nothing can be changed.",
        )
    elif not is_running:
        yield Check(
            *(
                "config",
                "Apache's configuration",
                Health.BAD,
                "It is in order, but Apache is down.",
            ),
            "Start it: /usr/local/cpanel/scripts/restartsrv_httpd",
        )
    else:
        yield Check("config", "Apache's configuration", Health.GOOD, "In order, and Apache runs.")
    yield front(facts.front, facts.https_port)
    yield reload_safety(facts.deadly)


def version(found: tuple[int, ...]) -> Check:
    """Whether this Apache can do it, and whether CVE-2025-23048 is open in it."""
    title, said = "Apache's version", ".".join(map(str, found))
    if len(found) < len(OLDEST):
        return Check("apache", title, Health.UNKNOWN, "httpd -v does not say it.")
    if found < OLDEST:
        hint = "Update EasyApache 4: at least 2.4.19 is needed, 2.4.65 or newer is wanted."
        return Check("apache", title, Health.BAD, f"{said} is too old", hint)
    if found < SNI_FIXED:
        return Check(
            *("apache", title, Health.WARNING),
            f"{said} has CVE-2025-23048: whom one site trusts can get into another",
            "Update EasyApache 4 to 2.4.65 or newer. Until then the strict SNI check is switched "
            "on with each demand; clients without SNI are refused there.",
        )
    return Check("apache", title, Health.GOOD, f"{said}; CVE-2025-23048 is mended in it.")


def modules(loaded: Collection[str]) -> Check:
    """Whether the modules are there that a demand, exemptions and port 80 need."""
    title = "Apache's modules"
    if not loaded:
        return Check("modules", title, Health.UNKNOWN, "httpd -M does not list them.")
    if missing := [name for name in NEEDED if name not in loaded]:
        hint = "Install them in WHM, EasyApache 4. Nothing can be enforced without."
        return Check("modules", title, Health.BAD, f"Missing: {', '.join(missing)}", hint)
    if missing := [name for name in FOR_SOME if name not in loaded]:
        hint = "Exemptions and rules for port 80 need them: WHM, EasyApache 4."
        return Check("modules", title, Health.WARNING, f"Missing: {', '.join(missing)}", hint)
    return Check("modules", title, Health.GOOD, "All that is needed is loaded.")


def front(name: str, port: int) -> Check:
    """Who ends visitors' TLS; a demand in Apache works only where that is Apache."""
    title = "Who ends TLS"
    if name:
        return Check(
            *("front", title, Health.BAD),
            f"{name} stands before Apache: a demand in Apache would refuse everybody",
            "Origin Pulls enforces in Apache alone; it refuses to do so here.",
        )
    return Check("front", title, Health.GOOD, f"Apache itself, on port {port}.")


def reload_safety(deadly: Sequence[Finding]) -> Check:
    """Whether a CA file lies in wait that kills Apache at its next reload."""
    title = "Safe to reload"
    if deadly:
        return Check(
            *("reload", title, Health.BAD),
            f"The next reload, by whomever, kills Apache: {_some(deadly)}",
            "Put a valid PEM file there, or take that line away and rebuild httpd.conf.",
        )
    return Check("reload", title, Health.GOOD, "Every CA file that is named can be read.")


def foreign(findings: Sequence[Finding]) -> Check:
    """Whether somebody else decides about client certificates too."""
    title = "Other people's SSLVerifyClient"
    if findings:
        return Check(
            *("foreign", title, Health.WARNING, f"Found: {_some(findings)}"),
            "Where such a line counts, Origin Pulls refuses to change the site. Take it out, or "
            "leave that site alone.",
        )
    return Check("foreign", title, Health.GOOD, "Nobody else demands client certificates.")


def remote_ip(is_loaded: bool, headers: Sequence[Finding], proxies: Sequence[Finding]) -> Check:
    """Who turns a header into the visitor's address, and whom it believes."""
    title = "Visitors' addresses"
    if not is_loaded or not headers:
        return Check(
            *("remoteip", title, Health.GOOD),
            "Nothing sets RemoteIPHeader: logs show the address that connects, so Cloudflare's.",
        )
    who = ", ".join(dict.fromkeys(f"{one.text} ({one.path})" for one in headers[:MOST_NAMED]))
    if not proxies:
        return Check(
            *("remoteip", title, Health.WARNING),
            f"{who}, but no RemoteIPTrustedProxy: any visitor can claim any address",
            "Add Cloudflare's networks as RemoteIPTrustedProxy, or use cPanel's own "
            "includes/cloudflare.conf.",
        )
    return Check("remoteip", title, Health.GOOD, f"{who}; {len(proxies)} trusted networks.")


def include_lines(missing: Sequence[str], local: Sequence[str]) -> Check:
    """Whether Apache reads our includes: the lines in httpd.conf, and templates that make it."""
    title = "Include lines and templates"
    if missing:
        named = ", ".join(missing[:MOST_NAMED])
        hint = "Rebuild: /usr/local/cpanel/scripts/rebuildhttpdconf"
        if local:
            hint = f"Look at {', '.join(local)}: cPanel's include lines may be missing there."
        return Check(
            *("includes", title, Health.BAD),
            f"httpd.conf does not read the include of {len(missing)}: {named}",
            hint,
        )
    if local:
        return Check(
            *("includes", title, Health.WARNING),
            f"All lines are there, but a template is the administrator's own: {', '.join(local)}",
            "After a cPanel update compare it with the new default.",
        )
    return Check("includes", title, Health.GOOD, "cPanel's own templates; all lines are there.")


def layout(is_two: bool, userdata: str) -> Check:
    """Whether includes live in the old folder ``2/``, which ``2_4/`` would put out of force."""
    title = "Folder of the includes"
    if is_two:
        return Check(
            *("layout", title, Health.BAD),
            f"{userdata} has 2/ but no 2_4/: making 2_4/ would drop what is in 2/",
            "Move what is in 2/ to 2_4/ and rebuild httpd.conf.",
        )
    return Check("layout", title, Health.GOOD, "As cPanel has it.")


def expiries(found: Sequence[tuple[str, datetime]], now: datetime) -> Check:
    """Whether a certificate that an origin trusts or shows ends soon."""
    title = "Certificates"
    if not found:
        return Check("certificates", title, Health.GOOD, "None is in use.")
    ordered = sorted(found, key=lambda one: one[1])
    what, first = ordered[0]
    days = (first - now).days
    ending = sum((when - now).days < SOON for _, when in ordered)
    if days < SOON:
        state = Health.BAD if first <= now else Health.WARNING
        verb = "has ended" if first <= now else f"ends in {days} days"
        hint = (
            "Make new ones: `origin-pulls rotate NAME`; for an imported one `origin-pulls "
            "certificate import NAME`; or bring another CA."
        )
        return Check("certificates", title, state, f"{ending} of {len(found)}: {what} {verb}", hint)
    said = f"{len(found)} in use; the first to end is {what}, on {first:%Y-%m-%d}."
    return Check("certificates", title, Health.GOOD, said)


def _some(findings: Sequence[Finding]) -> str:
    named = "; ".join(map(str, findings[:MOST_NAMED]))
    left = len(findings) - MOST_NAMED
    return f"{named} and {left} more" if left > 0 else named
