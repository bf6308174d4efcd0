"""The behaviours of cPanel that no public document settles, as switches in one file.

``sandbox-switches.json`` in the sandbox's directory holds those that differ from the default.
The plugin has to be right with every value. ``(?)`` marks in the facts are the reason for most;
the rest are faults that a test wants to see.

======================== ============== =========================================================
switch                   default        what it decides
======================== ============== =========================================================
rebuild_info_lines       2              ``info [rebuildhttpdconf] …`` lines before the last line
rebuild_refusal_code     1              exit code when the built file fails Apache's test
rebuild_fails            false          refuse each rebuild, whatever was built
rebuild_lies             false          exit 0 and say OK, but leave the old file in place
rebuild_seconds          0              how long a build holds its lock at least
restart_code             0              exit code of every restart that would have succeeded
restart_fails            false          graceful restart does nothing and exits 1
graceful_without_test    false          signal Apache without a config test first
restart_delay            0              seconds by which a graceful restart is deferred (exit 0)
restart_rebuilds         false          a plain ``--restart`` rebuilds httpd.conf first
includes_restart_delay   1              seconds until ensure_vhost_includes restarts Apache
numbers                  "documented"   numbers in API answers: documented, strings or ints
absent                   "null"         fields of a domain without SSL: null, empty or missing
log_lines_before_json    0              lines that whmapi1 and uapi print before their JSON
raw_output               "data.output"  where restartservice tells the truth; or
                                        "metadata.output.raw"
suspend_reason           "Unknown"      the text in listaccts
includes_of_the_removed  "kept"         an account's include folders after removal: kept or
                                        removed
missing_certificate      "no vhost"     NAME_SSL without a combined file: no vhost or fails
list_header              false          a ``#`` line at the head of the text lists
yaml                     "plain"        userdata as one writer has it, or "spaced" as the other
httpd_conf_mode          "0600"         mode of httpd.conf, octal
aliases                  "one line"     ServerAlias: one line, lines (several directives) or
                                        continued (backslashes)
autodiscover             "cgi"          autodiscover. goes to a CGI, or "proxy" like the others
websocket_rules          true           cpanel., webmail. and whm. have a second rule
front_headers            "lost"         request headers that are not everyday ones: lost or kept
front_content_type       "kept"         Content-Type of relayed answers: kept, or lost (it becomes
                                        text/html, with nosniff)
front_redirects          "kept"         303 of a page: kept, or lost (its body comes as 200)
front_error_bodies       "kept"         body of a 4xx or 5xx of a page: kept or replaced
front_static_token       false          static files are refused without the token in their URL
front_frame              "template"     WHM's frame by template, by functions alone, or none
front_liveapi            true           account pages find a LiveAPI socket
======================== ============== =========================================================
"""

from __future__ import annotations

import json
from dataclasses import dataclass, fields
from typing import Any

from origin_pulls.errors import Unusable
from origin_pulls.sandbox import files
from origin_pulls.sandbox.layout import Layout


@dataclass(frozen=True, slots=True, kw_only=True)
class Switches:
    """The position of each switch."""

    rebuild_info_lines: int = 2
    rebuild_refusal_code: int = 1
    rebuild_fails: bool = False
    rebuild_lies: bool = False
    rebuild_seconds: float = 0
    restart_code: int = 0
    restart_fails: bool = False
    graceful_without_test: bool = False
    restart_delay: float = 0
    restart_rebuilds: bool = False
    includes_restart_delay: float = 1
    numbers: str = "documented"
    absent: str = "null"
    log_lines_before_json: int = 0
    raw_output: str = "data.output"
    suspend_reason: str = "Unknown"
    includes_of_the_removed: str = "kept"
    missing_certificate: str = "no vhost"
    list_header: bool = False
    yaml: str = "plain"
    httpd_conf_mode: str = "0600"
    aliases: str = "one line"
    autodiscover: str = "cgi"
    websocket_rules: bool = True
    front_headers: str = "lost"
    front_content_type: str = "kept"
    front_redirects: str = "kept"
    front_error_bodies: str = "kept"
    front_static_token: bool = False
    front_frame: str = "template"
    front_liveapi: bool = True


def read(layout: Layout) -> Switches:
    """The switches of a sandbox, the defaults where its file says nothing."""
    try:
        given = json.loads(layout.switches.read_text())
    except FileNotFoundError:
        return Switches()
    return _checked(given, str(layout.switches))


def turn(layout: Layout, **positions: object) -> Switches:
    """Put some switches into another position; programs started from now on follow it."""
    try:
        given = json.loads(layout.switches.read_text())
    except FileNotFoundError:
        given = {}
    given |= positions
    switches = _checked(given, "turn()")
    files.replace(layout.switches, json.dumps(given, indent=1) + "\n")
    return switches


def _checked(given: dict[str, Any], where: str) -> Switches:
    known = {field.name for field in fields(Switches)}
    if unknown := set(given) - known:
        raise Unusable(
            f"{where}: there is no switch {sorted(unknown)[0]!r}",
            hint=f"Known: {', '.join(sorted(known))}.",
        )
    return Switches(**given)
